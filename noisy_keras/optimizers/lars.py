"""Layer-wise adaptive rate scaling for contrastive learning in large batches.

Reference: You et al., Large Batch Training of Convolutional Networks, 2017,
algorithm 1; Chen et al., SimCLR, ICML 2020, appendix B.6.
"""

import keras

from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.utils.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="noisy_keras")
class LARS(MomentumSGD):
    """`MomentumSGD` with updates scaled to the norm of the weights.

    For each variable, `u = g + wd w` and `r = trust |w| / |u|`, then `m <- mu m
    + r u` and `w <- w - lr m`; r is 1 where one of the norms is 0. Variables of
    fewer than two axes (biases, scales and offsets) are neither scaled nor
    decayed.

    SimCLR's code multiplies by the learning rate before the momentum. Here the
    rate is applied after it, as in `MomentumSGD`, so that a change of the rate
    takes effect at once.

    Args:
        learning_rate: float, `keras.optimizers.schedules.LearningRateSchedule`
            or callable, the learning rate lr; about 0.3 B / 256 for batches of
            B images.
        momentum: float in `[0, 1)`, mu.
        weight_decay: float >= 0, wd.
        nesterov: bool, whether to use Nesterov momentum.
        trust: float > 0, norm of an update at learning rate 1, relative to the
            norm of the weights.
        name: str, name of the optimizer.
        **kwargs: arguments of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> optimizer = LARS(0.6, weight_decay=1e-6)
        >>> kernel = keras.Variable([[3.0, 4.0]])
        >>> optimizer.apply([keras.ops.array([[0.0, 0.5]])], [kernel])
        >>> np.round(kernel.numpy(), 4)  # A step of length 0.6 * 0.001 * 5.
        array([[3.   , 3.997]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate=0.3,
        momentum=0.9,
        weight_decay=0.0,
        nesterov=False,
        trust=1e-3,
        name="LARS",
        **kwargs,
    ):
        if not trust > 0.0:
            raise ConfigurationError(
                f"Expected `trust` to be above 0. Received: trust={trust}"
            )
        super().__init__(
            learning_rate, momentum, weight_decay, nesterov, name, **kwargs
        )
        self.trust = float(trust)

    def decayed(self, gradient, variable):
        if len(variable.shape) < 2:
            return gradient
        ops = keras.ops
        update = super().decayed(gradient, variable)
        weight_norm, norm = (
            ops.sqrt(ops.sum(ops.square(ops.cast(x, "float32"))))
            for x in (variable, update)
        )
        ratio = ops.where(
            ops.logical_and(weight_norm > 0.0, norm > 0.0),
            self.trust * weight_norm / ops.maximum(norm, 1e-30),
            1.0,
        )
        return ops.cast(ratio, update.dtype) * update

    def get_config(self):
        return {**super().get_config(), "trust": self.trust}
