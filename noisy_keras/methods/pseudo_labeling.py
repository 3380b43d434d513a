"""Semi-supervised learning with soft pseudo-labels and mixup.

1. Labelled samples keep their given labels; the others have as label what the
   network said of them in the epoch before.
2. All of them are mixed and trained on alike, with the two terms of Joint-Optim
   against collapse. Mixup keeps the network from confirming its own mistakes.
3. Each epoch a random share of the unlabelled samples has no opinion at all:
   the uniform distribution (DRPL).

Reference: Arazo et al., Pseudo-Labeling and Confirmation Bias in Deep
Semi-Supervised Learning, IJCNN 2020, as Ortego et al. (DRPL, ICPR 2020) use it.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core import inputs
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.data import batches
from noisy_keras.labels import detection
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

# Of the random numbers of an epoch, beside those of its only round.
_REFRESH = 1


@keras.saving.register_keras_serializable(package="noisy_keras")
class PseudoLabeling(SoftLabelModel):
    """Pseudo-labelling of the samples that `divide` leaves unlabelled.

    Without `divide` all samples are labelled: mixup on the given labels.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        random_share: of the unlabelled samples whose label is uniform in an
            epoch.
        mix_alpha: of the Beta distribution of mixup ratios.
        prior_weight: of the term that spreads predictions over classes.
        entropy_weight: of the entropy of predictions.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.

    Attributes:
        soft_labels: `SampleTable` `[N, K]`, the labels trained on.
        labeled: `SampleTable` `[N, 1]`, 1 where the given label is kept.
        clean_probability: `SampleTable` `[N, 1]`, as `divide` was told.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.PseudoLabeling(network, source.num_samples)
        >>> model.divide(source, np.arange(source.num_samples) < 500)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=10, verbose=0)
    """

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
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        # All zeros until seen.
        self.predictions = SampleTable(
            num_samples, self.num_classes, name="predictions"
        )
        self.labeled = SampleTable(
            num_samples, 1, initial_value=1.0, name="labeled"
        )
        # Unknown until divided.
        self.clean_probability = SampleTable(
            num_samples, 1, initial_value=-1.0, name="clean_probability"
        )
        self.built = True

    def divide(
        self,
        source,
        labeled,
        guesses=None,
        clean_probability=None,
        history=None,
        seed=0,
    ):
        """Says which samples keep their labels.

        Args:
            source: the `Source` to be trained on.
            labeled: bool `[N]`, some True.
            guesses: float `[N, K]`, distributions that the unlabelled samples
                start from, of which a random share is made uniform; None
                starts from random classes, as DRPL's released code does.
            clean_probability: float `[N]` in `[0, 1]`, for the audit; default:
                1 where labelled, else 0.
            history: float `[N, K]`, rows of the `PredictionHistory` of an
                earlier model, which this one's goes on from.
            seed: of what is random.

        Raises:
            ValueError: a source that does not fit the model, other shapes or
                values, or no labelled sample.
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
        # The next epoch's pseudo-labels: of the image before it is mixed, in
        # training mode and without gradient, as in the released code.
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
            return self.regularized(targets, logits)

        self.descend(0, terms, data["label"], logits=plain)
        predictions = tf.nn.softmax(plain)
        self.predictions.write(index, predictions)
        self.prediction_history.add(index, predictions)
        self.label_history.add(index, predictions, data["label"])

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        if self.begin_with(source):
            # What was known of other labels says nothing of these.
            count = self.num_samples
            self.predictions.assign(np.zeros((count, self.num_classes)))
            self.labeled.assign(np.ones((count, 1)))
            self.clean_probability.assign(np.full((count, 1), -1.0))
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def refresh(self, draw):
        """New pseudo-labels: the last predictions, a share of them uniform.

        Args:
            draw: `np.random.RandomState`.
        """
        labeled = self.labeled.numpy()[:, 0] > 0.0
        new = self.predictions.numpy()
        labels = self.soft_labels.numpy()
        # What no step has shown yet, keeps its label.
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

    @property
    def evidence(self):
        told = (self.clean_probability.numpy() >= 0.0).all()
        return "earlier_phase" if told else super().evidence

    def clean_probabilities(self, measurement, source):
        known = self.known_clean_probability(source)
        if known is not None:
            return known
        return 1.0 - detection.detect(measurement.loss[:, 0]).noisy_probability

    def known_clean_probability(self, source):
        """As `divide` was told; None before."""
        known = super().known_clean_probability(source)
        return None if (known < 0.0).any() else known


class _Plan(OneRoundPlan):
    """Pseudo-labels are made before an epoch."""

    def begin_epoch(self, epoch):
        if self.model.divided and self.model.predictions.numpy().any():
            self.model.refresh(batches.order_random(self.seed, epoch, _REFRESH))

    def step_settings(self, epoch):
        ratios = batches.mix_ratios(
            self.steps, self.model.mix_alpha, self.seed, epoch, 0, folded=False
        )
        return {"mix_ratio": ratios}
