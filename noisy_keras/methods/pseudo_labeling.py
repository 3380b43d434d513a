"""Semi-supervised learning with soft pseudo-labels and mixup.

1. Labelled samples keep their given labels; the pseudo-label of any other
   sample is the network's prediction in the epoch before.
2. All of them are mixed and trained on alike, with the two terms of Joint-Optim
   against collapse. Mixup keeps the network from confirming its own mistakes.
3. In each epoch a random share of the unlabelled samples has the uniform
   distribution as pseudo-label (DRPL).

Reference: Arazo et al., Pseudo-Labeling and Confirmation Bias in Deep
Semi-Supervised Learning, IJCNN 2020, as Ortego et al. (DRPL, ICPR 2020) use it.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core import inputs
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.data import batches
from noisy_keras.labels.strategies import EarlierPhase
from noisy_keras.methods.bases import soft_labels
from noisy_keras.methods.bases.soft_labels import SoftLabelModel
from noisy_keras.ops import mixing
from noisy_keras.ops import random
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

_RULES = {
    "random_share": arguments.within(0, 1, "[)"),
    "mix_alpha": arguments.within(0, float("inf"), "()"),
    **soft_labels.RULES,
}

# Round number of an epoch's random numbers, beside that of its only round.
_REFRESH = 1


@keras.saving.register_keras_serializable(package="noisy_keras")
class PseudoLabeling(SoftLabelModel):
    """Pseudo-labelling of the samples that `divide` leaves unlabelled.

    Without `divide` all samples are labelled: mixup on the given labels.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        random_share: float in [0, 1), share of the unlabelled samples whose
            pseudo-label is uniform in an epoch.
        mix_alpha: float above 0, parameter of the Beta distribution of mixup
            ratios.
        prior_weight: float >= 0, weight of the term that spreads predictions
            over classes.
        entropy_weight: float >= 0, weight of the entropy of predictions.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        name: str, name of the model.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels that are trained on.
        labeled: `SampleTable` `[N, 1]`, 1 where the given label is kept.
        clean_probability: `SampleTable` `[N, 1]`, as passed to `divide`; -1
            before.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.PseudoLabeling("tiny", source)
        >>> model.divide(source, np.arange(source.num_samples) < 500)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=10, verbose=0)
    """

    refuses_sample_weight = (
        "trains on mixtures of pairs, and on labels that it predicts"
    )
    audit_strategy = EarlierPhase()

    def __init__(
        self,
        networks,
        num_samples,
        random_share=0.2,
        mix_alpha=1.0,
        prior_weight=0.8,
        entropy_weight=0.4,
        view="weak",
        name=None,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        # Rows are zeros until a step has seen the sample.
        self.predictions = SampleTable(
            self.num_samples, self.num_classes, name="predictions"
        )
        self.labeled = SampleTable(
            self.num_samples, 1, initial_value=1.0, name="labeled"
        )
        # -1 until `divide` sets it.
        self.clean_probability = SampleTable(
            self.num_samples, 1, initial_value=-1.0, name="clean_probability"
        )

    def divide(
        self,
        source,
        labeled,
        guesses=None,
        clean_probability=None,
        history=None,
        seed=0,
    ):
        """Sets which samples keep their labels.

        Args:
            source: the `Source` to train on.
            labeled: bool `[N]`, samples that keep their given label; at least
                one.
            guesses: float `[N, K]`, first pseudo-labels of the unlabelled
                samples, of which a random share is made uniform; None starts
                from random classes, as DRPL's released code does.
            clean_probability: float `[N]` in `[0, 1]`, for the audit; default:
                1 where labelled, else 0.
            history: float `[N, K]`, rows of the `PredictionHistory` of an
                earlier model, which is continued; or None.
            seed: int, seed of everything random here.

        Raises:
            ConfigurationError: a source that does not fit the model, other
                shapes or values, or no labelled sample.
        """
        inputs.check_source(self, source, training=True)
        labeled = np.asarray(labeled, bool)
        count = self.num_samples
        if labeled.shape != (count,) or not labeled.any():
            raise ConfigurationError(
                f"Expected `labeled` of shape ({count},), True somewhere. "
                f"Received: shape {labeled.shape}, {labeled.sum()} True"
            )
        draw = np.random.RandomState(seed)
        if guesses is None:
            guesses = np.eye(self.num_classes)[
                draw.randint(self.num_classes, size=count)
            ]
        else:
            checked = checks.soft_labels(guesses, self.num_classes)
            checks.same_length(samples=labeled, guesses=checked)
            guesses = self._with_random_share(checked, labeled, draw)
        if clean_probability is None:
            clean_probability = labeled
        clean = np.asarray(clean_probability, np.float32)
        if clean.shape != (count,) or not ((clean >= 0) & (clean <= 1)).all():
            raise ConfigurationError(
                f"Expected `clean_probability` of shape ({count},) in [0, 1]. "
                f"Received: shape {clean.shape}, from {clean.min():.4g} to "
                f"{clean.max():.4g}"
            )
        self.begin_with(source)
        targets = source.fetch_targets(np.arange(count))
        self.soft_labels.assign(np.where(labeled[:, None], targets, guesses))
        self.predictions.assign(np.zeros((count, self.num_classes)))
        self.labeled.assign(labeled[:, None])
        self.clean_probability.assign(clean[:, None])
        if history is not None:
            self.prediction_history.assign(history)

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        network, index = self.networks[0], data["index"]
        images = tf.cast(data["images"], tf.float32)
        # Pseudo-labels of the next epoch: predictions for the images before
        # they are mixed, in training mode, as in the released code.
        plain = network(images, training=True)["logits"]
        partners = random.permutation(
            index.shape[0], random.fold_in(data["seed"][0], 0)
        )
        mixed, targets = mixing.mixup(
            images,
            self.soft_labels.read(index),
            data["mix_ratio"][0],
            partners,
        )

        def terms():
            logits = network(mixed, training=True)["logits"]
            return self.loss_terms(targets, logits)

        self.descend(0, terms, data["label"], logits=plain)
        predictions = tf.nn.softmax(plain)
        self.predictions.write(index, predictions)
        self.remember(data, predictions)

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        if self.begin_with(source):
            # The tables belong to labels of an earlier training.
            count = self.num_samples
            self.predictions.assign(np.zeros((count, self.num_classes)))
            self.labeled.assign(np.ones((count, 1)))
            self.clean_probability.assign(np.full((count, 1), -1.0))
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def refresh(self, draw):
        """Sets pseudo-labels to the last predictions, a share of them uniform.

        Args:
            draw: `np.random.RandomState`.
        """
        labeled = self.labeled.numpy()[:, 0] > 0.0
        new = self.predictions.numpy()
        labels = self.soft_labels.numpy()
        # A sample that no step has seen keeps its pseudo-label.
        seen = new.any(axis=1)
        new = np.where(seen[:, None], new, labels)
        new = self._with_random_share(new, labeled, draw)
        self.soft_labels.assign(np.where(labeled[:, None], labels, new))

    def _with_random_share(self, labels, labeled, draw):
        unlabeled = np.flatnonzero(~labeled)
        count = int(self.random_share * len(unlabeled))
        labels = np.array(labels, np.float32)
        labels[draw.permutation(unlabeled)[:count]] = 1.0 / self.num_classes
        return labels

    @property
    def divided(self):
        """Whether some samples are unlabelled."""
        return not self.labeled.numpy().all()


class _Plan(OneRoundPlan):
    """Makes pseudo-labels before an epoch."""

    def begin_epoch(self, epoch):
        if self.model.divided and self.model.predictions.numpy().any():
            self.model.refresh(batches.order_random(self.seed, epoch, _REFRESH))

    def step_settings(self, epoch):
        ratios = batches.mix_ratios(
            self.steps, self.model.mix_alpha, self.seed, epoch, 0, folded=False
        )
        return {"mix_ratio": ratios}
