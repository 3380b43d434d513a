"""Stochastic gradient descent as the published codes run it."""

import keras

from noisy_keras.utils.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="noisy_keras")
class MomentumSGD(keras.optimizers.Optimizer):
    """SGD with PyTorch's momentum and coupled weight decay.

    `m <- mu m + (g + wd w)`, then `w <- w - lr m`. Keras' own SGD multiplies
    the gradient by the learning rate *before* the momentum, so a drop of the
    rate takes `1 / (1 - mu)` steps to arrive, and its weight decay is
    decoupled, ten times weaker at momentum 0.9. All papers implemented here
    were tuned with this form. The slot `momentum_buffer` holds m, which
    momentum-aware meta-learning reads.

    Args:
        learning_rate: float, schedule or callable; the papers' lr.
        momentum: mu in `[0, 1)`.
        weight_decay: wd >= 0, added to the gradient of every variable,
            normalisation and biases included, as the codes do. Names excluded
            by `exclude_from_weight_decay` are left out.
        nesterov: whether the step looks ahead: `w <- w - lr (g + mu m)`.

    Raises:
        ValueError: momentum or weight decay out of range.
    """

    def __init__(
        self,
        learning_rate=0.02,
        momentum=0.9,
        weight_decay=0.0,
        nesterov=False,
        name="MomentumSGD",
        **kwargs,
    ):
        if not 0.0 <= momentum < 1.0 or not (weight_decay or 0.0) >= 0.0:
            raise ConfigurationError(
                "Expected a momentum in [0, 1) and a weight decay of at least "
                f"0. Received: momentum={momentum}, weight_decay={weight_decay}"
            )
        # The base class must not decay on its own: its form is decoupled.
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum = float(momentum)
        self.coupled_weight_decay = float(weight_decay or 0.0)
        self.nesterov = bool(nesterov)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentum_buffer = self.add_optimizer_variables(
            variables, "momentum_buffer"
        )

    def update_step(self, gradient, variable, learning_rate):
        ops = keras.ops
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = self.decayed(ops.cast(gradient, variable.dtype), variable)
        slot = self.momentum_buffer[self._get_variable_index(variable)]
        momentum = self.momentum * slot + gradient
        self.assign(slot, momentum)
        if self.nesterov:
            momentum = gradient + self.momentum * momentum
        self.assign_sub(variable, rate * momentum)

    def decayed(self, gradient, variable):
        """What the momentum takes up: the gradient with weight decay."""
        if self.coupled_weight_decay and self._use_weight_decay(variable):
            return gradient + self.coupled_weight_decay * variable
        return gradient

    def get_config(self):
        config = super().get_config()
        config.update(
            momentum=self.momentum,
            weight_decay=self.coupled_weight_decay,
            nesterov=self.nesterov,
        )
        return config


def prepared(optimizer, networks):
    """The optimizer that a method compiles with.

    Args:
        optimizer: anything that Keras takes, or None for the field's:
            `MomentumSGD(0.02, 0.9, weight_decay=5e-4)`.
        networks: to be trained.

    Returns:
        A Keras optimizer, with a loss scale where networks are in float16.

    Raises:
        ValueError: it would overwrite weights at the end of every round.
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
    # As Keras does for a model whose own policy is float16. That of a saved
    # network's layers stays what it was, its own becomes the session's.
    if not isinstance(optimizer, scaled) and any(
        layer.compute_dtype == "float16"
        for network in networks
        for layer in network._flatten_layers()
    ):
        optimizer = scaled(optimizer)
    return optimizer


def fresh(optimizer):
    """An optimizer with the same arguments and nothing learnt.

    Args:
        optimizer: of Keras, built or not.

    Returns:
        A Keras optimizer. Names that are excluded from weight decay are kept;
        single variables cannot be.
    """
    new = type(optimizer).from_config(optimizer.get_config())
    names = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    if names is not None:
        new._exclude_from_weight_decay_pattern = names
    return new
