import math

import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import losses

LOGITS = tf.math.log(tf.constant([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]))


def test_cross_entropy_by_hand():
    targets = tf.constant([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    expected = [math.log(2), -0.5 * math.log(0.2) - 0.5 * math.log(0.6)]
    np.testing.assert_allclose(
        losses.cross_entropy(targets, LOGITS), expected, rtol=1e-6
    )


def test_sparse_cross_entropy_equals_one_hot():
    np.testing.assert_allclose(
        losses.sparse_cross_entropy(tf.constant([0, 2]), LOGITS),
        losses.cross_entropy(tf.one_hot([0, 2], 3), LOGITS),
        rtol=1e-6,
    )


def test_squared_error_is_a_mean_over_classes():
    targets = tf.constant([[1.0, 0.0, 0.0], [0.2, 0.2, 0.6]])
    expected = [(0.25 + 0.0625 + 0.0625) / 3, 0.0]
    np.testing.assert_allclose(
        losses.squared_error(targets, LOGITS), expected, atol=1e-7
    )


def test_negative_entropy_of_uniform_predictions():
    assert float(losses.negative_entropy(tf.zeros([5, 4]))) == pytest.approx(
        -math.log(4)
    )


def test_class_balance_penalty_is_zero_when_balanced():
    balanced = 50.0 * tf.eye(3)
    assert float(losses.class_balance_penalty(balanced)) == pytest.approx(
        0.0, abs=1e-6
    )


def test_class_balance_penalty_by_hand():
    # The mean prediction is (0.35, 0.225, 0.425).
    expected = sum(math.log((1 / 3) / m) / 3 for m in (0.35, 0.225, 0.425))
    assert float(losses.class_balance_penalty(LOGITS)) == pytest.approx(
        expected, rel=1e-5
    )


def test_class_balance_penalty_stays_finite_when_a_class_is_never_predicted():
    logits = tf.constant([[1000.0, 0.0], [1000.0, 0.0]])
    assert math.isfinite(float(losses.class_balance_penalty(logits)))
