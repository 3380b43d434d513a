"""Joint-Optim: labels and weights are optimised in turn.

1. Train on the labels as they stand, at a high learning rate, at which wrong
   labels are not learnt by heart. Two terms keep the labels from collapsing:
   one spreads the mean prediction over the classes, one makes each prediction
   decided.
2. From some epoch on, replace *all* labels after every epoch by the mean of
   the predictions of the last ten epochs.

Reference: Tanaka et al., Joint Optimization Framework for Learning with Noisy
Labels, CVPR 2018, algorithm 1; constants of the first stage of DRPL (Ortego et
al., ICPR 2020), where this is the relabelling "R".
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.labels import detection
from noisy_keras.labels.division import describe
from noisy_keras.methods.bases import soft_labels
from noisy_keras.methods.bases.soft_labels import SoftLabelModel
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

_RULES = {
    "relabel_from": arguments.at_least(1, int),
    "averaged_epochs": arguments.at_least(1, int),
    "hard_labels": arguments.switch,
    **soft_labels.RULES,
    "official_detection": arguments.switch,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class JointOptim(SoftLabelModel):
    """Joint-Optim, and the relabelling stage of DRPL.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        relabel_from: epochs before labels are first replaced; 70 on CIFAR-10,
            40 on CIFAR-100 and ImageNet32/64.
        averaged_epochs: epochs whose predictions a label is the mean of.
        hard_labels: whether a label becomes the top class of that mean.
        prior_weight: of the term that spreads predictions over classes; 1.2
            in Joint-Optim for 70 % symmetric noise, 0.8 elsewhere.
        entropy_weight: of the entropy of predictions; 0.8 and 0.4 there.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.
        official_detection: see `noisy_keras.labels.detection.detect`.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels trained on.
        predictions: `SampleTable` `[N, averaged_epochs * K]`, in 16 bits.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.JointOptim(network, source.num_samples, relabel_from=6)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=10, verbose=0)
        >>> cleaned = model.relabelled(source)
    """

    def __init__(
        self,
        networks,
        num_samples,
        relabel_from=70,
        averaged_epochs=10,
        hard_labels=False,
        prior_weight=0.8,
        entropy_weight=0.4,
        view="weak",
        official_detection=False,
        name=None,
    ):
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.predictions = SampleTable(
            num_samples,
            averaged_epochs * self.num_classes,
            storage="float16",
            name="predictions",
        )
        self.built = True

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        targets = self.soft_labels.read(data["index"])
        seen = {}

        def terms():
            seen["logits"] = self.networks[0](images, training=True)["logits"]
            return self.regularized(targets, seen["logits"])

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        # What the network said before this step.
        self._remember(data["index"], data["slot"][0], seen["logits"])
        self.label_history.add(data["index"], seen["logits"], data["label"])

    def _remember(self, index, slot, logits):
        """Writes predictions to their epoch's place in the ring."""
        here = tf.repeat(
            tf.one_hot(
                slot, self.averaged_epochs, on_value=True, off_value=False
            ),
            self.num_classes,
        )
        predictions = tf.nn.softmax(logits)
        self.prediction_history.add(index, predictions)
        new = tf.tile(predictions, [1, self.averaged_epochs])
        row = tf.where(here, new, self.predictions.read(index))
        self.predictions.write(index, row)

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        if self.begin_with(source):
            self.predictions.assign(np.zeros(self.predictions.rows.shape))
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def refresh(self):
        """Replaces all labels by the mean of the last epochs' predictions."""
        self.soft_labels.assign(self._new_labels())

    def mean_prediction(self):
        """Mean prediction of the last epochs; the label where there is none.

        Returns:
            float32 `[N, K]`, rows summing to 1; zeros before training.
        """
        total = self._summed_predictions()
        known = total.sum(axis=1, keepdims=True)
        return np.where(
            known > 0.0,
            total / np.maximum(known, 1e-12),
            self.soft_labels.numpy(),
        )

    def relabelled(self, source):
        """The source with the labels that were found.

        Args:
            source: the `Source` that the model was fitted on.

        Returns:
            A new `Source` of soft labels (one-hot with `hard_labels`), to
            train anything on.
        """
        return source.relabel(self._new_labels())

    def _new_labels(self):
        mean = self.mean_prediction()
        if self.hard_labels:
            mean = np.eye(self.num_classes)[mean.argmax(axis=1)]
        return mean.astype(np.float32)

    def _summed_predictions(self):
        shape = (self.num_samples, self.averaged_epochs, self.num_classes)
        ring = self.predictions.numpy().reshape(shape)
        return ring.sum(axis=1, dtype=np.float32)

    @property
    def evidence(self):
        seen = self.prediction_history.seen().sum() >= 2
        return "cross_epoch_history" if seen else super().evidence

    def clean_probabilities(self, measurement, source):
        known = self.known_clean_probability(source)
        if known is not None:
            return known
        return 1.0 - self._detect(measurement.loss[:, 0])

    def known_clean_probability(self, source):
        """By the mean prediction, in which late epochs count most.

        A sample that none of them saw counts as clean.
        """
        seen = self.prediction_history.seen()
        if seen.sum() < 2:
            return None
        clean = np.ones(self.num_samples, np.float32)
        clean[seen] -= self._detect(
            self.prediction_history.loss(source.labels)[seen]
        )
        return clean

    def loss_divisions(self, source):
        """The measures `[N]` that the audit divides, and their mixture.

        NaN are those of samples that no step has shown.
        """
        seen = self.prediction_history.seen()
        if seen.sum() < 2:
            return []
        loss = self.prediction_history.loss(source.labels)
        found = detection.detect(loss[seen], self.official_detection)
        loss[seen] = found.measure
        return [(loss, found.mixture and describe(found.mixture))]

    def _detect(self, loss):
        found = detection.detect(loss, self.official_detection)
        return found.noisy_probability

    def suggest(self, measurement):
        mean = self.mean_prediction()
        if not mean.any():
            return super().suggest(measurement)
        return mean.argmax(axis=1).astype(np.int32), mean.max(axis=1)


class _Plan(OneRoundPlan):
    """Labels are replaced before an epoch."""

    def begin_epoch(self, epoch):
        if epoch >= self.model.relabel_from:
            self.model.refresh()

    def step_settings(self, epoch):
        slot = epoch % self.model.averaged_epochs
        return {"slot": np.full(self.steps, slot, np.int32)}
