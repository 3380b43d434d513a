import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import normalization

EPSILON = 1e-3


def plain(x, scale, offset):
    # Not `tf.nn.moments`, whose second derivatives stop at the mean.
    mean = tf.reduce_mean(x, axis=[0, 1, 2])
    variance = tf.reduce_mean(tf.square(x - mean), axis=[0, 1, 2])
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, EPSILON)


def fused(x, scale, offset):
    return normalization.batch_normalize(x, scale, offset, EPSILON)[0]


@pytest.fixture(scope="module")
def tensors():
    random = np.random.RandomState(0)

    def draw(*shape):
        return tf.constant(random.normal(size=shape), tf.float32)

    inputs = [draw(4, 3, 5, 2), draw(2), draw(2)]
    return inputs, [draw(*t.shape) for t in inputs], draw(4, 3, 5, 2)


def test_one_channel_by_hand():
    x = tf.reshape(tf.constant([1.0, 3.0]), [2, 1, 1, 1])
    y, mean, variance = normalization.batch_normalize(
        x, tf.constant([2.0]), tf.constant([5.0]), 0.0
    )
    # Mean 2, variance 1, unbiased 2.
    np.testing.assert_allclose(tf.reshape(y, [-1]), [3.0, 7.0], rtol=1e-5)
    np.testing.assert_allclose(mean, [2.0])
    np.testing.assert_allclose(variance, [2.0])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_first_and_second_derivatives(tensors, jit_compile):
    inputs, direction, weights = tensors

    def derivatives(function):
        @tf.function(jit_compile=jit_compile)
        def compute():
            with tf.GradientTape() as outer:
                outer.watch([*inputs, weights])
                with tf.GradientTape() as inner:
                    inner.watch(inputs)
                    # Curved, so that second derivatives are.
                    value = tf.reduce_sum(weights * tf.sin(function(*inputs)))
                first = inner.gradient(value, inputs)
            second = outer.gradient(
                first, [*inputs, weights], output_gradients=direction
            )
            return first, second

        return compute()

    for mine, other in zip(
        tf.nest.flatten(derivatives(fused)),
        tf.nest.flatten(derivatives(plain)),
        strict=True,
    ):
        scale = np.abs(other).max()
        np.testing.assert_allclose(mine, other, atol=2e-5 * scale)


def test_statistics_have_no_gradient(tensors):
    inputs, _, _ = tensors
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        _, mean, _ = normalization.batch_normalize(*inputs, EPSILON)
    assert tape.gradient(mean, inputs) == [None, None, None]


def test_sixteen_bits():
    x = tf.random.stateless_normal([8, 4, 4, 2], [0, 1])
    y, mean, _ = normalization.batch_normalize(
        tf.cast(x, tf.bfloat16), tf.ones([2]), tf.zeros([2]), EPSILON
    )
    assert y.dtype == tf.bfloat16
    assert mean.dtype == tf.float32
    np.testing.assert_allclose(
        tf.cast(y, tf.float32),
        plain(x, tf.ones([2]), tf.zeros([2])),
        atol=0.05,
    )
