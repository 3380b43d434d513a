"""Ramps of a coefficient over training time."""

import tensorflow as tf

from noisy_keras.utils.types import TensorLike


def linear_ramp(time: TensorLike, start: float, length: float) -> tf.Tensor:
    """Rises linearly from 0 at `start` to 1 at `start + length`.

    Args:
        time: float tensor of any shape, time in epochs; fractions are allowed.
        start: float, time in epochs at which the ramp begins.
        length: float, duration of the ramp in epochs; 0 makes it a step.

    Returns:
        Float32 tensor of the shape of `time`, in `[0, 1]`.
    """
    time = tf.cast(time, tf.float32)
    if length <= 0:
        return tf.cast(time >= start, tf.float32)
    return tf.clip_by_value((time - start) / length, 0.0, 1.0)
