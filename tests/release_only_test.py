"""Tests that are named for a release exist."""

import glob
import os
import re

import pytest

from tests import release_only
from tests.imports import ROOT


@pytest.mark.parametrize("pattern", release_only.PATTERNS)
def test_patterns_name_tests_that_exist(pattern):
    path, *names = pattern.partition("[")[0].split("::")
    texts = [read(path)]
    for name in names[:-1]:
        assert f"class {name}(" in texts[0]
        # Tests of a class may be those of its base.
        texts += map(read, glob.glob("noisy_keras/testing/*.py", root_dir=ROOT))
        texts += map(read, glob.glob("tests/methods/*_tests.py", root_dir=ROOT))
    name = re.escape(names[-1]).replace(r"\*", r"\w*")
    assert any(re.search(rf"^ *def {name}\(", text, re.M) for text in texts)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as stream:
        return stream.read()


def test_parameters_are_matched_as_they_are_written():
    one = "tests/methods/ieg_test.py::TestIEG::test_mixed_precision_trains"
    assert release_only.applies(f"{one}[mixed_float16]")
    assert not release_only.applies(f"{one}[mixed_bfloat16]")
    assert not release_only.applies(one)
