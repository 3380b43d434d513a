"""Directional derivatives of a function of parameters, by passes of its own.

`noisy_keras.ops.meta.derivative_along` is faster where a forward pass has been
recorded anyway.
"""

import tensorflow as tf

# Of central differences, in shares of the norm of the parameters.
_STEP = 1e-3


def forward(function, parameters, direction):
    """`J v` in forward mode, exact.

    Args:
        function: of a list of tensors, to a tensor.
        parameters: where; a list of tensors.
        direction: v; a list of as many.

    Returns:
        Tensor as `function` returns it.
    """
    # Tensors of their own: the accumulator tells them by identity.
    parameters = [tf.identity(p) for p in parameters]
    with tf.autodiff.ForwardAccumulator(parameters, direction) as accumulator:
        outputs = function(parameters)
    return accumulator.jvp(outputs)


def differences(function, parameters, direction):
    """`J v` by central differences: two passes, rough at the kinks of ReLU.

    Args:
        function: as of `forward`.
        parameters: as of `forward`.
        direction: as of `forward`.

    Returns:
        Tensor as `function` returns it.
    """
    size = tf.linalg.global_norm(parameters) / (
        tf.linalg.global_norm(direction) + 1e-12
    )
    step = _STEP * size

    def moved(sign):
        pairs = zip(parameters, direction, strict=True)
        return function([p + sign * step * d for p, d in pairs])

    return (moved(1.0) - moved(-1.0)) / (2.0 * step)
