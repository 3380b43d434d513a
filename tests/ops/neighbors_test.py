import math

import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import neighbors


def test_votes_by_hand():
    # Cosines to the query: 1, 0.6, 0 and -1; lengths do not matter.
    features = tf.constant([[2.0, 0.0], [3.0, 4.0], [0.0, 1.0], [-1.0, 0.0]])
    targets = tf.one_hot([1, 0, 0, 2], 3)
    query = tf.constant([[0.5, 0.0]])
    votes = neighbors.class_votes(query, features, targets, 3, 0.5)
    weights = np.exp([2.0, 1.2, 0.0])
    expected = [weights[1] + weights[2], weights[0], 0.0] / weights.sum()
    np.testing.assert_allclose(votes[0], expected, rtol=1e-5)
    # Without itself: 0.6 and 0 are left.
    votes = neighbors.class_votes(query, features, targets, 2, 0.5, own=[0])
    np.testing.assert_allclose(votes[0], [1.0, 0.0, 0.0], rtol=1e-5)


def test_an_own_row_of_minus_one_leaves_all_votes():
    features = tf.eye(3)
    votes = neighbors.class_votes(
        features, features, tf.eye(3), 1, own=[0, -1, 2]
    )
    assert votes[1].numpy().argmax() == 1
    assert votes[0].numpy().argmax() != 0 and votes[2].numpy().argmax() != 2


def test_high_temperature_weighs_votes_equally():
    features = tf.constant([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    targets = tf.one_hot([0, 1, 1], 2)
    votes = neighbors.class_votes(features[:1], features, targets, 3, 1e6)
    np.testing.assert_allclose(votes[0], [1 / 3, 2 / 3], rtol=1e-4)


def test_soft_labels_and_xla():
    random = np.random.RandomState(0)
    features = random.normal(size=(20, 4)).astype(np.float32)
    targets = random.dirichlet([1.0] * 3, 20).astype(np.float32)
    compiled = tf.function(
        lambda q: neighbors.class_votes(q, features, targets, 5),
        jit_compile=True,
    )
    votes = compiled(tf.constant(features[:6])).numpy()
    np.testing.assert_allclose(votes.sum(axis=1), 1.0, rtol=1e-5)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for row in range(6):
        cosine = unit @ unit[row]
        near = np.argsort(-cosine)[:5]
        weight = np.exp(cosine[near] / 0.07)
        expected = weight @ targets[near] / weight.sum()
        np.testing.assert_allclose(votes[row], expected, rtol=1e-3, atol=1e-6)
    assert math.isfinite(votes.sum()) and votes.min() >= 0.0


def test_more_neighbours_than_samples_raise():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        neighbors.class_votes(tf.eye(2), tf.eye(2), tf.eye(2), 3)
