"""Batches in index space: which samples, in what order, in what views.

The order is a function of (seed, epoch, round) alone, and every random number
of a view of (seed, epoch, round, step). A position therefore says all there is
to know about a data pipeline, and resuming one costs nothing.

All shapes are static, and every tensor of a batch leads with the batch axis,
so that a `tf.distribute` strategy can split it.
"""

import dataclasses
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_PARALLEL_CALLS = max(2, os.cpu_count() or 1)

# Uses of a random stream; distinct, so that order and views are independent.
_ORDER, _SEED, _MIX = range(3)


@dataclasses.dataclass(frozen=True)
class Round:
    """One finite pass of training steps, which can start at any step.

    Attributes:
        phase: the model's name for these steps.
        samples: dict of int arrays `[steps, B]`: which samples a step sees.
        settings: dict of arrays `[steps, ...]`: one value per step; `seed`,
            int32 `[steps, 2]`, is among them.
        make_batch: from one step's samples and settings, in one dict, to the
            fields of a batch. The batch size is that of the samples.
    """

    phase: str
    samples: dict
    settings: dict
    make_batch: Callable

    @property
    def steps(self):
        return len(self.settings["seed"])

    @property
    def num_samples(self):
        """Images in all steps, as often as they are shown."""
        return sum(index.size for index in self.samples.values())

    @property
    def batch_size(self):
        return next(iter(self.samples.values())).shape[1]

    def dataset(self, first_step=0, replicas=1, local=(0,)):
        """The steps from `first_step` on.

        Args:
            first_step: steps to leave out, at no cost.
            replicas: that share each step's samples; divides B.
            local: numbers of the replicas that this pipeline serves.

        Returns:
            A `tf.data.Dataset` of `{phase: fields}`: for each step one batch
            of `B / replicas` samples per local replica, in order.
        """
        rows = {}
        for name, index in self.samples.items():
            shares = np.split(index[first_step:], replicas, axis=1)
            rows[name] = np.stack([shares[i] for i in local], axis=1)
        for name, value in self.settings.items():
            rows[name] = np.stack([value[first_step:]] * len(local), axis=1)
        # What is random differs between replicas.
        rows["seed"][..., 1] += np.array(local, np.int32)
        rows = {k: v.reshape(-1, *v.shape[2:]) for k, v in rows.items()}
        with tf.device("CPU"):
            dataset = tf.data.Dataset.from_tensor_slices(rows)
        return mapped(dataset, lambda row: {self.phase: self.make_batch(row)})

    def distributed(self, strategy, first_step=0):
        """As `dataset`, for the replicas of a strategy.

        Each worker reads its own share alone, in batches of static shape.

        Args:
            strategy: a `tf.distribute.Strategy`.
            first_step: steps to leave out.

        Returns:
            A dataset that Keras' `fit` takes.
        """
        replicas = strategy.num_replicas_in_sync
        if replicas == 1:
            return self.dataset(first_step)

        def share(context):
            count = replicas // context.num_input_pipelines
            first = context.input_pipeline_id * count
            return self.dataset(
                first_step, replicas, range(first, first + count)
            )

        return strategy.distribute_datasets_from_function(share)


def mapped(dataset, function):
    """Maps in parallel, in order, and reads two batches ahead.

    Parallelism is fixed. With autotuning, the end of every iteration waits
    for TensorFlow's tuning thread, which sleeps for periods that double from
    10 ms on: an epoch of 6 s took 10.2 s, one of 11 s 20.5 s (TensorFlow 2.21).

    Args:
        dataset: of plans.
        function: from an element to a batch.

    Returns:
        A `tf.data.Dataset`.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.map(function, num_parallel_calls=_PARALLEL_CALLS)
    return dataset.prefetch(2).with_options(options)


def random_state(seed, epoch, round_number, use):
    """NumPy's frozen generator, for one use at one place of training."""
    return np.random.RandomState([seed, epoch, round_number, use])


def shuffled(indices, steps, batch_size, random):
    """Random batches of indices, each index as often as any other can be.

    Whole permutations follow each other; the last is cut where steps end.

    Args:
        indices: int `[n]`, n >= 1.
        steps: rows.
        batch_size: columns.
        random: `np.random.RandomState`.

    Returns:
        int32 `[steps, batch_size]`.
    """
    need = steps * batch_size
    passes = [
        random.permutation(indices) for _ in range(-(-need // len(indices)))
    ]
    order = np.concatenate(passes) if passes else np.zeros(0, np.int32)
    return order[:need].reshape(steps, batch_size).astype(np.int32)


def step_seeds(steps, seed, epoch, round_number):
    """One seed per step: int32 `[steps, 2]`."""
    random = random_state(seed, epoch, round_number, _SEED)
    return random.randint(0, 2**31 - 1, (steps, 2), dtype=np.int32)


def order_random(seed, epoch, round_number=0):
    """The generator that orders samples in a round."""
    return random_state(seed, epoch, round_number, _ORDER)


def mix_ratios(steps, alpha, seed, epoch, round_number, folded=True):
    """Mixup ratios `l ~ Beta(alpha, alpha)`, one a step.

    Drawn here because Beta samplers have no XLA kernel.

    Args:
        steps: of the round.
        alpha: of the Beta distribution, above 0.
        seed: of the run.
        epoch: of the round.
        round_number: of the round in its epoch.
        folded: whether to take `max(l, 1 - l)`, as MixMatch does.

    Returns:
        float32 `[steps]` in `[0, 1]`; folded, in `[0.5, 1]`.
    """
    random = random_state(seed, epoch, round_number, _MIX)
    ratio = random.beta(alpha, alpha, steps)
    if folded:
        ratio = np.maximum(ratio, 1.0 - ratio)
    return ratio.astype(np.float32)


def per_sample(value, index):
    """Repeats a step's value for every sample, so that it can be split.

    Args:
        value: tensor of any shape.
        index: the samples, `[B]`.

    Returns:
        `[B, ...]`.
    """
    return tf.repeat(value[None], index.shape[0], axis=0)


def steps_for(count, batch_size):
    """Steps that show `count` samples at least once."""
    return -(-count // batch_size)


def ordered(source, batch_size):
    """All samples once in index order, the last batch padded by repeats.

    Args:
        source: a `Source`.
        batch_size: B.

    Returns:
        A `tf.data.Dataset` of dicts `index` int32 `[B]`, `image` and `label`
        int32 `[B]`, all of static shape.
    """
    steps = steps_for(source.num_samples, batch_size)
    index = np.arange(steps * batch_size) % source.num_samples
    index = index.reshape(steps, batch_size).astype(np.int32)
    labels = source.labels[index]

    def fetch(index, label):
        return {"index": index, "image": source.fetch(index), "label": label}

    with tf.device("CPU"):
        dataset = tf.data.Dataset.from_tensor_slices((index, labels))
    return mapped(dataset, fetch)


def for_evaluation(source, batch_size):
    """Images and given labels in index order, each exactly once.

    Args:
        source: a `Source`.
        batch_size: B; the last batch may be smaller.

    Returns:
        A `tf.data.Dataset` of `(image, label)` batches.
    """
    with tf.device("CPU"):
        dataset = tf.data.Dataset.from_tensor_slices(
            (np.arange(source.num_samples, dtype=np.int32), source.labels)
        )
    return mapped(
        dataset.batch(batch_size),
        lambda index, label: (source.fetch(index), label),
    )
