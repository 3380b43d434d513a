"""Stochastic gradient descent as in the published codes."""

import keras

from noisy_keras.optimizers.layer_rates import LayerRates
from noisy_keras.utils.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="noisy_keras")
class MomentumSGD(LayerRates, keras.optimizers.Optimizer):
    """SGD with PyTorch's momentum and coupled weight decay.

    `m <- mu m + (g + wd w)`, then `w <- w - lr m`. All papers implemented here
    were tuned with this form. `keras.optimizers.SGD` differs in two ways: it
    multiplies the gradient by the learning rate before the momentum, so that a
    drop of the rate takes about `1 / (1 - mu)` steps to take effect, and its
    weight decay is decoupled, which makes it ten times weaker at momentum 0.9.
    The variables `momentum_buffer` hold m, which momentum-aware meta-learning
    reads.

    Args:
        learning_rate: float, `keras.optimizers.schedules.LearningRateSchedule`
            or callable, the learning rate lr.
        momentum: float in `[0, 1)`, mu.
        weight_decay: float >= 0, wd. It is added to the gradient of every
            variable, normalisation and biases included, as in the published
            codes. Variables excluded by `exclude_from_weight_decay` are not
            decayed.
        nesterov: bool, whether to use Nesterov momentum: `w <- w - lr (g + mu
            m)`.
        name: str, name of the optimizer.
        backbone_rate: float in `[0, 1]`, what the learning rate is multiplied
            by for all layers of a network but its classifier: less than 1 for
            weights that were trained before.
        layer_decay: float in `(0, 1]`, what it is multiplied by once more for
            each block between a weight and the classifier: about 0.75 for
            vision transformers (Bao et al., BEiT, ICLR 2022).
        **kwargs: arguments of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        learning_rate=0.02,
        momentum=0.9,
        weight_decay=0.0,
        nesterov=False,
        name="MomentumSGD",
        backbone_rate=1.0,
        layer_decay=1.0,
        **kwargs,
    ):
        if not 0.0 <= momentum < 1.0 or not (weight_decay or 0.0) >= 0.0:
            raise ConfigurationError(
                "Expected a momentum in [0, 1) and a weight decay of at least "
                f"0. Received: momentum={momentum}, weight_decay={weight_decay}"
            )
        # Not passed to the base class, whose weight decay is decoupled.
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum = float(momentum)
        self.coupled_weight_decay = float(weight_decay or 0.0)
        self.nesterov = bool(nesterov)
        self.set_rates(backbone_rate, layer_decay)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentum_buffer = self.add_optimizer_variables(
            variables, "momentum_buffer"
        )

    def update_step(self, gradient, variable, learning_rate):
        ops = keras.ops
        rate = ops.cast(learning_rate, variable.dtype) * self.factor(variable)
        gradient = self.decayed(ops.cast(gradient, variable.dtype), variable)
        slot = self.momentum_buffer[self._get_variable_index(variable)]
        momentum = self.momentum * slot + gradient
        self.assign(slot, momentum)
        if self.nesterov:
            momentum = gradient + self.momentum * momentum
        self.assign_sub(variable, rate * momentum)

    def decayed(self, gradient, variable):
        """The gradient with weight decay, which enters the momentum.

        Args:
            gradient: tensor of the shape of `variable`.
            variable: `keras.Variable`.

        Returns:
            Tensor of the shape of `variable`.
        """
        if self.coupled_weight_decay and self._use_weight_decay(variable):
            return gradient + self.coupled_weight_decay * variable
        return gradient

    def get_config(self):
        config = super().get_config()
        config.update(
            momentum=self.momentum,
            weight_decay=self.coupled_weight_decay,
            nesterov=self.nesterov,
            **self.layer_config(),
        )
        return config


def prepared(optimizer, networks):
    """The optimizer that a method compiles with.

    Args:
        optimizer: `keras.optimizers.Optimizer`, its name or configuration; None
            takes `MomentumSGD(0.02, 0.9, weight_decay=5e-4)`.
        networks: list of `keras.Model` to be trained.

    Returns:
        A `keras.optimizers.Optimizer`, with loss scaling if networks compute in
        float16.

    Raises:
        ValueError: If the optimizer has `use_ema`, with which Keras overwrites
            the weights at the end of every round.
    """
    if optimizer is None:
        optimizer = MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4)
    optimizer = keras.optimizers.get(optimizer)
    if getattr(optimizer, "use_ema", False):
        raise ConfigurationError(
            "Expected an optimizer without `use_ema`: Keras overwrites the "
            "weights with their average at the end of every round. "
            "Received: use_ema=True"
        )
    scaled = keras.optimizers.LossScaleOptimizer
    # As Keras does for a model whose policy is float16. The layers are asked
    # because a network that was saved and loaded keeps the policies of its
    # layers, while its own becomes the session's.
    if not isinstance(optimizer, scaled) and any(
        layer.compute_dtype == "float16"
        for network in networks
        for layer in network._flatten_layers()
    ):
        optimizer = scaled(optimizer)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(inner, LayerRates):
        inner.set_networks(networks)
    return optimizer


def fresh(optimizer):
    """An optimizer with the same arguments and no state.

    Args:
        optimizer: `keras.optimizers.Optimizer`, built or not.

    Returns:
        A `keras.optimizers.Optimizer`. Exclusions from weight decay by name are
        kept; those of single variables are not.
    """
    new = type(optimizer).from_config(optimizer.get_config())
    names = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    if names is not None:
        new._exclude_from_weight_decay_pattern = names
    return new
