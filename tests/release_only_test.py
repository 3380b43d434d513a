"""Tests that are named for a release exist."""

import os
import re

import pytest

from tests import imports
from tests import release_only


@pytest.mark.parametrize("pattern", release_only.PATTERNS)
def test_patterns_name_tests_that_exist(pattern):
    path, *names = pattern.partition("[")[0].split("::")
    with open(os.path.join(imports.ROOT, path), encoding="utf-8") as stream:
        text = stream.read()
    for name in names[:-1]:
        assert f"class {name}(" in text
    # Tests of a class may be those of its base.
    if len(names) == 1 and "*" not in names[0]:
        assert re.search(rf"^def {names[0]}\(", text, re.M)


def test_parameters_are_matched_as_they_are_written():
    one = "tests/methods/ieg_test.py::TestIEG::test_mixed_precision_trains"
    assert release_only.applies(f"{one}[mixed_float16]")
    assert not release_only.applies(f"{one}[mixed_bfloat16]")
    assert not release_only.applies(one)
