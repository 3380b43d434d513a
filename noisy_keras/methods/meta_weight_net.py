"""Meta-Weight-Net: a small network learns to weigh samples by their loss.

1. Look ahead: compute a step on the losses `l_i`, weighted by `V(l_i)`, but do
   not keep it.
2. Train the weight network V by how the trusted loss after that step changes
   with its parameters.
3. Take the step, with the weights of the trained V.

The only input of V is a loss. With noisy labels it learns smaller weights for
larger losses, which generalises from the batch to all samples.

Reference: Shu, Xie, Yi, Zhao, Zhou, Xu and Meng, Meta-Weight-Net: Learning an
Explicit Mapping For Sample Weighting, NeurIPS 2019, algorithm 1.
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import meta_learner
from noisy_keras.methods.bases.meta_learner import MetaLearner
from noisy_keras.methods.bases.meta_learner import MetaLearnerModel
from noisy_keras.methods.bases.meta_learner import WeightNetwork
from noisy_keras.ops import losses
from noisy_keras.utils import arguments

_RULES = {**meta_learner.RULES, "normalized": arguments.switch}
# Weight decay of Adam, as in the released code.
_WEIGHT_DECAY = 1e-4


@keras.saving.register_keras_serializable(package="noisy_keras")
class MetaWeightNet(MetaLearnerModel):
    """Meta-Weight-Net: weighs samples by a learnt function of their loss.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        hidden: int >= 1, number of units of the weight network's hidden layer.
        meta_learning_rate: float above 0, learning rate of the weight network's
            Adam.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        normalized: bool, whether the weights of a batch are divided by their
            mean, as one of the released codes does. V then cannot raise all
            weights together, which early in training always lowers the trusted
            loss and leaves V saturated.
        name: str, name of the model.

    Attributes:
        weight_network: `WeightNetwork` V, from losses `[B]` to weights `[B]` in
            (0, 1).
        sample_weight: `SampleTable` `[N, 2]`, see `TrustedSetModel`; a weight
            is V of the sample's loss, 1 at most unless normalised.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> model = nk.MetaWeightNet("tiny", source)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = ("loss_weighted", "probe_loss", "mean_weight")

    def __init__(
        self,
        networks,
        num_samples,
        hidden=100,
        meta_learning_rate=1e-3,
        view="weak",
        normalized=False,
        name=None,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.weight_network = WeightNetwork(hidden)
        self.learner = MetaLearner(
            [self.weight_network], meta_learning_rate, _WEIGHT_DECAY
        )

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        given = data["target"]
        seen = {}

        def terms():
            theta = self.parameters()
            logits, tape, recorded = self.recorded(theta, images)
            with tape:
                log_p = tf.nn.log_softmax(recorded)
            loss = losses.cross_entropy(given, recorded)
            # Steps 1 and 2. A weighted label is a target with a smaller sum.
            self.train_learner(
                theta,
                tape,
                log_p,
                lambda: self._weights(loss)[:, None] * given,
                data,
            )
            # Step 3.
            weights = tf.stop_gradient(self._weights(loss))
            seen.update(logits=logits, weights=weights)
            each = losses.cross_entropy(given, logits)
            return {"loss_weighted": tf.reduce_mean(weights * each)}

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        weights = seen["weights"]
        self._means["mean_weight"].update_state(tf.reduce_mean(weights))
        predictions = tf.nn.softmax(seen["logits"])
        self.remember(data, predictions, weights)

    def _weights(self, loss):
        """Weights `[B]` of losses `[B]`."""
        weights = self.weight_network(loss)
        if not self.normalized:
            return weights
        return tf.math.divide_no_nan(weights, tf.reduce_mean(weights))
