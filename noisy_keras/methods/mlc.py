"""MLC: a small network learns to correct labels.

1. The label corrector h maps the embedding of a sample and its given label to
   a soft target q.
2. Look ahead: compute a step on the batch with targets q, and on half of the
   trusted batch with its own labels, but do not keep it.
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
    """Maps an embedding and a given label to a corrected label.

    Two hidden layers with tanh, on the embedding of the image and one of the
    label. Source: MLC, figure 2 and section 4.

    Args:
        features: int, width of the image's embedding E.
        num_classes: int, number of classes K.
        embedding: int, width of the label's embedding.
        hidden: int, number of units of each hidden layer.
    """

    def __init__(self, features, num_classes, embedding, hidden, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        # For one-hot labels this is a look-up; it also takes soft labels.
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
        """Corrects labels; gradients reach only this layer's weights.

        Args:
            features: float `[B, E]`.
            labels: float `[B, K]`, the given labels as distributions.

        Returns:
            float32 `[B, K]`, distributions.
        """
        x = tf.concat(
            [tf.stop_gradient(features), self.label_embedding(labels)], axis=1
        )
        for layer in self.layers:
            x = layer(x)
        return x


@keras.saving.register_keras_serializable(package="noisy_keras")
class MLC(MetaLearnerModel):
    """Meta label correction: learns a network that corrects labels.

    The corrector starts from random weights, so the network learns from the
    trusted samples alone until h predicts useful labels. With few steps per
    epoch that takes many epochs, or a higher `meta_learning_rate`.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        embedding: int, width of the given label's embedding in h.
        hidden: int, number of units of each of h's two hidden layers.
        meta_learning_rate: float above 0, learning rate of h's Adam (AMSGrad).
            The published commands also use 3e-4, with an embedding of 128.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        name: str, name of the model.

    Attributes:
        corrector: h, `LabelCorrector`.
        kept: `SampleTable` `[N, 2]`, see `TrustedSetModel`: the share of the
            corrected label that is the given class.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> model = nk.MLC("tiny", source, meta_learning_rate=3e-3)
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
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        features = self.networks[0].output["embedding"].shape[-1]
        self.corrector = LabelCorrector(
            features, self.num_classes, embedding, hidden
        )
        self.learner = MetaLearner(
            [self.corrector], meta_learning_rate, amsgrad=True
        )

    @property
    def momentum_lookahead(self):
        """Whether the look-ahead has momentum: where the optimizer has."""
        return reads_momentum(self._sgd)

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        given = data["target"]
        probe, added = _halves(data)
        count = given.shape[0]
        total = float(count + added["trusted_target"].shape[0])
        seen = {}

        def terms():
            theta = self.parameters()
            outputs, tape, recorded = self.recorded_outputs(theta, images)
            features = tf.cast(outputs["embedding"], tf.float32)
            with tape:
                trusted = self.exact_forward(theta, added["trusted_images"])
                log_p = tf.nn.log_softmax(tf.concat([recorded, trusted], 0))

            def targets():
                # Step 1; the trusted labels are not changed.
                corrected = self.corrector(features, given)
                return tf.concat([corrected, added["trusted_target"]], axis=0)

            # Steps 2 and 3.
            self.train_learner(theta, tape, log_p, targets, probe)
            # Step 4.
            corrected = tf.stop_gradient(targets())[:count]
            logits = outputs["logits"]
            seen.update(logits=logits, corrected=corrected)
            each = losses.cross_entropy(corrected, logits)
            known = losses.cross_entropy(added["trusted_target"], trusted)
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
    """Splits the trusted batch: a probe half, and a half that is trained on.

    Every second sample of each class is always in the probe half, because the
    loss of a sample that was trained on hardly trains the corrector. (On a toy
    problem it learnt nothing when the halves changed at random.) A class with
    only one trusted sample has it in both halves.
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
        self._orders = [balanced_order(labels, rows) for rows in _parts(labels)]

    def trusted_rows(self, steps, count, start):
        half = count // 2
        sizes = (half, count - half)
        return np.concatenate(
            [
                cyclic_slices(order, steps, size, start)
                for order, size in zip(self._orders, sizes, strict=True)
            ],
            axis=1,
        )


def _parts(labels):
    """Rows of the probe half and rows to train on: a pair of int arrays."""
    probe, added = [], []
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        probe.append(rows[::2])
        added.append(rows[1::2] if len(rows) > 1 else rows)
    return np.concatenate(probe), np.concatenate(added)


def _halves(data):
    """The trusted batch in two: the probe half, and the half to train on."""
    names = ("trusted_images", "trusted_target")
    fields = {name: tf.cast(data[name], tf.float32) for name in names}
    half = data["trusted_target"].shape[0] // 2
    return (
        {name: value[:half] for name, value in fields.items()},
        {name: value[half:] for name, value in fields.items()},
    )
