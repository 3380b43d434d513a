"""Schedules of a coefficient over training time."""

import tensorflow as tf


def linear_ramp(time, start: float, length: float):
    """Rises linearly from 0 at `start` to 1 at `start + length`.

    Args:
        time: float tensor of any shape, in epochs; fractions are welcome.
        start: epoch at which the ramp begins.
        length: epochs that it takes; 0 makes it a step.

    Returns:
        float32 of the shape of `time`, in `[0, 1]`.
    """
    time = tf.cast(time, tf.float32)
    if length <= 0:
        return tf.cast(time >= start, tf.float32)
    return tf.clip_by_value((time - start) / length, 0.0, 1.0)
