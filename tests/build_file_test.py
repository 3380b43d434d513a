import os
import re
import shutil
import subprocess

import pytest

from tests import build_file
from tests import imports


def test_build_names_every_file_with_its_true_edges():
    with open(build_file.PATH, encoding="utf-8") as stream:
        assert stream.read() == build_file.content(), (
            "BUILD is not what the tree says: run `python -m tests.build_file`"
        )


def test_every_file_is_a_source_once():
    with open(build_file.PATH, encoding="utf-8") as stream:
        sources = re.findall(r'srcs = \["([^"]+)"', stream.read())
    assert sorted(sources) == imports.python_files()


@pytest.mark.skipif(
    not shutil.which("bazel"), reason="bazel is not on this machine"
)
def test_bazel_parses_it(tmp_path):
    root = tmp_path / "workspace"
    root.mkdir()
    for top in ("BUILD", "WORKSPACE", "LICENSE", *imports.TOPS):
        path = os.path.join(imports.ROOT, top)
        if os.path.exists(path):
            (root / top).symlink_to(path)
    command = ["bazel", f"--output_user_root={tmp_path}/out", "--batch"]
    result = subprocess.run(
        [*command, "query", "//..."],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    targets = [t for t in result.stdout.split() if t.startswith("//")]
    assert len(targets) == len(imports.python_files())
