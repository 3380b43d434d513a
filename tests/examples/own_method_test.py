"""A method in a single file outside of the package."""

import os
import shutil
import subprocess
import sys

import pytest

from tests import imports

FOLDER = os.path.join(imports.ROOT, "examples", "own_method")


def test_the_example_is_short():
    with open(os.path.join(FOLDER, "gce.py"), encoding="utf-8") as stream:
        assert len(stream.readlines()) <= 30


@pytest.mark.large
def test_the_example_passes_the_tests_of_all_methods(tmp_path):
    # A copy, in which nothing of this repository is found by its place.
    folder = tmp_path / "own"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__*"))
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": imports.ROOT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    # Two replicas and all other tests ran; none was skipped.
    assert "10 passed" in result.stdout and "skipped" not in result.stdout
