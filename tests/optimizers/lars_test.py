import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras import optimizers


def test_two_steps_by_hand():
    optimizer = nk.LARS(0.5, momentum=0.5, weight_decay=1.0, trust=0.1)
    kernel = keras.Variable([[3.0], [4.0]])
    # u1 = (2, 0) + w = (5, 4), |w| = 5, |u| = sqrt(41), r = 0.5 / sqrt(41):
    # m1 = (2.5, 2) / sqrt(41), w1 = w - 0.5 m1.
    optimizer.apply([tf.constant([[2.0], [0.0]])], [kernel])
    first = np.array([[2.5], [2.0]]) / np.sqrt(41.0)
    weights = np.array([[3.0], [4.0]]) - 0.5 * first
    np.testing.assert_allclose(kernel.numpy(), weights, rtol=1e-6)
    # u2 = w1, so that r u = 0.1 w1; the rate is after the momentum.
    optimizer.learning_rate = 0.2
    optimizer.apply([tf.zeros([2, 1])], [kernel])
    second = 0.5 * first + 0.1 * weights
    np.testing.assert_allclose(
        kernel.numpy(), weights - 0.2 * second, rtol=1e-6
    )


def test_the_size_of_a_gradient_does_not_matter():
    ends = []
    for size in (1.0, 1000.0):
        kernel = keras.Variable([[3.0, 4.0]])
        optimizer = nk.LARS(1.0, momentum=0.0, trust=0.01)
        optimizer.apply([tf.constant([[size, 0.0]])], [kernel])
        ends.append(kernel.numpy())
    np.testing.assert_allclose(ends[0], [[3.0 - 0.05, 4.0]], rtol=1e-6)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-6)


def test_vectors_take_plain_steps_without_decay():
    bias = keras.Variable([1.0, 2.0])
    optimizer = nk.LARS(0.5, momentum=0.0, weight_decay=10.0)
    optimizer.apply([tf.constant([2.0, 0.0])], [bias])
    np.testing.assert_allclose(bias.numpy(), [0.0, 2.0])


def test_zero_weights_and_zero_gradients_stay_finite():
    zero = keras.Variable([[0.0, 0.0]])
    still = keras.Variable([[1.0, 2.0]])
    optimizer = nk.LARS(0.5, momentum=0.0)
    optimizer.apply(
        [tf.constant([[1.0, 0.0]]), tf.zeros([1, 2])], [zero, still]
    )
    np.testing.assert_allclose(zero.numpy(), [[-0.5, 0.0]])
    np.testing.assert_allclose(still.numpy(), [[1.0, 2.0]])


def test_xla_and_configuration():
    optimizer = nk.LARS(0.3, 0.8, 1e-3, nesterov=True, trust=0.02)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is nk.LARS
    assert copy.get_config() == optimizer.get_config()
    kernels = [keras.Variable([[1.0, 2.0]]) for _ in range(2)]
    gradient = tf.constant([[0.5, -1.0]])
    for one, kernel, jit in zip(
        (optimizer, copy), kernels, (False, True), strict=True
    ):
        one.build([kernel])
        tf.function(
            functools.partial(one.apply, [gradient], [kernel]),
            jit_compile=jit,
        )()
    np.testing.assert_allclose(*kernels, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trust": 0.0}, "`trust` to be above 0"),
        ({"momentum": 1.0}, "momentum in"),
        ({"weight_decay": -1.0}, "weight decay of at least"),
    ],
)
def test_bad_arguments_raise(options, message):
    with pytest.raises(ValueError, match=message):
        nk.LARS(0.1, **options)


def test_the_rate_rises_and_falls_by_hand():
    rate = optimizers.warmed_up_cosine(0.8, 6, 2, steps_per_epoch=10)
    steps = [0, 5, 20, 40, 60, 100]
    found = [float(rate(step)) for step in steps]
    np.testing.assert_allclose(found, [0.0, 0.2, 0.8, 0.4, 0.0, 0.0], atol=1e-6)
    plain = optimizers.warmed_up_cosine(0.8, 6, 0, steps_per_epoch=10)
    np.testing.assert_allclose(
        [float(plain(step)) for step in (0, 30)], [0.8, 0.4], atol=1e-6
    )
    with pytest.raises(ValueError, match="warm-up of at least 0"):
        optimizers.warmed_up_cosine(0.8, 6, 6, steps_per_epoch=10)
