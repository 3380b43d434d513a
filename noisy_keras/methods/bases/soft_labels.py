"""What methods share that train on a table of soft labels."""

import zlib

import numpy as np
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import augment
from noisy_keras.networks import as_networks
from noisy_keras.ops import losses
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import PredictionHistory
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

#: Rules of the settings that all of them have.
RULES = {
    "prior_weight": arguments.at_least(0),
    "entropy_weight": arguments.at_least(0),
    "view": arguments.one_of(*augment.VIEWS),
}

# What an epoch leaves of the weight of earlier ones in the history.
_MEMORY = 0.9


class SoftLabelModel(NoisyLabelModel):
    """One network that is trained on labels kept in a table.

    Training begins with the labels of its source; how they change is the
    method's. It takes no plug-ins.

    Args:
        networks: one network (or a list of one).
        num_samples: N.
        chosen: dict of the method's settings, checked.
        name: of the model.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels trained on.
        prediction_history: `PredictionHistory`, of images before they are
            mixed.
    """

    default_batch_size = 128
    loss_names = ("loss_labeled", "prior", "entropy")

    def __init__(self, networks, num_samples, chosen, name=None):
        super().__init__(as_networks(networks, 1), num_samples, name=name)
        for key, value in chosen.items():
            setattr(self, key, value)
        self.settings = chosen
        self.soft_labels = SampleTable(
            num_samples, self.num_classes, name="soft_labels"
        )
        # Not of all epochs alike: a network learns as long as its labels do.
        self.prediction_history = PredictionHistory(
            num_samples,
            self.num_classes,
            decay=_MEMORY,
            name="prediction_history",
        )
        self.label_history = LabelHistory(num_samples, name="label_history")
        # Of the labels that training began with; 0 before.
        self._labels_mark = self.add_weight(
            shape=(), dtype="int64", trainable=False, name="labels_mark"
        )

    def begin_with(self, source):
        """Takes the labels of a source, if it has other ones than before.

        Args:
            source: a `Source`.

        Returns:
            Whether they were other ones: what was learnt of them is void.
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

    def regularized(self, targets, logits):
        """The loss to soft targets, and two terms against collapse.

        Source: Tanaka et al., Joint-Optim, CVPR 2018, equation 7.

        Args:
            targets: `[B, K]`.
            logits: `[B, K]`.

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

    def get_config(self):
        config = super().get_config()
        del config["plugins"]  # It takes none.
        return {**config, **self.settings}
