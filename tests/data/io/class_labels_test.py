"""Labels as people have them, and the classes that they become."""

import numpy as np
import pytest

from noisy_keras.data.io import class_labels
from noisy_keras.data.io import class_lookup
from noisy_keras.utils.errors import ConfigurationError

HIGHEST = np.iinfo(np.int64).max


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([1, 2, 3, 1], "1 2 3", [0, 1, 2, 0]),
        ([57, 101, 88], "57 88 101", [0, 2, 1]),
        ([20240131, 20240133, 20240132], None, [0, 2, 1]),
        ([4000000000, 1, 2], "1 2 4000000000", [2, 0, 1]),
        (np.array([HIGHEST, 0]), f"0 {HIGHEST}", [1, 0]),
        (np.array([2**64 - 1, 7], np.uint64), f"7 {2**64 - 1}", [1, 0]),
        (np.array([3, 1], np.uint8), "1 3", [1, 0]),
        ([2.0, 10.0], "2 10", [0, 1]),
        ([-1, 1], "-1 1", [0, 1]),
        ([[5], [4]], "4 5", [1, 0]),
        (["10", "9", "10"], "9 10", [1, 0, 1]),
        (["1.0", "2", "3."], "1 2 3", [0, 1, 2]),
        (["01", "02", "10"], "01 02 10", [0, 1, 2]),
        (["b", "a"], "a b", [1, 0]),
        ([["b"], ["a"]], "a b", [1, 0]),
        (np.array([b"b", b"\xc3\xa9"]), "b é", [0, 1]),
        (np.array(["b", 3, 3.0, True], object), "3 True b", [2, 0, 0, 1]),
        (np.array([2, 1.0], object), "1 2", [1, 0]),
        ([True, False], "False True", [1, 0]),
        ([" cat", "dog", "cat"], "cat dog", [0, 1, 0]),
        (np.eye(3)[[2, 0]], "0 1 2", [2, 0]),
        (np.eye(2, dtype=bool), "0 1", [0, 1]),
    ],
)
def test_classes_are_the_labels_that_occur(labels, names, numbers):
    found = class_labels.encode(labels)
    if names is not None:
        assert found.class_names == tuple(names.split())
    assert found.labels.tolist() == numbers and found.labels.dtype == np.int32
    assert not found.labels.flags.writeable


def test_text_and_numbers_have_the_same_classes():
    numbers = [57, 101, 88, 57]
    for same in (
        np.array(numbers, np.float32),
        [str(n) for n in numbers],
        [f"{n}.0" for n in numbers],
        np.array(numbers, object),
        np.array(numbers)[:, None],
    ):
        found = class_labels.encode(same)
        assert found.class_names == ("57", "88", "101")
        assert found.labels.tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1.0, np.nan, 2.0], "every row.*1 without: row 1"),
        (["a", "NaN", "", "b", "<NA>"], "3 without: row 1, row 2, row 4"),
        (["a", None, "b", np.nan], "2 without: row 1, row 3"),
        (np.ma.array([1, 2], mask=[0, 1]), "1 without: row 1"),
        (["n/a", "b", "#N/A", "null"], "3 without"),
        ([0.5, 1.0], "integer.*1 others: 0.5 at row 0"),
        ([np.inf, 1.0], "inf at row 0"),
        ([-1, 0, 1], "at least 0.*-1 at row 0"),
        (["-2", "1"], "at least 0.*-2 at row 0"),
        ([[0.5, 0.5], [1, 0]], "single 1.*1 other rows.*row 0.*relabel"),
        ([[1, 1], [1, 0]], "single 1"),
        ([["a", "b"]], "one label per sample"),
        ([], "one label per sample"),
        (np.zeros((2, 2, 2)), "one label per sample"),
        ([[1, 2], [3]], "one label per sample"),
        (np.array(["2024-01-31"], "datetime64[D]"), "dtype datetime64"),
        ([3, 3], "at least 2 classes"),
    ],
)
def test_what_is_no_label_is_reported_by_row(labels, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        class_labels.encode(labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([0, 1, 0], "cat dog owl", [0, 1, 0]),
        (["dog", " cat", "owl "], "cat dog owl", [1, 0, 2]),
        (["dog", "0"], "cat dog", [1, 0]),
        (["nan", "a"], "a nan", [1, 0]),
        ([1, 2, 3], "1 2 3", [0, 1, 2]),
        ([0, 1, 2], "2 1 0", [0, 1, 2]),
        ([-1, 0], "-1 0", [0, 1]),
        (["1", "2"], "1 2 3", [0, 1]),
        (["1", "2"], "01 02 03", [0, 1]),
        (np.eye(3)[[1]], "a b c", [1]),
    ],
)
def test_given_classes_are_found_by_name_or_number(labels, names, numbers):
    found = class_labels.encode(labels, names.split())
    assert found.class_names == tuple(names.split())
    assert found.labels.tolist() == numbers


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 3], "a b c", r"in \[0, 3\).*1 others: 3 at row 1"),
        ([0, -1], "a b", r"in \[0, 2\).*-1 at row 1"),
        (["x", "a"], "a b", "one of the 2 classes.*'x' at row 0"),
        ([1, 2], "1 2 3", "read in one way.*Pass them as text"),
        (["0", "01"], "01 02", "'0' at row 0"),
        (np.eye(3), "a b", "3 columns"),
        (["nan", "a"], "a b", "every row.*row 0"),
        ([0, 0], "a", "at least 2 classes"),
    ],
)
def test_labels_of_no_given_class_are_reported(labels, names, message):
    with pytest.raises(ConfigurationError, match=message):
        class_labels.encode(labels, names.split())


@pytest.mark.parametrize(
    ("labels", "true", "names", "numbers"),
    [
        ([0, 1, 1], [0, -1, -1], "0 1", [0, -1, -1]),
        ([1, 2], [1, 3], "1 2 3", [0, 2]),
        ([1.0, 2.0], [np.nan, 2.0], "1 2", [-1, 1]),
        (["b", "a"], ["", "c"], "a b c", [-1, 2]),
        (["b", "a"], [None, "b"], "a b", [-1, 1]),
        (["1", "2"], ["-1", "2"], "1 2", [-1, 1]),
        (np.eye(2), np.eye(2)[[0, 0]], "0 1", [0, 0]),
    ],
)
def test_true_labels_are_in_the_same_terms(labels, true, names, numbers):
    found = class_labels.encode(labels, true_labels=true)
    assert found.class_names == tuple(names.split())
    assert found.true_labels.tolist() == numbers


def test_true_labels_of_no_class_are_reported():
    with pytest.raises(ConfigurationError, match="`true_labels`.*'x' at row 1"):
        class_labels.encode(["a", "b"], ["a", "b"], true_labels=["a", "x"])
    with pytest.raises(ConfigurationError, match="`true_labels`.*-2"):
        class_labels.encode([1, 2], true_labels=[-2, 1])


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (("Cat", "cat", "dog"), "'Cat' and 'cat'"),
        (("polar bear", "polarbear"), "'polar bear' and 'polarbear'"),
        (("1", "01"), "'1' and '01'"),
        (("x 7", "x 007"), "'x 7' and 'x 007'"),
        (("caf\u00e9", "cafe\u0301"), "'caf\u00e9' and"),
    ],
)
def test_classes_that_may_be_one_are_named(names, alike):
    (note,) = class_lookup.notes_on(names)
    assert alike in note and "dog" not in note


def test_classes_that_differ_are_not_named():
    assert class_lookup.notes_on(["a", "b", "10", "1", "100", "x1"]) == ()


def test_identifiers_in_place_of_labels_are_doubted():
    found = class_labels.encode([f"id{i}" for i in range(30)])
    assert "30 of 30 classes have a single sample" in found.notes[0]


def test_labels_that_differ_by_blanks_are_one_class_and_named():
    found = class_labels.encode(["cat", "cat ", "dog"])
    assert found.class_names == ("cat", "dog")
    assert "'cat ' is 'cat'" in found.notes[0]


def test_lookups_prefer_the_text_as_it_is():
    lookup = class_lookup.Lookup(["stripes ", "stripes", "b"])
    assert lookup.find("stripes ") == 0 and lookup.find("stripes") == 1
    assert lookup.find(" stripes") == 1 and lookup.find("2") == 2
    assert lookup.find("3") is None and lookup.find("-1") is None
    # A spreadsheet strips zeros; a number is no position then.
    lookup = class_lookup.Lookup(["01", "02", "10"])
    assert [lookup.find(t) for t in ("2", "2.0", "10", "0")] == [1, 1, 2, None]


def test_many_labels_take_no_memory_by_their_values():
    labels = np.arange(100_000, dtype=np.int64) % 7 * 10**17
    found = class_labels.encode(labels)
    assert len(found.class_names) == 7
    assert np.bincount(found.labels).max() == 14286
