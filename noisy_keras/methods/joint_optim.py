"""Joint-Optim: labels and weights are optimised in turn.

1. Train on the current labels, at a high learning rate, at which wrong labels
   are not memorised. Two terms keep the labels from collapsing: one spreads the
   mean prediction over the classes, one makes each prediction confident.
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
from noisy_keras.labels.cross_epoch import CrossEpochDetection
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


class _ReplacedLabels(CrossEpochDetection):
    """Suggests the labels that the method replaces the given ones by."""

    def suggestion(self, model, measurement):
        mean = model.mean_prediction()
        if not mean.any():
            return measurement.suggested, measurement.confidence
        return mean.argmax(axis=1).astype(np.int32), mean.max(axis=1)


@keras.saving.register_keras_serializable(package="noisy_keras")
class JointOptim(SoftLabelModel):
    """Joint-Optim, and the relabelling stage of DRPL.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        relabel_from: int, number of epochs before labels are first replaced; 70
            on CIFAR-10, 40 on CIFAR-100 and ImageNet32/64.
        averaged_epochs: int, number of epochs whose predictions are averaged to
            a label.
        hard_labels: bool, whether labels are the top classes of these means
            rather than the means themselves.
        prior_weight: float >= 0, weight of the term that spreads predictions
            over classes. Joint-Optim has 1.2 for 70 % symmetric noise, and 0.8
            otherwise.
        entropy_weight: float >= 0, weight of the entropy of predictions.
            Joint-Optim has 0.8 for 70 % symmetric noise, and 0.4 otherwise.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        official_detection: bool, whether the audit detects wrong labels as the
            released code of DRPL, see `nk.labels.detect`.
        name: str, name of the model.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels that are trained on.
        predictions: `SampleTable` `[N, averaged_epochs * K]`, in 16 bits, the
            predictions of the last epochs.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.JointOptim("tiny", source, relabel_from=6)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=10, verbose=0)
        >>> cleaned = model.relabelled(source)
    """

    audit_strategy = _ReplacedLabels()

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
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.predictions = SampleTable(
            self.num_samples,
            averaged_epochs * self.num_classes,
            storage="float16",
            name="predictions",
        )

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        targets = self.soft_labels.read(data["index"])
        logits = self.descend_on(
            data, lambda logits: self.loss_terms(targets, logits)
        )
        # The predictions before this step.
        predictions = tf.nn.softmax(logits)
        self.remember(data, predictions)
        self._keep(data["index"], data["slot"][0], predictions)

    def _keep(self, index, slot, predictions):
        """Writes predictions to the columns of their epoch."""
        here = tf.repeat(
            tf.one_hot(
                slot, self.averaged_epochs, on_value=True, off_value=False
            ),
            self.num_classes,
        )
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
        """Mean prediction of the last epochs, or the label where there is none.

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
        """The source with the labels that training has arrived at.

        Args:
            source: the `Source` that the model was fitted on.

        Returns:
            A new `Source` of soft labels (one-hot with `hard_labels`), which
            any method can be trained on.
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


class _Plan(OneRoundPlan):
    """Replaces labels before an epoch, and numbers the epochs' columns."""

    def begin_epoch(self, epoch):
        if epoch >= self.model.relabel_from:
            self.model.refresh()

    def step_settings(self, epoch):
        slot = epoch % self.model.averaged_epochs
        return {"slot": np.full(self.steps, slot, np.int32)}
