"""The epochs of methods that train one network on all samples in turn."""

import numpy as np
import tensorflow as tf

from noisy_keras.data import batches


class OneRoundSchedule:
    """One round an epoch over all samples, in a fresh order.

    A batch has `index`, `images` (the model's `view`), given `label`, `seed`,
    and what `step_settings` and `sample_fields` add.

    Args:
        model: a `NoisyLabelModel` with a `view`.
        source: the `Source` to train on.
        batch_size: B.
        seed: of everything random.
        steps_per_epoch: bound on the steps, or None.
    """

    def __init__(self, model, source, batch_size, seed, steps_per_epoch):
        self.model = model
        self.source = source
        self.batch_size = batch_size
        self.seed = seed
        self.indices = np.arange(source.num_samples)
        self.count_steps(steps_per_epoch)
        self._view = source.view(model.view)
        # Held here, so that it is traced once and not once an epoch.
        self._make_batch = tf.function(self._fields)

    def count_steps(self, bound):
        """Sets the steps of an epoch, at most `bound` unless that is None."""
        steps = batches.steps_for(len(self.indices), self.batch_size)
        self.steps = min(steps, bound or steps)

    def phase(self, epoch):
        """The step of an epoch: a key of the model's `steps`."""
        del epoch
        return "train"

    def begin_epoch(self, epoch):
        """What the method does between epochs."""

    def step_settings(self, epoch):
        """More values per step: dict of arrays `[steps, ...]`."""
        del epoch
        return {}

    def sample_choices(self, epoch):
        """More samples of each step: dict of int arrays `[steps, B]`."""
        del epoch
        return {}

    def sample_fields(self, index):
        """More values per sample: dict of tensors `[B, ...]`."""
        del index
        return {}

    def views(self, images, seed):
        """What a step sees of its samples.

        Args:
            images: as of `Source.fetch_with_margin`.
            seed: int32 `[2]`.

        Returns:
            dict of tensors `[B, H, W, C]`, with `images`.
        """
        return {"images": self._view(images, seed)}

    def __call__(self, epoch):
        indices = batches.shuffled(
            self.indices,
            self.steps,
            self.batch_size,
            batches.order_random(self.seed, epoch),
        )
        seeds = batches.step_seeds(self.steps, self.seed, epoch, 0)
        return [
            batches.Round(
                self.phase(epoch),
                samples={"index": indices, **self.sample_choices(epoch)},
                settings={"seed": seeds, **self.step_settings(epoch)},
                make_batch=self._make_batch,
            )
        ]

    def _fields(self, row):
        index = row["index"]
        images = self.source.fetch_with_margin(index)
        shared = {
            name: batches.per_sample(value, index)
            for name, value in row.items()
            if name != "index"
        }
        return {
            "index": index,
            **self.views(images, row["seed"]),
            "label": tf.gather(self.source.labels, index),
            **self.sample_fields(index),
            **shared,
        }
