"""The epochs of methods that learn with a trusted set."""

import warnings

import numpy as np

from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.data import overlap
from noisy_keras.ops import random
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

# Streams of a step's seed, which the training views use themselves.
_TRUSTED_VIEW, _SECOND_VIEW = 16, 17


class TrustedPlan(OneRoundPlan):
    """One round per epoch over all samples, with trusted samples beside them.

    A batch also has `trusted_images` `[B, H, W, C]` and `trusted_target`
    float32 `[B, K]` of as many trusted samples, and `strong`
    `[B, H, W, C]` where the model has a `strong_view`: it starts from the same
    weak view as `images`, or is a second, independent one where both views
    are the same. Trusted images are seen in views that suit the training
    samples, because both show the same classes.

    Training samples that are also trusted samples are left out, with a warning.

    Args:
        model: a model with a trusted set, in `model.trusted`.
        source: the `Source` to train on.
        batch_size: int, number of samples in a step over all replicas, B.
        seed: int, seed of everything random.
        steps_per_epoch: int, upper bound on the steps of an epoch, or None.

    Raises:
        ConfigurationError: the class names of both sets differ, or all
            training samples are trusted ones.
    """

    def __init__(self, model, source, batch_size, seed=0, steps_per_epoch=None):
        super().__init__(model, source, batch_size, seed, steps_per_epoch)
        self.trusted = model.trusted.with_augmentation(
            **vars(source.augmentation)
        )
        self.replicas = model.distribute_strategy.num_replicas_in_sync
        _check_names(source, self.trusted)
        self._trusted_view = self.trusted.view(model.view)
        self._trusted_order = balanced_order(self.trusted.labels)
        strong = getattr(model, "strong_view", None)
        self._strong_view = strong and source.view(strong)
        # With one seed, equal views would draw the same numbers.
        self._strong_seed = _SECOND_VIEW if strong == model.view else None
        doubled = overlap.same_pictures(source, self.trusted)
        if doubled:
            warnings.warn(
                f"{len(doubled)} trusted samples are also training samples: "
                "those are left out of training, whatever their labels.",
                stacklevel=2,
            )
            self.indices = np.setdiff1d(self.indices, doubled)
            if not len(self.indices):
                raise ConfigurationError(
                    "Expected samples to train on beside the trusted ones. "
                    f"Received: all {len(doubled)} trusted"
                )
            self.count_steps(steps_per_epoch)

    def sample_choices(self, epoch):
        steps = epoch * self.steps + np.arange(self.steps)
        share = self.batch_size // self.replicas
        # Each replica has trusted samples of its own. With shares of one
        # common order, a replica could meet the same few classes in each step.
        chosen = [
            self.trusted_rows(steps, share, replica / self.replicas)
            for replica in range(self.replicas)
        ]
        return {"trusted": np.concatenate(chosen, axis=1).astype(np.int32)}

    def trusted_rows(self, steps, count, start):
        """The trusted samples that one replica sees.

        Args:
            steps: int `[S]`, numbers of the steps, counted from the first of
                training.
            count: int, number of samples in each step.
            start: float in `[0, 1)`, where in the balanced order of the trusted
                samples step 0 begins.

        Returns:
            int `[S, count]`, positions in the trusted set.
        """
        return cyclic_slices(self._trusted_order, steps, count, start)

    def views(self, images, seed):
        views = super().views(images, seed)
        if self._strong_view:
            if self._strong_seed is not None:
                seed = random.fold_in(seed, self._strong_seed)
            views["strong"] = self._strong_view(images, seed)
        return views

    def make_batch(self, row):
        row = dict(row)
        chosen = row.pop("trusted")
        fields = super().make_batch(row)
        images = self.trusted.fetch_with_margin(chosen)
        seed = random.fold_in(row["seed"], _TRUSTED_VIEW)
        fields["trusted_images"] = self._trusted_view(images, seed)
        fields["trusted_target"] = self.trusted.fetch_targets(chosen)
        return fields


def cyclic_slices(order, steps, count, start=0.0):
    """Consecutive slices of an order that begins again at its end.

    Args:
        order: int `[L]`.
        steps: int `[S]`, numbers of the steps.
        count: int, length of a slice. The slice of a step begins where that of
            the step before ends.
        start: float in `[0, 1)`, share of the order at which step 0 begins.

    Returns:
        int `[S, count]`.
    """
    places = int(start * len(order)) + np.asarray(steps)[:, None] * count
    return order[(places + np.arange(count)) % len(order)]


def balanced_order(labels, rows=None):
    """Samples in an order of which any slice has the classes in equal parts.

    One sample of each class follows another. A class with fewer samples than
    others is repeated.

    Args:
        labels: int `[N]`.
        rows: int `[m]`, positions of the samples to be ordered; default: all N.

    Returns:
        int `[n]`, positions, n >= m.
    """
    rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
    members = [rows[labels[rows] == c] for c in np.unique(labels[rows])]
    longest = max(map(len, members))
    return np.stack([np.resize(m, longest) for m in members], axis=1).ravel()


def _check_names(source, trusted):
    """Raises where one label stands for two classes."""
    numbers = tuple(map(str, range(source.num_classes)))
    ours, theirs = source.class_names, trusted.class_names
    if ours != theirs and numbers not in (ours, theirs):
        pairs = zip(ours, theirs, strict=True)
        differing = [f"{a} and {b}" for a, b in pairs if a != b]
        raise ConfigurationError(
            "Expected trusted samples of the same classes in the same order "
            "as the training samples. Received, of the training samples and "
            f"of the trusted ones: {abbreviated(differing)}"
        )
