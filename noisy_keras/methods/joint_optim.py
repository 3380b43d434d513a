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

from noisy_keras.core import settings
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.sample_table import SampleTable
from noisy_keras.data import augment
from noisy_keras.methods import detection
from noisy_keras.methods.one_round import OneRoundSchedule
from noisy_keras.networks import as_networks
from noisy_keras.ops import losses

_RULES = {
    "relabel_from": settings.at_least(1, int),
    "averaged_epochs": settings.at_least(1, int),
    "hard_labels": settings.switch,
    "prior_weight": settings.at_least(0),
    "entropy_weight": settings.at_least(0),
    "view": settings.one_of(*augment.VIEWS),
    "official_detection": settings.switch,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class JointOptim(NoisyLabelModel):
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
        official_detection: see `noisy_keras.methods.detection.detect`.

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

    default_batch_size = 128
    loss_names = ("loss_labeled", "prior", "entropy")

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
        chosen = settings.checked(_RULES, locals())
        super().__init__(as_networks(networks, 1), num_samples, name=name)
        for key, value in chosen.items():
            setattr(self, key, value)
        self.settings = chosen
        # All zeros until training begins.
        self.soft_labels = SampleTable(
            num_samples, self.num_classes, name="soft_labels"
        )
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
            logits = self.networks[0](images, training=True)["logits"]
            seen["logits"] = logits
            loss = tf.reduce_mean(losses.cross_entropy(targets, logits))
            return {
                "loss_labeled": loss,
                **regularizers(self, logits),
            }

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        # What the network said before this step.
        self._remember(data["index"], data["slot"][0], seen["logits"])

    def _remember(self, index, slot, logits):
        """Writes predictions to their epoch's place in the ring."""
        here = tf.repeat(
            tf.one_hot(
                slot, self.averaged_epochs, on_value=True, off_value=False
            ),
            self.num_classes,
        )
        new = tf.tile(tf.nn.softmax(logits), [1, self.averaged_epochs])
        row = tf.where(here, new, self.predictions.read(index))
        self.predictions.write(index, row)

    def make_schedule(self, source, batch_size, seed=0, steps_per_epoch=None):
        if not self.soft_labels.numpy().any():
            everything = np.arange(source.num_samples)
            self.soft_labels.assign(source.fetch_targets(everything))
        return _Schedule(self, source, batch_size, seed, steps_per_epoch)

    def refresh(self):
        """Replaces all labels by the mean of the last epochs' predictions."""
        mean = self.mean_prediction()
        if self.hard_labels:
            mean = np.eye(self.num_classes)[mean.argmax(axis=1)]
        self.soft_labels.assign(mean)

    def mean_prediction(self):
        """Mean prediction of the last epochs; the label where there is none.

        Returns:
            float32 `[N, K]`, rows summing to 1; zeros before training.
        """
        shape = (self.num_samples, self.averaged_epochs, self.num_classes)
        ring = self.predictions.numpy().reshape(shape)
        total = ring.sum(axis=1, dtype=np.float32)
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
            A new `Source` of soft labels, to train anything on.
        """
        return source.relabel(self.mean_prediction())

    def clean_probabilities(self, measurement, source):
        del source
        return 1.0 - self._detect(measurement.loss[:, 0])

    def known_clean_probability(self, source):
        """By the mean of the last epochs' predictions."""
        if not self.predictions.numpy()[0].any():
            return None
        mean = self.mean_prediction()
        given = np.take_along_axis(mean, source.labels[:, None], axis=1)[:, 0]
        return 1.0 - self._detect(-np.log(np.maximum(given, 1e-7)))

    def _detect(self, loss):
        found = detection.detect(loss, self.official_detection)
        return found.noisy_probability

    def suggest(self, measurement):
        mean = self.mean_prediction()
        if not mean.any():
            return super().suggest(measurement)
        return mean.argmax(axis=1).astype(np.int32), mean.max(axis=1)

    def get_config(self):
        config = super().get_config()
        del config["plugins"]  # It takes none.
        return {**config, **self.settings}


def regularizers(model, logits):
    """The two terms against collapse, weighted as a model says.

    Args:
        model: with `prior_weight` and `entropy_weight`.
        logits: `[B, K]`.

    Returns:
        dict of the scalars `prior` and `entropy`.
    """
    return {
        "prior": model.prior_weight * losses.prior_cross_entropy(logits),
        "entropy": -model.entropy_weight * losses.negative_entropy(logits),
    }


class _Schedule(OneRoundSchedule):
    """Labels are replaced before an epoch."""

    def begin_epoch(self, epoch):
        if epoch >= self.model.relabel_from:
            self.model.refresh()

    def step_settings(self, epoch):
        slot = epoch % self.model.averaged_epochs
        return {"slot": np.full(self.steps, slot, np.int32)}
