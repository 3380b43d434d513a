"""Adam as a function of tensors, with the released code's betas."""

from typing import NamedTuple

import tensorflow as tf

_BETAS = (0.5, 0.999)
_EPSILON = 1e-8


class Adam(NamedTuple):
    """What Adam remembers of a value: two moments and the steps it made."""

    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor

    @classmethod
    def fresh(cls, shape):
        """As before the first step."""
        return cls(tf.zeros(shape), tf.zeros(shape), tf.zeros([]))


def adam(value, gradient, slots, rate, weight_decay=0.0):
    """A step of Adam with coupled weight decay and betas of 0.5 and 0.999.

    Args:
        value: tensor.
        gradient: of its shape.
        slots: its `Adam`.
        rate: learning rate.
        weight_decay: times the value, is added to the gradient.

    Returns:
        The new value and its `Adam`.
    """
    gradient += weight_decay * value
    beta_1, beta_2 = _BETAS
    steps = slots.steps + 1.0
    first = beta_1 * slots.first + (1.0 - beta_1) * gradient
    second = beta_2 * slots.second + (1.0 - beta_2) * tf.square(gradient)
    mean = first / (1.0 - tf.pow(beta_1, steps))
    scale = tf.sqrt(second / (1.0 - tf.pow(beta_2, steps))) + _EPSILON
    return value - rate * mean / scale, Adam(first, second, steps)
