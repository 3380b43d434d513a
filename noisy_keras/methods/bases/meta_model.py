"""The base of methods that use meta-gradients of a trusted loss."""

import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.methods.bases.trusted import TrustedSetModel
from noisy_keras.networks import precision
from noisy_keras.ops import meta
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.utils.errors import ConfigurationError

_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


def reads_momentum(optimizer):
    """Whether a look-ahead can use the momentum of an optimizer.

    Args:
        optimizer: Keras optimizer.

    Returns:
        bool; False also for `LARS`, which scales each variable's gradient.
    """
    return (
        isinstance(optimizer, MomentumSGD)
        and type(optimizer).decayed is MomentumSGD.decayed
    )


class MetaModel(TrustedSetModel):
    """A step looks ahead, and measures the trusted loss after that.

    Meta-gradients are computed in float32 also where the network computes in
    16 bits, because the signs of small numbers matter.

    Args:
        networks: as of `NoisyLabelModel`, for one network.
        num_samples: as of `NoisyLabelModel`.
        settings: dict of the method's own arguments, checked; `step_size` and
            `momentum_lookahead` are used where they are among them.
        name: str, name of the model.
    """

    step_size = None
    momentum_lookahead = False
    # Whether look-ahead and trusted loss have the optimizer's weight decay.
    lookahead_decay = True
    probe_decay = True

    def __init__(self, networks, num_samples, settings, name=None):
        super().__init__(networks, num_samples, settings, name)
        self.mixed = precision.is_mixed(self.networks[0])
        self._copy_exact()

    def compile(self, optimizer=None, *args, **kwargs):
        optimizer = optimizers.prepared(optimizer, self.networks)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        asked = self.settings.get("momentum_lookahead", False)
        if asked and not reads_momentum(inner):
            raise ConfigurationError(
                "Expected `nk.MomentumSGD`, whose momentum the look-ahead "
                "reads, or `momentum_lookahead=False`. "
                f"Received: {type(inner).__name__}"
            )
        clips = [name for name in _CLIPS if getattr(inner, name, None)]
        if asked and clips:
            raise ConfigurationError(
                "Expected an optimizer that does not clip gradients, as the "
                "look-ahead does not, or `momentum_lookahead=False`. "
                f"Received: {clips[0]}={getattr(inner, clips[0])}"
            )
        super().compile(optimizer, *args, **kwargs)
        # Layers may have been frozen since the constructor.
        self._copy_exact()

    def _copy_exact(self):
        network = self.networks[0]
        exact = precision.in_float32(network) if self.mixed else network
        # In a closure, so that Keras does not save weights that are not used.
        self._exact = lambda: exact

    def frozen_networks(self):
        # The copy in float32 has layers of its own.
        return list(dict.fromkeys([*self.networks, self._exact()]))

    @property
    def _sgd(self):
        return getattr(self.optimizer, "inner_optimizer", self.optimizer)

    def exact_forward(self, parameters, images):
        """As `forward`, but in float32."""
        return self.forward(parameters, images, self._exact())

    def step_length(self):
        """Alpha of the look-ahead: `step_size`, or the learning rate."""
        if self.step_size is not None:
            return self.step_size
        return tf.cast(self._sgd.learning_rate, tf.float32)

    def look_ahead(self, parameters, gradients):
        """The parameters after a step, which is not taken.

        Args:
            parameters: list of tensors.
            gradients: list of tensors, one per parameter.

        Returns:
            A list of tensors.
        """
        sgd, variables = self._sgd, self.networks[0].trainable_variables
        size = self.step_length()
        accumulators, momentum = None, 0.0
        if self.momentum_lookahead:
            momentum = sgd.momentum
            places = map(sgd._get_variable_index, variables)
            accumulators = [sgd.momentum_buffer[i].value for i in places]
            if sgd.nesterov:
                # g + mu (mu m + g) is (1 + mu) (g + mu^2 / (1 + mu) m).
                size = size * (1.0 + momentum)
                momentum = momentum**2 / (1.0 + momentum)
        return meta.lookahead(
            parameters,
            gradients,
            [size * rate for rate in self._layer_rates()],
            accumulators,
            momentum,
            self._weight_decays() if self.lookahead_decay else 0.0,
        )

    def _weight_decays(self):
        """Coupled weight decay of each parameter, in the optimizer."""
        sgd = self._sgd
        decay = getattr(sgd, "coupled_weight_decay", 0.0)
        return [
            decay if sgd._use_weight_decay(variable) else 0.0
            for variable in self.networks[0].trainable_variables
        ]

    def _layer_rates(self):
        """What the rate of each parameter is multiplied by, a list."""
        factor = getattr(self._sgd, "factor", lambda variable: 1.0)
        return [factor(v) for v in self.networks[0].trainable_variables]

    def report_weights(self, weights):
        """Reports the share of samples with weight 0 as `zero_weights`.

        Args:
            weights: float `[B]`.
        """
        zero = tf.cast(weights <= 0.0, tf.float32)
        self._means["zero_weights"].update_state(tf.reduce_mean(zero))

    def probe(self, parameters, data):
        """The loss on the trusted batch and its gradient.

        Args:
            parameters: list of tensors.
            data: dict, a batch with `trusted_images` and `trusted_target`.

        Returns:
            A float32 scalar, which the epoch's logs report as `probe_loss`; and
            a list of tensors, one per parameter, multiplied by what a step
            multiplies the rate of that parameter by.
        """
        loss, direction = meta.probe_gradient(
            self.exact_forward,
            parameters,
            tf.cast(data["trusted_images"], tf.float32),
            data["trusted_target"],
            self._weight_decays() if self.probe_decay else 0.0,
        )
        self._means["probe_loss"].update_state(loss)
        pairs = zip(direction, self._layer_rates(), strict=True)
        return loss, [d if rate == 1.0 else d * rate for d, rate in pairs]

    def recorded(self, parameters, images):
        """A forward pass, and a tape that recorded it.

        Args:
            parameters: list of tensors.
            images: float32 `[B, H, W, C]`.

        Returns:
            The logits of the network `[B, K]`; a persistent `tf.GradientTape`,
            which can go on recording; and the logits that it recorded: the
            same, or, under mixed precision, those of a pass in float32.
        """
        outputs, tape, logits = self.recorded_outputs(parameters, images)
        return outputs["logits"], tape, logits

    def recorded_outputs(self, parameters, images):
        """As `recorded`, with all outputs of the network for its logits."""
        tape = tf.GradientTape(persistent=True, watch_accessed_variables=False)
        with tape:
            tape.watch(parameters)
            outputs = self.learn_outputs(parameters, images)
        if not self.mixed:
            return outputs, tape, outputs["logits"]
        exact = tf.GradientTape(persistent=True, watch_accessed_variables=False)
        with exact:
            exact.watch(parameters)
            exact_logits = self.exact_forward(parameters, images)
        return outputs, exact, exact_logits
