import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import planted


def source(count, classes=5):
    labels = np.arange(count) % classes
    return nk.data.from_arrays(np.zeros((count, 4, 4, 3), np.uint8), labels)


@pytest.mark.parametrize(
    "count, expected", [(199, 0), (200, 10), (2000, 40), (20_000, 200)]
)
def test_so_many_mistakes_are_planted(count, expected):
    clean = source(count)
    found = planted.plant(clean, seed=3)
    wrong = np.flatnonzero(found.labels != clean.labels)
    np.testing.assert_array_equal(found.rows, wrong)
    assert len(wrong) == expected
    np.testing.assert_array_equal(found.source(clean).labels, found.labels)


def test_the_seed_decides_which():
    clean = source(1000)
    first, again, other = (planted.plant(clean, s).rows for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_what_is_found_and_restored_of_them_is_counted():
    clean = source(1000)
    found = planted.plant(clean)
    probability = np.ones(1000)
    probability[found.rows[:10]] = 0.2
    assert found.found(probability) == 10 / 20
    # Where all rank alike, or others rank lower, nothing is proven.
    assert not found.prove(np.ones(1000))
    assert found.prove(probability)
    others = np.setdiff1d(np.arange(1000), found.rows)[:490]
    probability[others] = 0.2  # One in two of all.
    assert not found.prove(probability)
    suggested = found.labels.copy()
    suggested[found.rows[:3]] = clean.labels[found.rows[:3]]
    assert found.restored(suggested, clean.labels) == 3 / 20


def test_without_mistakes_nothing_is_known():
    soft = np.full((1000, 5), 0.2)
    for clean in (source(100), source(1000).relabel(soft)):
        found = planted.plant(clean)
        assert found.source(clean) is clean
        assert found.found(np.zeros(clean.num_samples)) is None
        assert found.prove(np.zeros(clean.num_samples)) is None
        assert found.restored(clean.labels, clean.labels) is None
