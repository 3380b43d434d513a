"""Scaling a tensor's value and its gradient apart from each other."""

import tensorflow as tf


def scale_gradient(x, factor):
    """The value of `x`, with `factor` times its gradient.

    Args:
        x: tensor of any shape.
        factor: number.

    Returns:
        Tensor as `x`.
    """
    return factor * x + tf.stop_gradient((1.0 - factor) * x)


def scale_value(x, factor):
    """`factor * x`, with the gradient of `x`.

    Args:
        x: tensor of any shape.
        factor: number.

    Returns:
        Tensor as `x`.
    """
    return x + tf.stop_gradient((factor - 1.0) * x)
