"""What a command loads before TensorFlow, which takes seconds."""

import json
import subprocess
import sys

import pytest

from tests import imports

# Runs a command up to the first import of TensorFlow.
_RUN = """
import json, os, runpy, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            names = [m for m in sys.modules if m.startswith("trainers")]
            print(json.dumps(sorted(names)), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Finder())
module, *sys.argv = sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def loaded_before_tensorflow(folder, module, *flags):
    answer = subprocess.run(
        [sys.executable, "-c", _RUN, module, module, *flags],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": imports.ROOT},
    )
    assert answer.returncode == 0 and answer.stdout, answer.stderr
    return json.loads(answer.stdout)


def test_ten_modules_are_loaded_before_tensorflow(tmp_path):
    found = loaded_before_tensorflow(tmp_path, "trainers.sanm")
    # The command itself is `__main__`.
    assert {"trainers.presets.sanm", "trainers.run.folder"} < set(found)
    assert len(found) <= 10, "\n".join(found)


@pytest.mark.parametrize("method", ["cross_entropy", "dmlp", "ieg"])
def test_other_commands_load_little_more(tmp_path, method):
    found = loaded_before_tensorflow(tmp_path, f"trainers.{method}")
    assert len(found) <= 18, "\n".join(found)


def test_the_presets_load_no_tensorflow():
    code = (
        "import sys; from trainers import presets; "
        "[presets.preset(m, 'cifar10', 'symmetric', 0.5) "
        "for m in presets.methods()]; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"PYTHONPATH": imports.ROOT},
    )
