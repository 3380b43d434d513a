"""The base of methods that train a small network by meta-gradients.

Such a meta-learner computes the soft targets of a batch. They are good if a
step on them lowers the loss on trusted samples, and it is trained for that:

1. Compute a step on the batch with the meta-learner's targets, but do not keep
   it.
2. Compute the gradient v of the trusted loss there. The derivative of that loss
   by target c of sample i is `lr / B <v, grad log p_ic>`: one directional
   derivative yields all of them.
3. Propagate these derivatives back through the meta-learner alone, to its own
   Adam.

Reference: that of each method; the directional derivative is that of
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

#: Rules of the settings that all these methods have.
RULES = {
    "hidden": arguments.at_least(1, int),
    "meta_learning_rate": arguments.within(0, float("inf"), "()"),
    "view": augment.view_rule,
}


class MetaLearner(keras.layers.Layer):
    """Small networks with an Adam of their own.

    For the model they are non-trainable weights, so that its optimizer does not
    change them. The state of Adam is among the `variables`, so it is saved and
    restored with the model.

    Args:
        networks: list of built layers.
        learning_rate: float, learning rate of Adam.
        weight_decay: float, wd in PyTorch's form: `wd w` is added to the
            gradient.
        amsgrad: bool, whether Adam keeps the largest second moment.

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
        # The epsilon of PyTorch; meta-gradients are small.
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
        """The `tf.Variable`s of the parameters, which a tape can watch."""
        return [p.value for p in self.parameters]

    def step(self, gradients):
        """Takes one step of Adam on the mean over replicas.

        Args:
            gradients: list of tensors, the gradient of each parameter on this
                replica.
        """
        share = 1.0 / float(distribution.num_replicas())
        decayed = [
            share * (g + self.weight_decay * tf.convert_to_tensor(w))
            for g, w in zip(gradients, self.values(), strict=True)
        ]
        self.adam.apply(decayed, self.parameters)


class WeightNetwork(keras.layers.Layer):
    """Maps losses to weights in (0, 1): one hidden layer with ReLU.

    Source: Shu et al., Meta-Weight-Net, NeurIPS 2019, section 3.1.

    Args:
        hidden: int, number of units of the hidden layer.
    """

    def __init__(self, hidden, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.layers = [
            _dense(hidden, fan_in=1, activation="relu"),
            _dense(1, fan_in=hidden, activation="sigmoid"),
        ]
        self.built = True

    def call(self, loss):
        """Computes weights; gradients reach only this layer's weights.

        Args:
            loss: float `[B]`.

        Returns:
            float32 `[B]` in (0, 1).
        """
        x = tf.stop_gradient(loss)[:, None]
        for layer in self.layers:
            x = layer(x)
        return x[:, 0]


def _dense(units, fan_in, activation):
    """A dense layer with the initial weights of PyTorch."""
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
    """A model whose training targets a meta-learner computes.

    Args:
        networks: as of `NoisyLabelModel`, for one network.
        num_samples: as of `NoisyLabelModel`.
        settings: dict of the method's own arguments, checked.
        name: str, name of the model.

    Attributes:
        learner: `MetaLearner`, which the method's constructor sets.
    """

    # As in the released codes.
    lookahead_decay = False
    probe_decay = False

    def train_learner(self, theta, tape, log_p, targets, data):
        """Takes one step of the meta-learner.

        Args:
            theta: list of tensors, the network's parameters.
            tape: persistent `tf.GradientTape` that recorded `log_p`.
            log_p: float32 `[B, K]`, log-probabilities of the samples that are
                trained on.
            targets: function without arguments to float32 `[B, K]`, the
                targets that the meta-learner computes. The loss is the mean of
                `-sum_c targets_c log p_c`.
            data: dict of `trusted_images` and `trusted_target`.
        """
        values = self.learner.values()
        with tf.GradientTape(watch_accessed_variables=False) as own:
            own.watch(values)
            before = targets()
        share = 1.0 / float(log_p.shape[0])
        # 1. The look-ahead.
        gradients = tape.gradient(
            log_p, theta, output_gradients=-share * before
        )
        ahead = self.look_ahead(theta, gradients)
        # 2. The derivative of the trusted loss after it by each target.
        _, direction = self.probe(ahead, data)
        change = meta.derivative_along(tape, log_p, theta, direction)
        rate = tf.cast(self._sgd.learning_rate, tf.float32)
        # 3. The step of the meta-learner.
        slopes = own.gradient(
            before, values, output_gradients=rate * share * change
        )
        self.learner.step(slopes)
