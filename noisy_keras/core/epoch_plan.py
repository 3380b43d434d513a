"""Epoch plans: which rounds of training steps each epoch consists of."""

import numpy as np
import tensorflow as tf

from noisy_keras.data import batches


class EpochPlan:
    """The rounds of every epoch: a function of the epoch's number.

    `fit` calls `begin_epoch` and then the plan itself, once per epoch. A
    method returns its plan from `NoisyLabelModel.make_plan`. A plan that is a
    function of (seed, epoch) and of the model's tables lets a run that was
    interrupted go on as if it had not been.

    Most methods have one round per epoch: see `OneRoundPlan`.

    Example:
        >>> class EverySecondSample(nk.EpochPlan):
        ...     def __init__(self, source, batch_size, seed=0):
        ...         self.source = source
        ...         self.batch_size = batch_size
        ...         self.seed = seed
        ...
        ...     def __call__(self, epoch):
        ...         chosen = np.arange(epoch % 2, len(self.source), 2)
        ...         order = np.random.RandomState([self.seed, epoch])
        ...         rows = order.permutation(chosen)
        ...         steps = len(rows) // self.batch_size
        ...         rows = rows[: steps * self.batch_size]
        ...         return [
        ...             nk.Round(
        ...                 "train",
        ...                 samples={"index": rows.reshape(steps, -1)},
        ...                 settings={"seed": np.zeros([steps, 2], np.int32)},
        ...                 make_batch=self.make_batch,
        ...             )
        ...         ]
        ...
        ...     def make_batch(self, row):
        ...         index = row["index"]
        ...         return {
        ...             "index": index,
        ...             "images": self.source.fetch(index),
        ...             "target": self.source.fetch_targets(index),
        ...         }
        >>> plan = EverySecondSample(nk.data.load("digits"), batch_size=64)
        >>> plan(0)[0].steps
        9
    """

    def begin_epoch(self, epoch):
        """Does what the method does before an epoch, such as a division.

        It is not called again when training resumes inside the epoch, so what
        it finds belongs into the model's tables, which are saved.

        Args:
            epoch: int, number of the epoch, from 0.
        """

    def end_epoch(self, epoch):
        """Does what the method does after the rounds of an epoch.

        It comes before the validation, and is called again where training
        resumes after the last step of the epoch.

        Args:
            epoch: int, number of the epoch, from 0.
        """

    def __call__(self, epoch):
        """The rounds of an epoch.

        Args:
            epoch: int, number of the epoch, from 0.

        Returns:
            A list of `Round`s, or of `tf.data.Dataset`s of `{phase: fields}`
            of known length.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `__call__(epoch)`."
        )


class OneRoundPlan(EpochPlan):
    """One round per epoch over all samples, in a new order each time.

    A batch is a dict of tensors whose first axis is the batch:

    * `index`: int32 `[B]`, positions of the samples in the source.
    * `images`: `[B, H, W, C]`, uint8 or float32, in the model's `view`.
    * `label`: int32 `[B]`, the given labels.
    * `target`: float32 `[B, K]`, the given labels as distributions.
    * `weight`: float32 `[B]`, where the source has `sample_weights`.
    * `seed`: int32 `[B, 2]`, the same in every row, for what the step draws.
    * what `step_settings`, `sample_choices` and `sample_fields` add.

    A method overrides the hooks below where it differs.

    Args:
        model: the `NoisyLabelModel`. Its `view` is used.
        source: the `Source` to train on.
        batch_size: int, number of samples in a step over all replicas, B.
        seed: int, seed of everything random.
        steps_per_epoch: int, upper bound on the steps of an epoch, or None.

    Attributes:
        indices: int `[n]`, positions of the samples to train on; initially all
            N.
        steps: int, number of steps in an epoch.

    Example:
        >>> class Blurred(nk.OneRoundPlan):
        ...     def views(self, images, seed):
        ...         views = super().views(images, seed)
        ...         small = views["images"][:, ::2, ::2]
        ...         return views | {"small": small}
        >>> source = nk.data.load("digits")
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.CrossEntropy(network, source.num_samples)
        >>> [one] = Blurred(model, source, 64, seed=0)(epoch=0)
        >>> one.dataset().element_spec["train"]["small"].shape
        TensorShape([64, 16, 16, 3])
    """

    def __init__(self, model, source, batch_size, seed=0, steps_per_epoch=None):
        self.model = model
        self.source = source
        self.batch_size = batch_size
        self.seed = seed
        self.indices = np.arange(source.num_samples)
        self.count_steps(steps_per_epoch)
        self._view = source.view(model.view)
        # Held here, so that it is traced once and not once per epoch.
        self._compiled_batch = tf.function(self.make_batch)

    def count_steps(self, steps_per_epoch):
        """Sets `steps`, so that every sample of `indices` is seen.

        Args:
            steps_per_epoch: int, upper bound, or None.
        """
        steps = batches.steps_for(len(self.indices), self.batch_size)
        self.steps = min(steps, steps_per_epoch or steps)

    def phase(self, epoch):
        """The phase of an epoch.

        Args:
            epoch: int, number of the epoch, from 0.

        Returns:
            str, a key of the model's `steps()`; `"train"` unless overridden.
        """
        del epoch
        return "train"

    def step_settings(self, epoch):
        """Further values, one per step.

        Args:
            epoch: int, number of the epoch, from 0.

        Returns:
            dict of arrays `[steps, ...]`. In a batch each is repeated along
            the batch axis, `[B, ...]`, because replicas share that.
        """
        del epoch
        return {}

    def sample_choices(self, epoch):
        """Further samples of each step, for `make_batch` to read.

        Args:
            epoch: int, number of the epoch, from 0.

        Returns:
            dict of int arrays `[steps, B]`.
        """
        del epoch
        return {}

    def sample_fields(self, index):
        """Further fields of a batch. Runs inside `tf.data`.

        Args:
            index: int32 tensor `[B]`.

        Returns:
            dict of tensors `[B, ...]`.
        """
        del index
        return {}

    def views(self, images, seed):
        """Makes the views that a step is trained on. Runs inside `tf.data`.

        Args:
            images: tensor as of `Source.fetch_with_margin`.
            seed: int32 tensor `[2]`.

        Returns:
            dict of tensors `[B, H, W, C]`, among them `images`.
        """
        return {"images": self._view(images, seed)}

    def make_batch(self, row):
        """Reads the fields of a batch. Runs inside `tf.data`.

        Args:
            row: dict of tensors: `index` int32 `[B]`, `seed` int32 `[2]`, and
                one row each of `sample_choices` and `step_settings`.

        Returns:
            dict of tensors `[B, ...]`.
        """
        index = row["index"]
        images = self.source.fetch_with_margin(index)
        shared = {
            name: batches.per_sample(value, index)
            for name, value in row.items()
            if name != "index"
        }
        weights = {}
        if self.source.sample_weights is not None:
            weights["weight"] = tf.gather(self.source.sample_weights, index)
        return {
            "index": index,
            **self.views(images, row["seed"]),
            **weights,
            "label": tf.gather(self.source.labels, index),
            "target": self.source.fetch_targets(index),
            **self.sample_fields(index),
            **shared,
        }

    def sample_order(self, epoch):
        """The samples of each step.

        Args:
            epoch: int, number of the epoch, from 0.

        Returns:
            int32 `[steps, B]`, positions in the source; those of `indices` in
            random order unless overridden.
        """
        return batches.shuffled(
            self.indices,
            self.steps,
            self.batch_size,
            batches.order_random(self.seed, epoch),
        )

    def __call__(self, epoch):
        indices = self.sample_order(epoch)
        seeds = batches.step_seeds(self.steps, self.seed, epoch, 0)
        return [
            batches.Round(
                self.phase(epoch),
                samples={"index": indices, **self.sample_choices(epoch)},
                settings={"seed": seeds, **self.step_settings(epoch)},
                make_batch=self._compiled_batch,
            )
        ]
