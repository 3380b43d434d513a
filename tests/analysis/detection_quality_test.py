import numpy as np
import pytest

import noisy_keras as nk


def a_source(labels, true_labels, foreign=None):
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    source = nk.data.from_arrays(
        images, labels, true_labels=true_labels, class_names=["a", "b", "c"]
    )
    if foreign is not None:
        source.foreign = np.asarray(foreign, bool)
    return source


def test_quality_by_kind_by_hand():
    # Rows 0-3 are right; 4-6 show b and 7 shows c; 8 and 9 are out of
    # distribution; row 10 is unknown.
    source = a_source(
        [0, 0, 1, 2, 0, 0, 0, 1, 0, 1, 2],
        [0, 0, 1, 2, 1, 1, 1, 2, -1, -1, -1],
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0],
    )
    score = np.array([1, 6, 2, 3, 7, 8, 4, 2.5, 9, 5, 99])
    found = nk.analysis.detection_quality(source, score, score > 5.5, pairs=1)
    assert [q.kind for q in found] == [
        "all",
        "in_distribution",
        "out_of_distribution",
        "pair",
    ]
    whole, inside, outside, pair = found
    # Called wrong: 1 (right), 4, 5 and 8; 10 does not count.
    assert (whole.wrong, whole.right) == (6, 4)
    assert (whole.found, whole.false_alarms) == (3, 1)
    assert whole.precision == 0.75 and whole.recall == 0.5
    # Right scores 1, 6, 2, 3 against 7, 8, 4, 2.5, 9, 5: those above all are
    # in order 4 times each, 4 and 5 three times, 2.5 twice; 20 of 24.
    assert whole.auc == pytest.approx(20 / 24)
    assert (inside.wrong, inside.found) == (4, 2)
    assert inside.precision == pytest.approx(2 / 3) and inside.recall == 0.5
    assert inside.auc == pytest.approx((4 + 4 + 3 + 2) / 16)
    assert (outside.wrong, outside.found) == (2, 1)
    assert outside.precision == 0.5
    assert outside.auc == pytest.approx((4 + 3) / 8)
    # The pair is compared with the right labels a, of scores 1 and 6.
    assert (pair.true, pair.given) == ("b", "a")
    assert (pair.wrong, pair.right) == (3, 2)
    assert pair.precision == pytest.approx(2 / 3)
    assert pair.recall == pytest.approx(2 / 3)
    assert pair.auc == pytest.approx((2 + 2 + 1) / 6)


def test_pairs_are_sorted_by_frequency():
    source = a_source([0, 1, 1, 2, 2, 2], [1, 0, 0, 1, 1, 1])
    found = nk.analysis.detection_quality(source, np.ones(6), np.zeros(6))
    pairs = [(q.true, q.given, q.wrong) for q in found if q.kind == "pair"]
    assert pairs == [("b", "c", 3), ("a", "b", 2), ("b", "a", 1)]
    # There is nothing that is right, and nothing was called wrong.
    assert all(q.auc is None and q.precision is None for q in found)
    assert all(q.recall == 0.0 for q in found)


def test_without_truth_or_noise_there_is_no_quality():
    for true_labels in (None, [0, 1]):
        source = a_source([0, 1], true_labels)
        assert nk.analysis.detection_quality(source, [0, 1], [0, 1]) == []
