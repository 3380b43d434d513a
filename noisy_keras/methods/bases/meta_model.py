"""What methods share whose steps are steered by meta-gradients."""

import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.methods.bases.trusted import TrustedSetModel
from noisy_keras.networks import precision
from noisy_keras.ops import meta
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.utils.errors import ConfigurationError

_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


def reads_momentum(optimizer):
    """Whether a look-ahead can take an optimizer's own step.

    Args:
        optimizer: a Keras optimizer.

    Returns:
        bool; False also of `LARS`, which scales each variable's gradient.
    """
    return (
        isinstance(optimizer, MomentumSGD)
        and type(optimizer).decayed is MomentumSGD.decayed
    )


class MetaModel(TrustedSetModel):
    """A step looks ahead, and asks the trusted set whether it was good.

    Meta-gradients are taken in float32 also where the network computes in 16
    bits: signs of small numbers decide.

    Args:
        networks: one network (or a list of one).
        num_samples: N.
        chosen: dict of the method's settings, checked; `step_size` and
            `momentum_lookahead` are used where they are among them.
        name: of the model.
    """

    step_size = None
    momentum_lookahead = False
    # Whether the step ahead and the trusted loss have the optimizer's decay.
    lookahead_decay = True
    probe_decay = True

    def __init__(self, networks, num_samples, chosen, name=None):
        super().__init__(networks, num_samples, chosen, name)
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
        # Layers may have been frozen since.
        self._copy_exact()

    def _copy_exact(self):
        network = self.networks[0]
        exact = precision.in_float32(network) if self.mixed else network
        # In a closure, so that Keras does not save weights nobody uses.
        self._exact = lambda: exact

    @property
    def _sgd(self):
        return getattr(self.optimizer, "inner_optimizer", self.optimizer)

    def exact_forward(self, parameters, images):
        """As `forward`, in float32."""
        return self.forward(parameters, images, self._exact())

    def step_length(self):
        """Alpha of the look-ahead: set, or the current learning rate."""
        if self.step_size is not None:
            return self.step_size
        return tf.cast(self._sgd.learning_rate, tf.float32)

    def look_ahead(self, parameters, gradients):
        """Parameters after a step on some gradients, which is not taken."""
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
            size,
            accumulators,
            momentum,
            self._weight_decays() if self.lookahead_decay else 0.0,
        )

    def _weight_decays(self):
        """Coupled weight decay of each parameter, as the optimizer has it."""
        sgd = self._sgd
        decay = getattr(sgd, "coupled_weight_decay", 0.0)
        return [
            decay if sgd._use_weight_decay(variable) else 0.0
            for variable in self.networks[0].trainable_variables
        ]

    def note_weights(self, weights):
        """Reports the share of samples without weight as `zero_weights`.

        Args:
            weights: `[B]`.
        """
        zero = tf.cast(weights <= 0.0, tf.float32)
        self._means["zero_weights"].update_state(tf.reduce_mean(zero))

    def probe(self, parameters, data):
        """Loss on the trusted batch and its gradient.

        Args:
            parameters: list of tensors.
            data: a batch.

        Returns:
            Scalar, which the epoch's logs report as `probe_loss`; and a list
            of tensors.
        """
        loss, direction = meta.probe_gradient(
            self.exact_forward,
            parameters,
            tf.cast(data["trusted_images"], tf.float32),
            data["trusted_target"],
            self._weight_decays() if self.probe_decay else 0.0,
        )
        self._means["probe_loss"].update_state(loss)
        return loss, direction

    def recorded(self, parameters, images):
        """A weak forward pass, and a tape for what is made of it.

        Args:
            parameters: list of tensors.
            images: `[B, H, W, C]`.

        Returns:
            Logits of the network `[B, K]`; a persistent tape to go on
            recording with; and logits that it recorded: the same, or in
            float32 those of a pass of their own.
        """
        outputs, tape, logits = self.recorded_outputs(parameters, images)
        return outputs["logits"], tape, logits

    def recorded_outputs(self, parameters, images):
        """As `recorded`, all that the network returns for its logits."""
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
