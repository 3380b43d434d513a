"""What `fit`, `evaluate` and `predict` accept, brought to one form."""

import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.data.array_source import from_arrays
from noisy_keras.data.array_source import from_dataset
from noisy_keras.data.source import Source
from noisy_keras.networks import head

EVALUATION_BATCH_SIZE = 500


def is_source(x):
    """Whether `x` is a `Source`."""
    return isinstance(x, Source)


def check_source(model, source, training=False):
    """Raises unless a source fits a model.

    Args:
        model: a `NoisyLabelModel`.
        source: a `Source`.
        training: whether the model's tables must have its rows.

    Raises:
        ValueError: with what differs.
    """
    compared = [
        ("images", model.image_shape, source.image_shape),
        ("classes", model.num_classes, source.num_classes),
    ]
    if training:
        compared.append(("samples", model.num_samples, source.num_samples))
    scale = head.pixel_normalization(model.networks[0])
    if scale is not None:
        compared.append(("white pixels", scale.pixel_scale, source.pixel_scale))
    for what, mine, other in compared:
        if mine != other:
            raise ValueError(
                f"Expected {what} as the model was built for: {mine}. "
                f"Received: {other}, from {source!r}"
            )


def evaluation_batches(model, source, batch_size=None):
    """A source as the dataset of `(image, label)` that Keras evaluates."""
    check_source(model, source)
    return batches.for_evaluation(source, batch_size or EVALUATION_BATCH_SIZE)


def as_schedule(model, x, y, batch_size, seed, steps_per_epoch):
    """The schedule of whatever `fit` was given.

    Args:
        model: a `NoisyLabelModel`.
        x: as of `fit`.
        y: as of `fit`.
        batch_size: as of `fit`; default: the model's.
        seed: as of `fit`.
        steps_per_epoch: as of `fit`.

    Returns:
        A function of the epoch to a list of rounds.

    Raises:
        ValueError: data that does not fit the model, or no data.
    """
    if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict):
        return lambda epoch: [x]
    if callable(x) and not is_source(x):
        return x
    if isinstance(x, tf.data.Dataset):
        x = from_dataset(x, model.num_classes)
    elif not is_source(x):
        if x is None or y is None:
            raise ValueError(
                "Expected a source, a dataset, a schedule, or images with "
                f"labels. Received: x of type {type(x).__name__}, y of type "
                f"{type(y).__name__}"
            )
        names = [str(c) for c in range(model.num_classes)]
        x = from_arrays(x, np.asarray(y).reshape(-1), class_names=names)
    check_source(model, x, training=True)
    batch_size = batch_size or model.default_batch_size
    if not 1 <= batch_size <= x.num_samples:
        raise ValueError(
            "Expected a batch size of at least 1 and at most the number of "
            f"samples, {x.num_samples}. Received: batch_size={batch_size}"
        )
    replicas = model.distribute_strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"Expected a batch size that {replicas} replicas can share. "
            f"Received: batch_size={batch_size}"
        )
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ValueError(
            "Expected at least one step per epoch. "
            f"Received: steps_per_epoch={steps_per_epoch}"
        )
    return model.make_schedule(x, batch_size, seed, steps_per_epoch)


def as_validation(model, data, batch_size):
    """Validation data as a dataset of `(image, label)`, or None.

    Args:
        model: a `NoisyLabelModel`.
        data: a `Source`, a dataset, a tuple of arrays, or None.
        batch_size: default 500.
    """
    if data is None or (
        isinstance(data, tf.data.Dataset) and not is_source(data)
    ):
        return data
    batch_size = batch_size or EVALUATION_BATCH_SIZE
    if is_source(data):
        return evaluation_batches(model, data, batch_size)
    return tf.data.Dataset.from_tensor_slices(tuple(data)).batch(batch_size)
