"""Which samples `trainers.dmlp` trusts, and which it holds out."""

import json
import subprocess
import sys

import pytest

from tests import imports

# Resolves the flags of the command without training.
_RESOLVE = """
import json, sys
from absl import flags
from trainers import dmlp
F = flags.FLAGS
F(sys.argv)
dmlp._explain_validation()
data = dmlp.resolve("dmlp", {name: F[name].value for name in F}).data
names = ("validation", "trusted", "trusted_total", "trusted_csv")
print(json.dumps([data[name] for name in names]))
"""


def resolved(*flags):
    """What is printed, standard error, and the settings of both."""
    answer = subprocess.run(
        [sys.executable, "-c", _RESOLVE, "--dataset=cifar10", *flags],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": imports.ROOT},
    )
    *lines, last = answer.stdout.splitlines()
    return lines, answer.stderr, json.loads(last)


def test_validation_holds_out_samples_to_judge_by():
    lines, errors, found = resolved("--validation=0.2")
    assert found == [0.2, 100, None, None] and errors == ""
    [line] = lines
    assert "held out to judge the model by" in line
    assert line.endswith("the number of trusted samples is --trusted_total")


@pytest.mark.parametrize("flag", ["--trusted_total=500", "--trusted=50"])
def test_beside_a_flag_of_trusted_samples_nothing_is_explained(flag):
    lines, errors, found = resolved("--validation=300", flag)
    assert lines == [] and errors == "" and found[0] == 300
    assert 500 in found or found[1] == 50


def test_old_names_are_aliases(tmp_path):
    path = tmp_path / "trusted.csv"
    path.write_text("id\n", encoding="utf-8")
    lines, errors, found = resolved(
        "--held_out=0.1", f"--validation_csv={path}"
    )
    assert found == [0.1, None, None, str(path)] and lines == []
    assert errors.splitlines() == [
        "warning: --held_out is deprecated: --validation means the same"
    ]
