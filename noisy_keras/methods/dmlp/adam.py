"""Adam as a function of tensors.

As in the released code, whose first beta is 0.5 rather than the usual 0.9.
"""

from typing import NamedTuple

import tensorflow as tf

_BETAS = (0.5, 0.999)
_EPSILON = 1e-8


class Adam(NamedTuple):
    """The optimizer state of one value.

    Attributes:
        first: tensor of the value's shape, running mean of gradients.
        second: tensor of the value's shape, running mean of squared gradients.
        steps: float32 scalar, number of steps so far.
    """

    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor

    @classmethod
    def fresh(cls, shape):
        """The state before the first step.

        Args:
            shape: ints, shape of the value.

        Returns:
            `Adam` of zeros.
        """
        return cls(tf.zeros(shape), tf.zeros(shape), tf.zeros([]))


def adam(value, gradient, slots, rate, weight_decay=0.0):
    """A step of Adam with coupled weight decay and betas of 0.5 and 0.999.

    Args:
        value: float tensor to be updated.
        gradient: float tensor of the same shape.
        slots: `Adam`, the optimizer state of the value.
        rate: float >= 0 or scalar tensor, learning rate.
        weight_decay: float >= 0; this multiple of the value is added to the
            gradient.

    Returns:
        The new value and the new `Adam`.
    """
    gradient += weight_decay * value
    beta_1, beta_2 = _BETAS
    steps = slots.steps + 1.0
    first = beta_1 * slots.first + (1.0 - beta_1) * gradient
    second = beta_2 * slots.second + (1.0 - beta_2) * tf.square(gradient)
    mean = first / (1.0 - tf.pow(beta_1, steps))
    scale = tf.sqrt(second / (1.0 - tf.pow(beta_2, steps))) + _EPSILON
    return value - rate * mean / scale, Adam(first, second, steps)
