"""What `fit`, `evaluate` and `predict` accept, brought to one form."""

import weakref
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.data.sources.array_source import from_dataset
from noisy_keras.data.sources.source import Source
from noisy_keras.networks import head
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

EVALUATION_BATCH_SIZE = 500

# Sources read from datasets, as long as those live.
_SOURCES = weakref.WeakKeyDictionary()


class Pictures(NamedTuple):
    """What a model that has seen a source keeps of it, to be served.

    Attributes:
        class_names: K strings.
        margin: pixels around the middle that `fetch` cuts off.
        pixel_scale: value of a white pixel.
    """

    class_names: tuple
    margin: int
    pixel_scale: float


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
    elif model.plugins and source.pixel_scale != 255.0:
        raise ConfigurationError(
            "Expected a network that knows the value of a white pixel, for "
            f"images in [0, {source.pixel_scale:g}]: pass `preprocessing="
            "nk.networks.PixelNormalization(mean, std, pixel_scale="
            f"{source.pixel_scale:g})` to `from_backbone`, or images in "
            "[0, 255]."
        )
    for what, mine, other in compared:
        if mine != other:
            raise ConfigurationError(
                f"Expected {what} as the model was built for: {mine}. "
                f"Received: {other}, from {source!r}"
            )


def check_trusted(trusted, source):
    """Raises unless a trusted set suits a source, before there is a model.

    Args:
        trusted: `Source` of samples with right labels.
        source: `Source` to be trained on.

    Raises:
        ValueError: no source, other classes or images, or a class without
            samples.
    """
    if not is_source(trusted):
        raise ConfigurationError(
            "Expected `trusted` to be a `Source`; `train, trusted = "
            "source.split(trusted=10)` takes one out of a source. Received: "
            f"{type(trusted).__name__}"
        )
    for what in ("class_names", "image_shape"):
        mine, other = getattr(source, what), getattr(trusted, what)
        if mine != other:
            raise ConfigurationError(
                f"Expected `trusted` with the {what} of the source, "
                f"{abbreviated(list(mine))}. "
                f"Received: {abbreviated(list(other))}"
            )
    counts = np.bincount(trusted.labels, minlength=source.num_classes)
    missing = [source.class_names[c] for c in np.flatnonzero(counts == 0)]
    if missing:
        raise ConfigurationError(
            "Expected trusted samples of every class. Received: none of "
            f"{abbreviated(missing)}"
        )


def evaluation_batches(model, source, batch_size=None):
    """A source as the dataset of `(image, label)` that Keras evaluates."""
    check_source(model, source)
    return batches.for_evaluation(source, batch_size or EVALUATION_BATCH_SIZE)


def deals_batches(model, x):
    """Whether `x` is a schedule, or a dataset of a phase's batches.

    Args:
        model: a `NoisyLabelModel`.
        x: as of `fit`.
    """
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return isinstance(spec, dict) and any(
            list(spec) == [phase] for phase in model.steps()
        )
    return callable(x) and not is_source(x)


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
    if deals_batches(model, x):
        if not isinstance(x, tf.data.Dataset):
            return x
        if any(
            spec.shape.rank and spec.shape[0] is None
            for spec in tf.nest.flatten(x.element_spec)
        ):
            raise ConfigurationError(
                "Expected a dataset whose batches are all of one size, such as "
                "`.batch(64, drop_remainder=True)` makes. Received: "
                f"{x.element_spec}"
            )
        return lambda epoch: [x]
    if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict):
        found, phases = sorted(x.element_spec), sorted(model.steps())
        if not set(found) >= {"image", "label"}:
            raise ConfigurationError(
                "Expected a dataset of (image, label), of dicts with `image` "
                f"and `label`, or of one of the phases {phases}. "
                f"Received: dicts of {found}"
            )
    if isinstance(x, tf.data.Dataset):
        x = _read_once(x, model.num_classes)
    elif not is_source(x):
        if x is None or y is None:
            raise ConfigurationError(
                "Expected a source, a dataset, a schedule, or images with "
                f"labels. Received: x of type {type(x).__name__}, y of type "
                f"{type(y).__name__}"
            )
        x = as_source(model, x, y)
    check_source(model, x, training=True)
    batch_size = batch_size or min(model.default_batch_size, x.num_samples)
    if not 1 <= batch_size <= x.num_samples:
        raise ConfigurationError(
            "Expected a batch size of at least 1 and at most the number of "
            f"samples, {x.num_samples}. Received: batch_size={batch_size}"
        )
    replicas = model.distribute_strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigurationError(
            f"Expected a batch size that {replicas} replicas can share. "
            f"Received: batch_size={batch_size}"
        )
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ConfigurationError(
            "Expected at least one step per epoch. "
            f"Received: steps_per_epoch={steps_per_epoch}"
        )
    model.pictures = Pictures(
        tuple(x.class_names), int(getattr(x, "margin", 0)), x.pixel_scale
    )
    return model.make_schedule(x, batch_size, seed, steps_per_epoch)


def _read_once(dataset, num_classes):
    """The source of a dataset; the same one whenever it is passed again.

    A dataset that shuffles comes in another order each time, in which a
    model's tables would take one sample for another.
    """
    if dataset not in _SOURCES:
        pairs = dataset
        if isinstance(dataset.element_spec, dict):  # As TFDS has them.
            pairs = dataset.map(lambda row: (row["image"], row["label"]))
        _SOURCES[dataset] = from_dataset(pairs, num_classes)
    return _SOURCES[dataset]


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
    if not isinstance(data, (list, tuple)) or len(data) != 2:
        raise ConfigurationError(
            "Expected `validation_data` to be a source, a tf.data dataset or "
            f"(images, labels). Received: {type(data).__name__}"
        )
    return evaluation_batches(model, as_source(model, *data), batch_size)


def as_source(model, images, labels):
    """Arrays as a source that fits a model.

    Args:
        model: a `NoisyLabelModel`.
        images: as of `from_arrays`.
        labels: int `[N]` or `[N, 1]`.

    Returns:
        A `Source`.

    Raises:
        ValueError: see `from_arrays`.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    names = [str(c) for c in range(model.num_classes)]
    return from_arrays(images, labels, class_names=names)
