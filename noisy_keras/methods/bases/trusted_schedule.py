"""Trusted samples, dealt beside every batch of those that are doubtful."""

import warnings

import numpy as np

from noisy_keras.data import overlap
from noisy_keras.methods.bases.one_round import OneRoundSchedule
from noisy_keras.ops import random
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


class TrustedSchedule(OneRoundSchedule):
    """One round an epoch over all samples, a probe batch beside each batch.

    A batch also has `target` `[B, K]`, `trusted_images` and `trusted_target`
    of the same number, and `strong` images where the model has a
    `strong_view`: of the same weak view, or, where both are named alike,
    another one. Trusted images are seen in views that suit the training
    samples: both show the same things.
    """

    def __init__(self, model, source, batch_size, seed, steps_per_epoch):
        super().__init__(model, source, batch_size, seed, steps_per_epoch)
        self.trusted = model.trusted.with_augmentation(
            **vars(source.augmentation)
        )
        self.replicas = model.distribute_strategy.num_replicas_in_sync
        _check_names(source, self.trusted)
        self._trusted_view = self.trusted.view(model.view)
        self._trusted_order = in_turn(self.trusted.labels)
        strong = getattr(model, "strong_view", None)
        self._strong_view = strong and source.view(strong)
        # With one seed, equal views would see the same.
        self._strong_seed = 17 if strong == model.view else None
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
        # Probes are each replica's own. With shares of one walk, a replica
        # could meet the same few classes in every step.
        dealt = [
            self.deal(steps, share, replica / self.replicas)
            for replica in range(self.replicas)
        ]
        return {"trusted": np.concatenate(dealt, axis=1).astype(np.int32)}

    def deal(self, steps, count, begin):
        """The trusted samples that a replica sees.

        Args:
            steps: numbers of the steps, from the first of training on.
            count: samples in each.
            begin: where it begins its walk, in `[0, 1)` of the order.

        Returns:
            int `[len(steps), count]`, rows of the trusted set.
        """
        return walk(self._trusted_order, steps, count, begin)

    def sample_fields(self, index):
        return {"target": self.source.fetch_targets(index)}

    def views(self, images, seed):
        views = super().views(images, seed)
        if self._strong_view:
            if self._strong_seed is not None:
                seed = random.fold_in(seed, self._strong_seed)
            views["strong"] = self._strong_view(images, seed)
        return views

    def _fields(self, row):
        row = dict(row)
        chosen = row.pop("trusted")
        fields = super()._fields(row)
        images = self.trusted.fetch_with_margin(chosen)
        seed = random.fold_in(row["seed"], 16)
        fields["trusted_images"] = self._trusted_view(images, seed)
        fields["trusted_target"] = self.trusted.fetch_targets(chosen)
        return fields


def walk(order, steps, count, begin=0.0):
    """Stretches of an order that goes round.

    Args:
        order: int `[L]`.
        steps: numbers of the steps.
        count: length of each step's stretch, which begins where that of the
            step before ends.
        begin: where step 0 begins, in `[0, 1)` of the order.

    Returns:
        int `[len(steps), count]`.
    """
    places = int(begin * len(order)) + np.asarray(steps)[:, None] * count
    return order[(places + np.arange(count)) % len(order)]


def in_turn(labels, rows=None):
    """Rows, class by class in turn: int `[n]`.

    A class with fewer samples than others comes again, so that any stretch is
    balanced.

    Args:
        labels: int `[N]`.
        rows: those to deal, int; default: all N.
    """
    rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
    members = [rows[labels[rows] == c] for c in np.unique(labels[rows])]
    longest = max(map(len, members))
    return np.stack([np.resize(m, longest) for m in members], axis=1).ravel()


def _check_names(source, trusted):
    """Raises a ValueError where one label stands for two classes."""
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
