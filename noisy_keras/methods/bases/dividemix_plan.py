"""The epochs of DivideMix: which network sees which samples, and when."""

import numpy as np
import tensorflow as tf

from noisy_keras.core.epoch_plan import EpochPlan
from noisy_keras.data import batches
from noisy_keras.methods.bases import imbalance
from noisy_keras.ops import ramps
from noisy_keras.ops import random
from noisy_keras.utils.errors import ConfigurationError

# Streams of a step's seed for views; the step itself uses small numbers.
_VIEW_KEYS = 1000


class DivideMixPlan(EpochPlan):
    """Two rounds per epoch: of network 0, then of network 1.

    In the warm-up each network gets all samples in an order of its own; later
    a labelled and an unlabelled stream, divided by the losses of its peer. With
    `sampling="balanced"` of the model, an epoch is of as many samples of each
    given class: as many as its steps take, or N.

    A batch of the warm-up has `index`, `images`, `target` and `label`, as of
    `OneRoundPlan`. Later it has two nested dicts: `labeled` with `index`,
    `label`, `target` and the views `guess`, `train` and `extra`, each
    `[B, V, H, W, C]` for V views, and `unlabeled` with `index` and the same
    views; and beside them, repeated along the batch axis, `seed`, `mix_ratio`,
    `labeled_weight` and `unlabeled_weight`.

    Args:
        model: the `DivideMix`.
        source: the `Source` to train on.
        batch_size: int, number of samples of either stream in a step, B.
        seed: int, seed of everything random.
        steps_per_epoch: int, upper bound on the steps of a round, or None.
    """

    def __init__(self, model, source, batch_size, seed=0, steps_per_epoch=None):
        self.model = model
        self.source = source
        self.batch_size = batch_size
        most = min(batch_size * model.warmup_batch_factor, source.num_samples)
        replicas = model.distribute_strategy.num_replicas_in_sync
        self.warmup_batch_size = most - most % replicas
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self._views = self._wanted_views()
        # Held here, so that each is traced once and not once per epoch.
        self._make_warmup_batch = tf.function(self._warmup_fields)
        self._make_batch = tf.function(self._mixmatch_fields)

    def begin_epoch(self, epoch):
        """Divides the samples anew, from the end of the warm-up on."""
        if epoch >= self.model.warmup_epochs:
            index = self._divided(epoch)
            given = () if index is None else (index,)
            self.model.co_divide(self.source, *given)

    def _divided(self, epoch):
        """Positions of the samples that an epoch divides; None: all."""
        if self.steps_per_epoch is None or not self._is_balanced():
            return None  # An epoch sees all, or leaves them to chance.
        seen = np.unique(self._samples(epoch, self.batch_size))
        return seen if len(seen) < self.source.num_samples else None

    def _is_balanced(self):
        return self.model.sampling == imbalance.BALANCED

    def _samples(self, epoch, batch_size):
        """Positions of the samples of an epoch, the same for both networks."""
        count = self.source.num_samples
        if not self._is_balanced():
            return np.arange(count)
        steps = self._bounded(batches.steps_for(count, batch_size))
        return imbalance.balanced_order(
            self.source.labels, steps * batch_size, self.seed, epoch
        )

    def __call__(self, epoch):
        if epoch < self.model.warmup_epochs:
            return [self._warmup_round(epoch, k) for k in range(2)]
        return [self._mixmatch_round(epoch, k) for k in range(2)]

    def division_epoch(self):
        """Number of the first epoch after the warm-up."""
        return self.model.warmup_epochs

    def unlabeled_weight(self):
        """Weight of the loss on pseudo-labels once it has grown up."""
        return self.model.unlabeled_weight

    def _warmup_round(self, epoch, k):
        count, batch_size = self.source.num_samples, self.warmup_batch_size
        steps = self._bounded(batches.steps_for(count, batch_size))
        index = batches.shuffled(
            self._samples(epoch, batch_size),
            steps,
            batch_size,
            batches.order_random(self.seed, epoch, k),
        )
        return batches.Round(
            f"warmup_{k}",
            samples={"index": index},
            settings={"seed": batches.step_seeds(steps, self.seed, epoch, k)},
            make_batch=self._make_warmup_batch,
        )

    def _mixmatch_round(self, epoch, k):
        model = self.model
        samples = self._samples(epoch, self.batch_size)
        clean = model.clean_probability.numpy()[samples, 1 - k]
        labeled = samples[clean > model.clean_threshold]
        unlabeled = samples[clean <= model.clean_threshold]
        # An empty side is filled from the other and has weight 0.
        labeled_weight = float(len(labeled) > 0)
        unlabeled_weight = self.unlabeled_weight() * (len(unlabeled) > 0)
        labeled = labeled if len(labeled) else unlabeled
        unlabeled = unlabeled if len(unlabeled) else labeled
        # As many steps as the labelled samples take.
        steps = self._bounded(batches.steps_for(len(labeled), self.batch_size))
        order = batches.order_random(self.seed, epoch, k)
        time = epoch + np.arange(steps, dtype=np.float32) / steps
        ramp = ramps.linear_ramp(
            time, self.division_epoch(), model.rampup_epochs
        ).numpy()
        return batches.Round(
            f"mixmatch_{k}",
            samples={
                "labeled": batches.shuffled(
                    labeled, steps, self.batch_size, order
                ),
                "unlabeled": batches.shuffled(
                    unlabeled, steps, self.batch_size, order
                ),
            },
            settings={
                "seed": batches.step_seeds(steps, self.seed, epoch, k),
                "mix_ratio": batches.mix_ratios(
                    steps, model.mix_alpha, self.seed, epoch, k
                ),
                "labeled_weight": np.full(steps, labeled_weight, np.float32),
                "unlabeled_weight": (unlabeled_weight * ramp).astype(
                    np.float32
                ),
            },
            make_batch=self._make_batch,
        )

    def _bounded(self, steps):
        return min(steps, self.steps_per_epoch or steps)

    def _wanted_views(self):
        """Per field of a batch: the view and how many of it."""
        model = self.model
        wanted = {"guess": (model.guess_view, model.num_views)}
        if model.train_view is not None:
            wanted["train"] = (model.train_view, model.num_views)
        for plugin in model.plugins:
            if plugin.extra_views:
                if "extra" in wanted:
                    raise ConfigurationError(
                        "Expected at most one plug-in that asks for extra "
                        "views of the data pipeline."
                    )
                wanted["extra"] = (plugin.extra_view, plugin.extra_views)
        return {
            field: (self.source.view(name), count)
            for field, (name, count) in wanted.items()
        }

    def _warmup_fields(self, row):
        index, seed = row["index"], row["seed"]
        view = self.source.view(self.model.warmup_view)
        return {
            "index": index,
            "images": view(self.source.fetch_with_margin(index), seed),
            "target": self.source.fetch_targets(index),
            "label": tf.gather(self.source.labels, index),
        }

    def _mixmatch_fields(self, row):
        # Both streams are read and transformed together: fewer, larger calls.
        index = tf.concat([row["labeled"], row["unlabeled"]], axis=0)
        images = self.source.fetch_with_margin(index)
        labeled = {
            "index": row["labeled"],
            "label": tf.gather(self.source.labels, row["labeled"]),
            "target": self.source.fetch_targets(row["labeled"]),
        }
        unlabeled = {"index": row["unlabeled"]}
        for number, (field, (view, count)) in enumerate(self._views.items()):
            key = random.fold_in(row["seed"], _VIEW_KEYS + number)
            seen = view(images, key, count)
            parts = tf.split(seen, 2 * count)  # x, u, x, u, ...
            for offset, stream in enumerate((labeled, unlabeled)):
                stream[field] = tf.stack(parts[offset::2], axis=1)

        shared = {
            name: batches.per_sample(row[name], row["labeled"])
            for name in (
                "seed",
                "mix_ratio",
                "labeled_weight",
                "unlabeled_weight",
            )
        }
        return {"labeled": labeled, "unlabeled": unlabeled, **shared}
