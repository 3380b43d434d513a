"""Batches in index space: which samples, in which order, in which views.

The order is a function of (seed, epoch, round) alone, and every random number
of a view is a function of (seed, epoch, round, step). A position in training
therefore determines the whole state of a data pipeline, and resuming one costs
nothing.

All shapes are static, and every tensor of a batch leads with the batch axis,
so that a `tf.distribute` strategy can split it.
"""

import dataclasses
import os
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.sources.source import Source

_PARALLEL_CALLS = max(2, os.cpu_count() or 1)

# Purposes of random streams. They differ, so that order and views are
# independent of each other.
_ORDER, _SEED, _MIX = range(3)


@dataclasses.dataclass(frozen=True)
class Round:
    """One finite pass of training steps, which can start at any step.

    An `EpochPlan` returns a list of them for every epoch. Samples are held by
    their positions, so a round of millions of steps takes little memory; images
    are read while training runs.

    Attributes:
        phase: str, the phase of all its steps: a key of the model's `steps()`.
        samples: dict of int arrays `[steps, B]`, the samples of each step.
            Under a strategy the replicas share each row evenly.
        settings: dict of arrays `[steps, ...]`, one value per step. It must
            contain `seed`, int32 `[steps, 2]`; each replica gets its own.
        make_batch: function of the samples and settings of one step, in one
            dict of tensors, to the fields of a batch: a dict, which may be
            nested, of tensors `[B, ...]`. It runs inside `tf.data`.

    Example:
        >>> source = nk.data.load("digits")
        >>> one = nk.Round(
        ...     "train",
        ...     samples={"index": np.arange(64).reshape(2, 32)},
        ...     settings={"seed": np.zeros([2, 2], np.int32)},
        ...     make_batch=lambda row: {"images": source.fetch(row["index"])},
        ... )
        >>> one.steps, one.batch_size
        (2, 32)
        >>> [batch["train"]["images"].shape for batch in one.dataset()]
        [TensorShape([32, 32, 32, 3]), TensorShape([32, 32, 32, 3])]
    """

    phase: str
    samples: dict
    settings: dict
    make_batch: Callable

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.settings["seed"])

    @property
    def num_samples(self) -> int:
        """Number of images in all steps, counted as often as they are shown."""
        return sum(index.size for index in self.samples.values())

    @property
    def batch_size(self) -> int:
        """Number of samples in a step over all replicas, B."""
        return next(iter(self.samples.values())).shape[1]

    def dataset(
        self,
        first_step: int = 0,
        replicas: int = 1,
        local: Sequence[int] = (0,),
    ) -> tf.data.Dataset:
        """The steps from `first_step` on.

        Args:
            first_step: int, number of steps to leave out, at no cost.
            replicas: int, number of replicas that share the samples of each
                step; divides B.
            local: ints, numbers of the replicas that this pipeline serves.

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
        # Random numbers differ between replicas.
        rows["seed"][..., 1] += np.array(local, np.int32)
        rows = {k: v.reshape(-1, *v.shape[2:]) for k, v in rows.items()}
        with tf.device("CPU"):
            dataset = tf.data.Dataset.from_tensor_slices(rows)
        return mapped(dataset, lambda row: {self.phase: self.make_batch(row)})

    def distributed(
        self, strategy: tf.distribute.Strategy, first_step: int = 0
    ) -> Any:
        """As `dataset`, for the replicas of a strategy.

        Each worker reads its own share alone, in batches of static shape.

        Args:
            strategy: `tf.distribute.Strategy`.
            first_step: int, number of steps to leave out.

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


def mapped(dataset: tf.data.Dataset, function: Callable) -> tf.data.Dataset:
    """Maps in parallel, keeps the order, and reads two batches ahead.

    Parallelism is fixed. With autotuning, the end of every iteration waits
    for TensorFlow's tuning thread, which sleeps for periods that double from
    10 ms on: an epoch of 6 s took 10.2 s, one of 11 s 20.5 s (TensorFlow 2.21).

    Args:
        dataset: `tf.data.Dataset` whose elements name the samples of a batch.
        function: function of an element to a batch.

    Returns:
        A `tf.data.Dataset`.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.map(function, num_parallel_calls=_PARALLEL_CALLS)
    return dataset.prefetch(2).with_options(options)


def random_state(
    seed: int, epoch: int, round_number: int, use: int
) -> np.random.RandomState:
    """NumPy's frozen generator, for one purpose at one place of training."""
    return np.random.RandomState([seed, epoch, round_number, use])


def shuffled(
    indices: np.ndarray,
    steps: int,
    batch_size: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Random batches of indices, each as often as any other, or once more.

    Whole permutations follow each other; the last is cut where steps end.

    Args:
        indices: int `[n]`, n >= 1.
        steps: int, number of rows.
        batch_size: int, number of columns.
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


def step_seeds(
    steps: int, seed: int, epoch: int, round_number: int
) -> np.ndarray:
    """One seed per step: int32 `[steps, 2]`."""
    random = random_state(seed, epoch, round_number, _SEED)
    return random.randint(0, 2**31 - 1, (steps, 2), dtype=np.int32)


def order_random(
    seed: int, epoch: int, round_number: int = 0
) -> np.random.RandomState:
    """The generator of the order of samples in a round."""
    return random_state(seed, epoch, round_number, _ORDER)


def mix_ratios(
    steps: int,
    alpha: float,
    seed: int,
    epoch: int,
    round_number: int,
    folded: bool = True,
) -> np.ndarray:
    """Mixup ratios `l ~ Beta(alpha, alpha)`, one per step.

    They are drawn on the host because Beta samplers have no XLA kernel.

    Args:
        steps: int, number of steps of the round.
        alpha: float above 0, parameter of the Beta distribution.
        seed: int, seed of the run.
        epoch: int, epoch of the round.
        round_number: int, number of the round in its epoch.
        folded: bool, whether to take `max(l, 1 - l)`, as MixMatch does.

    Returns:
        float32 `[steps]` in `[0, 1]`; in `[0.5, 1]` where folded.
    """
    random = random_state(seed, epoch, round_number, _MIX)
    ratio = random.beta(alpha, alpha, steps)
    if folded:
        ratio = np.maximum(ratio, 1.0 - ratio)
    return ratio.astype(np.float32)


def per_sample(value: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Repeats a step's value for every sample, so that replicas can split it.

    Args:
        value: tensor of any shape.
        index: int `[B]`, the samples.

    Returns:
        `[B, ...]`.
    """
    return tf.repeat(value[None], index.shape[0], axis=0)


def steps_for(count: int, batch_size: int) -> int:
    """Number of steps that show `count` samples at least once."""
    return -(-count // batch_size)


def ordered(source: Source, batch_size: int) -> tf.data.Dataset:
    """All samples in index order, the last batch padded by the first samples.

    Args:
        source: `Source`.
        batch_size: int, B.

    Returns:
        A `tf.data.Dataset` of dicts `index` int32 `[B]`, `image`
        `[B, H, W, C]` and `label` int32 `[B]`, all of static shape.
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


def for_evaluation(source: Source, batch_size: int) -> tf.data.Dataset:
    """Images and given labels in index order, each exactly once.

    Args:
        source: `Source`.
        batch_size: int, B; the last batch may be smaller.

    Returns:
        A `tf.data.Dataset` of pairs `(image, label)`, `[B, H, W, C]` and int32
        `[B]`; with float32 weights `[B]` where the source has any.
    """
    rows = [np.arange(source.num_samples, dtype=np.int32), source.labels]
    if source.sample_weights is not None:
        rows.append(source.sample_weights)
    with tf.device("CPU"):
        dataset = tf.data.Dataset.from_tensor_slices(tuple(rows))
    return mapped(
        dataset.batch(batch_size),
        lambda index, *rest: (source.fetch(index), *rest),
    )
