"""MLC: a small network learns to correct labels.

1. The label corrector h sees a sample's embedding and its given label, and
   answers with a soft target q.
2. Look ahead: a step on the batch with targets q, and on half of the trusted
   batch with its own labels, that is not kept.
3. Train h by how the loss on the other trusted half changes with q.
4. Take the step, with the targets of the trained h.

Reference: Zheng, Awadallah and Dumais, Meta Label Correction for Noisy Label
Learning, AAAI 2021, algorithm 1 with one look-ahead step (k = 1).
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.methods.bases import meta_learner
from noisy_keras.methods.bases.meta_learner import MetaLearner
from noisy_keras.methods.bases.meta_learner import MetaLearnerModel
from noisy_keras.methods.bases.meta_model import reads_momentum
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.methods.bases.trusted_plan import balanced_order
from noisy_keras.methods.bases.trusted_plan import cyclic_slices
from noisy_keras.ops import losses
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_RULES = {"embedding": arguments.at_least(1, int), **meta_learner.RULES}


class LabelCorrector(keras.layers.Layer):
    """From an embedding and a given label to a corrected label.

    Two hidden layers of tanh over the embedding beside one of the label.
    Source: MLC, figure 2 and section 4.

    Args:
        features: E, width of the embedding.
        num_classes: K.
        embedding: width of the label's embedding.
        hidden: units of each hidden layer.
    """

    def __init__(self, features, num_classes, embedding, hidden, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        # Of one-hot labels that is a look-up; it also takes soft ones.
        self.label_embedding = keras.layers.Dense(
            embedding, use_bias=False, dtype="float32"
        )
        self.label_embedding.build((None, num_classes))
        self.layers = []
        width = features + embedding
        for units, activation in (
            (hidden, "tanh"),
            (hidden, "tanh"),
            (num_classes, "softmax"),
        ):
            layer = keras.layers.Dense(
                units,
                activation,
                kernel_initializer="glorot_normal",
                dtype="float32",
            )
            layer.build((None, width))
            self.layers.append(layer)
            width = units
        self.built = True

    def call(self, features, labels):
        """Corrected labels `[B, K]` of `[B, E]` and `[B, K]`, as constants."""
        x = tf.concat(
            [tf.stop_gradient(features), self.label_embedding(labels)], axis=1
        )
        for layer in self.layers:
            x = layer(x)
        return x


@keras.saving.register_keras_serializable(package="noisy_keras")
class MLC(MetaLearnerModel):
    """Meta label correction.

    The corrector begins at random and the network learns of the trusted
    samples alone until it has learnt something: with few steps an epoch that
    takes many epochs, or a higher `meta_learning_rate`.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        embedding: width of the given label's embedding in h.
        hidden: units of each of h's two hidden layers.
        meta_learning_rate: of h's Adam (AMSGrad); published commands also
            have 3e-4, with an embedding of 128.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.

    Attributes:
        corrector: h, `LabelCorrector`.
        kept: `SampleTable` `[N, 2]`, see `TrustedSetModel`: what h leaves on
            the given label.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.MLC(network, source.num_samples, meta_learning_rate=3e-3)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = ("loss_corrected", "loss_trusted", "probe_loss")
    # The look-ahead is the step that the optimizer would take.
    lookahead_decay = True

    def __init__(
        self,
        networks,
        num_samples,
        embedding=64,
        hidden=128,
        meta_learning_rate=3e-5,
        view="weak",
        name=None,
    ):
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        features = self.networks[0].output["embedding"].shape[-1]
        self.corrector = LabelCorrector(
            features, self.num_classes, embedding, hidden
        )
        self.learner = MetaLearner(
            [self.corrector], meta_learning_rate, amsgrad=True
        )
        self.built = True

    @property
    def momentum_lookahead(self):
        """The look-ahead has the optimizer's momentum, where that has one."""
        return reads_momentum(self._sgd)

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        given = data["target"]
        probe, taught = _halves(data)
        count = given.shape[0]
        total = float(count + taught["trusted_target"].shape[0])
        seen = {}

        def terms():
            theta = self.parameters()
            outputs, tape, recorded = self.recorded_outputs(theta, images)
            features = tf.cast(outputs["embedding"], tf.float32)
            with tape:
                trusted = self.exact_forward(theta, taught["trusted_images"])
                log_p = tf.nn.log_softmax(tf.concat([recorded, trusted], 0))

            def targets():
                # Line 1; and the trusted labels as they are.
                corrected = self.corrector(features, given)
                return tf.concat([corrected, taught["trusted_target"]], axis=0)

            # Lines 2 and 3.
            self.teach(theta, tape, log_p, targets, probe)
            # Line 4.
            corrected = tf.stop_gradient(targets())[:count]
            logits = outputs["logits"]
            seen.update(logits=logits, corrected=corrected)
            each = losses.cross_entropy(corrected, logits)
            known = losses.cross_entropy(taught["trusted_target"], trusted)
            return {
                "loss_corrected": tf.reduce_sum(each) / total,
                "loss_trusted": tf.reduce_sum(known) / total,
            }

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        kept = tf.gather(seen["corrected"], data["label"], batch_dims=1)
        predictions = tf.nn.softmax(seen["logits"])
        self.remember(data, predictions, kept=kept)

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        return _Plan(self, source, batch_size, seed, steps_per_epoch)


class _Plan(TrustedPlan):
    """The first half of a trusted batch is to probe with, the other is taught.

    Every second sample of each class has one role, the others the other one,
    for good: once trained on, a sample's loss tells the corrector little. (On
    a toy problem it learnt nothing when roles changed at random.) A class of
    one sample has that in both.
    """

    def __init__(self, model, source, batch_size, seed, steps_per_epoch):
        super().__init__(model, source, batch_size, seed, steps_per_epoch)
        if batch_size < 2 * self.replicas:
            raise ConfigurationError(
                "Expected a batch of at least 2 on each replica: one half of "
                "the trusted samples beside it is trained on. "
                f"Received: batch_size={batch_size}"
            )
        labels = self.trusted.labels
        self._roles = [balanced_order(labels, rows) for rows in _roles(labels)]

    def trusted_rows(self, steps, count, start):
        half = count // 2
        sizes = (half, count - half)
        return np.concatenate(
            [
                cyclic_slices(order, steps, size, start)
                for order, size in zip(self._roles, sizes, strict=True)
            ],
            axis=1,
        )


def _roles(labels):
    """Rows to probe with and rows to train on: a pair of int arrays."""
    probe, taught = [], []
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        probe.append(rows[::2])
        taught.append(rows[1::2] if len(rows) > 1 else rows)
    return np.concatenate(probe), np.concatenate(taught)


def _halves(data):
    """The trusted batch in two: to probe with, and to train on."""
    names = ("trusted_images", "trusted_target")
    fields = {name: tf.cast(data[name], tf.float32) for name in names}
    half = data["trusted_target"].shape[0] // 2
    return (
        {name: value[:half] for name, value in fields.items()},
        {name: value[half:] for name, value in fields.items()},
    )
