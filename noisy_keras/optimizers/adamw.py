"""Adam with decoupled weight decay, and rates that differ between layers.

Reference: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR
2019.
"""

import keras

from noisy_keras.optimizers.layer_rates import LayerRates


@keras.saving.register_keras_serializable(package="noisy_keras")
class AdamW(LayerRates, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with learning rates that differ between layers.

    It is what vision transformers and ConvNeXt are usually fine-tuned with.
    Methods whose look-ahead reads the momentum of `MomentumSGD` refuse it.

    Args:
        learning_rate: float, `keras.optimizers.schedules.LearningRateSchedule`
            or callable, the learning rate.
        weight_decay: float >= 0. In a step, a variable is multiplied by one
            minus this times its learning rate. Biases, scales and offsets,
            which have fewer than two axes, are not decayed.
        name: str, name of the optimizer.
        backbone_rate: float in `[0, 1]`, what the learning rate is multiplied
            by for all layers of a network but its classifier.
        layer_decay: float in `(0, 1]`, what it is multiplied by once more for
            each block between a weight and the classifier: about 0.75 for
            vision transformers (Bao et al., BEiT, ICLR 2022).
        **kwargs: arguments of `keras.optimizers.AdamW`, such as `beta_2`.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> optimizer = AdamW(0.1, weight_decay=0.5, epsilon=0.0)
        >>> kernel = keras.Variable([[1.0, -2.0]])
        >>> optimizer.apply([keras.ops.array([[3.0, 3.0]])], [kernel])
        >>> np.round(kernel.numpy(), 4)  # 0.95 w, minus 0.1.
        array([[ 0.85, -2.  ]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate=1e-3,
        weight_decay=0.05,
        name="AdamW",
        backbone_rate=1.0,
        layer_decay=1.0,
        **kwargs,
    ):
        super().__init__(
            learning_rate, weight_decay=weight_decay, name=name, **kwargs
        )
        self.set_rates(backbone_rate, layer_decay)

    def update_step(self, gradient, variable, learning_rate):
        rate = keras.ops.cast(learning_rate, variable.dtype)
        rate *= self.factor(variable)
        if self.weight_decay and self._use_weight_decay(variable):
            share = keras.ops.cast(self.weight_decay, variable.dtype)
            self.assign_sub(variable, rate * share * variable)
        super().update_step(gradient, variable, rate)

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)

    def _apply_weight_decay(self, variables):
        pass  # Keras' own has one rate for all variables: see `update_step`.

    def get_config(self):
        return {**super().get_config(), **self.layer_config()}
