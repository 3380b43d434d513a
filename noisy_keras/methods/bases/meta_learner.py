"""What methods share that train a small network by meta-gradients.

Such a meta-learner says what a batch is trained on: its soft targets. They are
good as far as a step on them lowers the loss on trusted samples, and that is
what the meta-learner is trained for:

1. Take a step on the batch as the meta-learner has it, without keeping it.
2. Take the gradient v of the trusted loss there. How that loss changes with
   target c of sample i is `lr / B <v, grad log p_ic>`: one directional
   derivative gives them all.
3. Send these slopes back through the meta-learner alone, to its own Adam.

Reference: as of each method; the directional derivative is that of
`noisy_keras.ops.meta`.
"""

import keras
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.methods.bases.meta_model import MetaModel
from noisy_keras.networks import blocks
from noisy_keras.ops import meta
from noisy_keras.utils import arguments
from noisy_keras.utils import distribution

#: Rules of the settings that all of them have.
RULES = {
    "hidden": arguments.at_least(1, int),
    "meta_learning_rate": arguments.within(0, float("inf"), "()"),
    "view": arguments.one_of(*augment.VIEWS),
}


class MetaLearner(keras.layers.Layer):
    """Small networks with an Adam of their own.

    To the model they are weights that do not train, so that its optimizer
    leaves them alone. The state of Adam is among the `variables`: it is saved,
    and goes on, with the model.

    Args:
        networks: list of built layers.
        learning_rate: of Adam.
        weight_decay: wd, in PyTorch's form: `wd w` is added to the gradient.
        amsgrad: whether Adam keeps the largest second moment seen.

    Attributes:
        parameters: list of the networks' Keras variables.
    """

    def __init__(
        self, networks, learning_rate, weight_decay=0.0, amsgrad=False, **kwargs
    ):
        super().__init__(dtype="float32", **kwargs)
        self.networks = list(networks)
        self.parameters = [w for n in self.networks for w in n.weights]
        self.weight_decay = float(weight_decay)
        # PyTorch's epsilon: meta-gradients are small.
        self.adam = keras.optimizers.Adam(
            learning_rate, epsilon=1e-8, amsgrad=amsgrad
        )
        self.adam.build(self.parameters)
        self.trainable = False
        self.built = True

    @property
    def variables(self):
        return [*super().variables, *self.adam.variables]

    def values(self):
        """The parameters' `tf.Variable`s, to be watched by a tape."""
        return [p.value for p in self.parameters]

    def step(self, gradients):
        """One step of Adam.

        Args:
            gradients: of each parameter, on this replica; the mean over
                replicas counts.
        """
        share = 1.0 / float(distribution.num_replicas())
        decayed = [
            share * (g + self.weight_decay * tf.convert_to_tensor(w))
            for g, w in zip(gradients, self.values(), strict=True)
        ]
        self.adam.apply(decayed, self.parameters)


class WeightNetwork(keras.layers.Layer):
    """From losses to weights in (0, 1): one hidden layer of ReLU.

    Source: Shu et al., Meta-Weight-Net, NeurIPS 2019, section 3.1.

    Args:
        hidden: units of the hidden layer.
    """

    def __init__(self, hidden, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.layers = [
            _dense(hidden, fan_in=1, activation="relu"),
            _dense(1, fan_in=hidden, activation="sigmoid"),
        ]
        self.built = True

    def call(self, loss):
        """Weights `[B]` of losses `[B]`, which are constants to it."""
        x = tf.stop_gradient(loss)[:, None]
        for layer in self.layers:
            x = layer(x)
        return x[:, 0]


def _dense(units, fan_in, activation):
    """A dense layer that begins as PyTorch's does."""
    bound = fan_in**-0.5
    layer = keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.VarianceScaling(
            *blocks.TORCH_DEFAULT
        ),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        dtype="float32",
    )
    layer.build((None, fan_in))
    return layer


class MetaLearnerModel(MetaModel):
    """A model whose training targets are a meta-learner's.

    Args:
        networks: one network (or a list of one).
        num_samples: N.
        chosen: dict of the method's settings, checked.
        name: of the model.

    Attributes:
        learner: `MetaLearner`, which the method's constructor sets.
    """

    # As in the released codes.
    lookahead_decay = False
    probe_decay = False

    def teach(self, theta, tape, log_p, targets, data):
        """One step of the meta-learner.

        Args:
            theta: list of the network's parameters.
            tape: that recorded `log_p`, persistent.
            log_p: `[B, K]`, log-probabilities of what is trained on.
            targets: function without arguments, to `[B, K]`: what the
                meta-learner makes the targets now. The loss is the mean of
                `-sum_c targets_c log p_c`.
            data: dict of `trusted_images` and `trusted_target`.
        """
        values = self.learner.values()
        with tf.GradientTape(watch_accessed_variables=False) as own:
            own.watch(values)
            before = targets()
        share = 1.0 / float(log_p.shape[0])
        # 1. The step that is not kept.
        gradients = tape.gradient(
            log_p, theta, output_gradients=-share * before
        )
        ahead = self.look_ahead(theta, gradients)
        # 2. How the trusted loss after it changes with each target.
        _, direction = self.probe(ahead, data)
        change = meta.derivative_along(tape, log_p, theta, direction)
        rate = tf.cast(self._sgd.learning_rate, tf.float32)
        # 3. The meta-learner's own step.
        slopes = own.gradient(
            before, values, output_gradients=rate * share * change
        )
        self.learner.step(slopes)
