"""The base of methods that train on a table of soft labels."""

import zlib

import numpy as np
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import augment
from noisy_keras.ops import losses
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import PredictionHistory
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

#: Rules of the settings that all these methods have.
RULES = {
    "prior_weight": arguments.at_least(0),
    "entropy_weight": arguments.at_least(0),
    "view": augment.view_rule,
}

# What an epoch leaves of the weight of earlier ones in the history.
_DECAY = 0.9


class SoftLabelModel(NoisyLabelModel):
    """One network that is trained on labels kept in a table.

    Training begins with the labels of its source; a method defines how they
    change. It takes no plug-ins.

    Args:
        networks: as of `NoisyLabelModel`, for one network.
        num_samples: as of `NoisyLabelModel`.
        settings: dict of the method's own arguments, checked.
        name: str, name of the model.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels that are trained on.
        prediction_history: `PredictionHistory` of the images before they are
            mixed.
    """

    refuses_sample_weight = (
        "has terms of a batch's mean prediction, and replaces labels"
    )
    default_batch_size = 128
    loss_names = ("loss_labeled", "prior", "entropy")
    network_count = 1

    def __init__(self, networks, num_samples, settings, name=None):
        super().__init__(networks, num_samples, name=name, settings=settings)
        self.soft_labels = SampleTable(
            self.num_samples, self.num_classes, name="soft_labels"
        )
        # Late epochs weigh most: the network learns as long as labels do.
        self.prediction_history = PredictionHistory(
            self.num_samples,
            self.num_classes,
            decay=_DECAY,
            name="prediction_history",
        )
        self.label_history = LabelHistory(
            self.num_samples, name="label_history"
        )
        # Checksum of the labels that training began with; 0 before.
        self._labels_mark = self.add_weight(
            shape=(), dtype="int64", trainable=False, name="labels_mark"
        )

    def begin_with(self, source):
        """Takes the labels of a source, if they differ from those before.

        What was learnt of other labels is discarded.

        Args:
            source: `Source`.

        Returns:
            bool, whether they differed.
        """
        targets = source.fetch_targets(np.arange(source.num_samples)).numpy()
        mark = 1 + zlib.crc32(np.ascontiguousarray(targets).tobytes())
        if int(self._labels_mark.numpy()) == mark:
            return False
        self._labels_mark.assign(mark)
        self.soft_labels.assign(targets)
        self.prediction_history.assign(
            np.zeros(self.prediction_history.rows.shape)
        )
        self.label_history.clear()
        return True

    def loss_terms(self, targets, logits):
        """The loss to soft targets, and two terms against collapse.

        Source: Tanaka et al., Joint-Optim, CVPR 2018, equation 7.

        Args:
            targets: float `[B, K]`, distributions.
            logits: float `[B, K]`.

        Returns:
            dict of the scalars `loss_labeled`, `prior` and `entropy`.
        """
        loss = tf.reduce_mean(losses.cross_entropy(targets, logits))
        prior = losses.prior_cross_entropy(logits)
        entropy = -losses.negative_entropy(logits)
        return {
            "loss_labeled": loss,
            "prior": self.prior_weight * prior,
            "entropy": self.entropy_weight * entropy,
        }
