"""Directional derivatives that run their own passes of a function.

`noisy_keras.ops.meta.derivative_along` is faster where a gradient tape has
already recorded the forward pass.
"""

from collections.abc import Callable

import tensorflow as tf

# Step of the central differences, relative to the norm of the parameters.
_STEP = 1e-3


def forward(function: Callable, parameters: list, direction: list) -> tf.Tensor:
    """Directional derivative `J v` by forward-mode differentiation; exact.

    Args:
        function: callable from a list of tensors to a tensor.
        parameters: list of float tensors, the point at which to differentiate.
        direction: list of as many float tensors of the same shapes, v.

    Returns:
        Float tensor of the shape that `function` returns.
    """
    # Fresh tensors, because the accumulator recognises primals by identity.
    parameters = [tf.identity(p) for p in parameters]
    with tf.autodiff.ForwardAccumulator(parameters, direction) as accumulator:
        outputs = function(parameters)
    return accumulator.jvp(outputs)


def differences(
    function: Callable, parameters: list, direction: list
) -> tf.Tensor:
    """Directional derivative `J v` by central differences.

    Takes two passes of the function. The result is inaccurate where the
    function has kinks, as ReLU networks do.

    Args:
        function: callable from a list of tensors to a tensor.
        parameters: list of float tensors, the point at which to differentiate.
        direction: list of as many float tensors of the same shapes, v.

    Returns:
        Float tensor of the shape that `function` returns.
    """
    size = tf.linalg.global_norm(parameters) / (
        tf.linalg.global_norm(direction) + 1e-12
    )
    step = _STEP * size

    def shifted(sign: float) -> tf.Tensor:
        pairs = zip(parameters, direction, strict=True)
        return function([p + sign * step * d for p, d in pairs])

    return (shifted(1.0) - shifted(-1.0)) / (2.0 * step)
