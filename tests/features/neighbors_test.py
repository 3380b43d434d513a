import numpy as np
import pytest

from noisy_keras.features import neighbors


def circle(count, classes, seed=0):
    """Directions in one cluster per class."""
    labels = np.arange(count) % classes
    angle = 2 * np.pi * labels / classes
    angle = angle + np.random.RandomState(seed).normal(0, 0.1, count)
    return np.stack([np.cos(angle), np.sin(angle)], 1), labels


def test_neighbours_of_one_cluster_agree():
    features, labels = circle(60, 3)
    found = neighbors.vote(features.astype(np.float32), labels, 3)
    assert found.shape == (60, 3)
    np.testing.assert_array_equal(found.argmax(axis=1), labels)
    queries, right = circle(7, 3, seed=1)
    found = neighbors.vote(
        features.astype(np.float32), labels, 3, queries.astype(np.float32)
    )
    np.testing.assert_array_equal(found.argmax(axis=1), right)


def test_a_sample_has_no_vote_on_itself():
    features = np.eye(4, dtype=np.float32) + 0.1
    found = neighbors.vote(features, np.arange(4), 4, neighbors=3)
    np.testing.assert_allclose(np.diag(found), 0.0, atol=1e-6)


def test_batches_of_queries_are_independent():
    features, labels = circle(1203, 3)
    features = features.astype(np.float32)
    whole = neighbors.vote(features, labels, 3)
    part = neighbors.vote(
        features, labels, 3, queries=features[700:703], own=[700, 701, 702]
    )
    np.testing.assert_allclose(whole[700:703], part, rtol=1e-5)


def test_positions_are_spread_from_first_to_last():
    np.testing.assert_array_equal(neighbors.spread(3, 5), [0, 1, 2])
    found = neighbors.spread(1000, 10)
    assert len(set(found)) == 10 and (found[0], found[-1]) == (0, 999)


@pytest.mark.parametrize("count", [0, 4, 5])
def test_bad_numbers_of_neighbours_raise(count):
    with pytest.raises(ValueError, match="fewer than the number of samples, 4"):
        neighbors.vote(np.eye(4), np.arange(4), 4, neighbors=count)
