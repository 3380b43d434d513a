import tensorflow as tf

from noisy_keras.ops import gradients


def value_and_gradient(function):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x * x)
    return float(y), float(tape.gradient(y, x))


def test_the_gradient_alone_is_scaled():
    scaled = value_and_gradient(lambda y: gradients.scale_gradient(y, 0.5))
    assert scaled == (9.0, 3.0)


def test_the_value_alone_is_scaled():
    scaled = value_and_gradient(lambda y: gradients.scale_value(y, 0.5))
    assert scaled == (4.5, 6.0)
