"""Scaling the value and the gradient of a tensor independently."""

import tensorflow as tf


def scale_gradient(x: tf.Tensor, factor: float | tf.Tensor) -> tf.Tensor:
    """Keeps the value of a tensor and scales its gradient.

    Args:
        x: float tensor of any shape.
        factor: float or float scalar tensor, factor of the gradient.

    Returns:
        Float tensor of the shape and value of `x`.
    """
    return factor * x + tf.stop_gradient((1.0 - factor) * x)


def scale_value(x: tf.Tensor, factor: float | tf.Tensor) -> tf.Tensor:
    """Scales the value of a tensor and keeps its gradient.

    Args:
        x: float tensor of any shape.
        factor: float or float scalar tensor, factor of the value.

    Returns:
        Float tensor of the shape of `x` with the value `factor * x`.
    """
    return x + tf.stop_gradient((factor - 1.0) * x)
