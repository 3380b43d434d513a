"""Meta-Weight-Net: a small network learns to weigh samples by their loss.

1. Look ahead: a step on the losses `l_i`, weighted by `V(l_i)`, that is not
   kept.
2. Train the weight network V by how the trusted loss after that step changes
   with its parameters.
3. Take the step, with the weights of the trained V.

V sees nothing but a loss, so that what it learns, down-weighting large losses
where labels are noisy, holds for samples it has not been asked about.

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
# Of Adam, as in the released code.
_WEIGHT_DECAY = 1e-4


@keras.saving.register_keras_serializable(package="noisy_keras")
class MetaWeightNet(MetaLearnerModel):
    """Meta-Weight-Net.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        hidden: units of the weight network's hidden layer.
        meta_learning_rate: of the weight network's Adam.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.
        normalized: whether the weights of a batch are divided by their mean,
            as one of the released codes does. V then cannot raise them all,
            which early in training always helps and leaves it saturated.

    Attributes:
        weight_network: V, from losses `[B]` to weights `[B]` in (0, 1).
        sample_weight: `SampleTable` `[N, 2]`, see `TrustedSetModel`; a weight
            is V of the sample's loss, 1 at most unless normalised.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.MetaWeightNet(network, source.num_samples)
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
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.weight_network = WeightNetwork(hidden)
        self.learner = MetaLearner(
            [self.weight_network], meta_learning_rate, _WEIGHT_DECAY
        )
        self.built = True

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
            # Lines 1 and 2. A weighted label is a target that sums to less.
            self.teach(
                theta,
                tape,
                log_p,
                lambda: self._weights(loss)[:, None] * given,
                data,
            )
            # Line 3.
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
