import numpy as np
import pytest

from noisy_keras.labels import class_sizes
from noisy_keras.labels.audit import LabelAudit


def sized(*sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def audit(labels, clean, **options):
    count = len(labels)
    return LabelAudit(
        ids=np.arange(count).astype(str),
        given_label=labels,
        suggested_label=(labels + 1) % (labels.max() + 1),
        clean_probability=clean,
        confidence=np.full(count, 0.95),
        class_names=tuple(f"c{k}" for k in range(labels.max() + 1)),
        **options,
    )


@pytest.mark.parametrize("sizes", [(150, 150, 8), (100, 100, 100, 5)])
def test_a_rare_class_that_was_not_learnt_is_not_called_wrong(sizes):
    labels = sized(*sizes)
    clean = np.where(labels == labels.max(), 0.1, 0.9)
    found = class_sizes.within_bounds(clean, labels)
    assert np.sum(found < 0.5) == 1
    np.testing.assert_allclose(found[labels < labels.max()], 0.9)


def test_the_share_of_other_classes_is_the_bound_of_a_rare_one():
    labels = sized(100, 100, 9)
    clean = np.full(209, 0.9)
    clean[:80] = 0.1  # 40 % of the labels in large classes.
    clean[200:] = np.linspace(0.1, 0.4, 9)
    found = class_sizes.within_bounds(clean, labels)
    assert (found[200:] < 0.5).tolist() == [True] * 3 + [False] * 6
    assert (np.diff(found[200:]) > 0.0).all()


def test_many_samples_are_evidence_of_their_own():
    usual, share = 0.1, 0.8
    bounds = [
        class_sizes.most_wrong(n, share, usual) / n for n in (10, 20, 40, 60)
    ]
    assert bounds[0] == usual
    assert bounds == sorted(bounds)
    assert bounds[2:] == pytest.approx([share, share])


def test_classes_of_even_sizes_are_left_as_they_are():
    random = np.random.RandomState(0)
    labels, clean = sized(8, 9, 10, 12), random.uniform(size=39)
    clean = clean.astype(np.float32)
    assert (class_sizes.within_bounds(clean, labels) == clean).all()
    labels = sized(400, 400, 60)
    clean = np.where(labels == 2, 0.1, 0.9).astype(np.float32)
    assert (class_sizes.within_bounds(clean, labels) == clean).all()


def test_the_order_within_a_class_is_kept():
    random = np.random.RandomState(1)
    labels = sized(300, 15)
    clean = np.r_[np.full(300, 0.95), random.uniform(size=15)]
    found = class_sizes.within_bounds(clean, labels)[300:]
    order = np.argsort(clean[300:])
    assert (np.diff(found[order]) >= 0.0).all()
    assert np.sum(found < 0.5) == 1


def test_labels_of_tiny_classes_are_never_replaced():
    labels = sized(20, class_sizes.LEAST_RELABELLED - 1)
    protected = class_sizes.protected(labels)
    assert (protected == (labels == 1)).all()
    found = audit(labels, np.full(len(labels), 0.1), protected=protected)
    assert set(found.verdict[labels == 0]) == {"relabelled"}
    assert set(found.verdict[labels == 1]) == {"suspect"}


def test_classes_that_lose_most_of_their_samples_are_named():
    labels = sized(10, 10, 10)
    clean = np.full(30, 0.9)
    clean[10:15] = clean[20:26] = 0.1
    assert audit(labels, clean).mostly_wrong == ("c2",)
    assert audit(labels, np.full(30, 0.9)).mostly_wrong == ()


def test_held_out_labels_are_judged_by_the_sizes_of_training():
    held, sizes = sized(4, 4, 3), np.array([100, 100, 12])
    clean = np.where(held == 2, 0.1, 0.9)
    # As many as others by themselves, but rare in training.
    assert np.sum(class_sizes.within_bounds(clean, held) < 0.5) == 3
    assert np.sum(class_sizes.within_bounds(clean, held, sizes) < 0.5) == 1
    # None of a large class may be held out, nor any of a rare one.
    found = class_sizes.within_bounds(clean[8:], held[8:], sizes)
    assert np.sum(found < 0.5) == 1
    np.testing.assert_allclose(
        class_sizes.within_bounds(clean[:8], held[:8], sizes), 0.9
    )
    assert class_sizes.protected(held).all()
    assert not class_sizes.protected(held, sizes).any()
    tiny = class_sizes.protected(held, np.array([100, 100, 9]))
    assert tiny.tolist() == [False] * 8 + [True] * 3


def test_an_audit_of_both_parts_keeps_what_it_knows_of_either():
    labels = sized(3, 2)
    bad = np.array([True, False, False, False, False])
    of_train = audit(labels, np.full(5, 0.1), protected=labels == 1)
    held = audit(labels, np.full(5, 0.1), unreadable=bad)
    both = of_train.with_held_out(held)
    assert both.verdict.tolist() == [
        *["relabelled"] * 3,
        *["suspect"] * 2,
        "unreadable",
        *["relabelled"] * 4,
    ]
    for split, part in (("train", of_train), ("validation", held)):
        assert both.of_split(split).verdict.tolist() == part.verdict.tolist()
