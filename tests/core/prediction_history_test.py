import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.core import prediction_history
from noisy_keras.core.prediction_history import PredictionHistory


def logits(*probabilities):
    return np.log(np.asarray(probabilities, np.float32))


def test_the_mean_is_of_all_predictions_of_a_sample():
    history = PredictionHistory(3, 2)
    history.add([0, 2], logits([0.25, 0.75], [0.5, 0.5]))
    history.add([0], logits([0.75, 0.25]))
    history.add([0], logits([0.5, 0.5]))
    np.testing.assert_allclose(
        history.mean(), [[0.5, 0.5], [0.0, 0.0], [0.5, 0.5]], atol=1e-6
    )
    np.testing.assert_array_equal(history.seen(), [True, False, True])


def test_earlier_predictions_fade():
    history = PredictionHistory(1, 2, decay=0.5)
    for p in ([1.0, 1e-9], [1e-9, 1.0], [1e-9, 1.0]):
        history.add([0], logits(p))
    # Weights 1/4, 1/2 and 1.
    np.testing.assert_allclose(history.mean(), [[1 / 7, 6 / 7]], rtol=1e-5)
    again = PredictionHistory.from_config(history.get_config())
    assert again.decay == 0.5


def test_a_decay_outside_of_its_range_is_told():
    with pytest.raises(ValueError, match=r"`decay` in \(0, 1\]"):
        PredictionHistory(1, 2, decay=0.0)


def test_the_loss_is_of_the_mean_and_not_the_mean_of_losses():
    history = PredictionHistory(3, 2)
    history.add([0, 1], logits([0.9, 0.1], [0.2, 0.8]))
    history.add([0, 1], logits([0.5, 0.5], [0.4, 0.6]))
    loss = history.loss(np.array([1, 0, 1]))
    np.testing.assert_allclose(loss[:2], -np.log([0.3, 0.3]), rtol=1e-5)
    assert np.isnan(loss[2])


def test_an_impossible_label_has_a_finite_loss():
    loss = prediction_history.mean_loss(np.array([[3.0, 0.0]]), [1])
    assert loss[0] == pytest.approx(-np.log(1e-7))


def test_it_compiles():
    history = PredictionHistory(4, 3)
    add = tf.function(history.add, jit_compile=True)
    add(tf.constant([1, 3]), tf.zeros([2, 3]))
    np.testing.assert_allclose(history.numpy()[[1, 3]], 1 / 3, rtol=1e-6)
    assert not history.numpy()[[0, 2]].any()
