"""Converts the data that `fit`, `evaluate` and `predict` accept."""

import weakref
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.data.sources.array_source import from_dataset
from noisy_keras.data.sources.source import Source
from noisy_keras.networks import head
from noisy_keras.utils import deprecation
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

EVALUATION_BATCH_SIZE = 500

# Sources that were read from datasets, for as long as the datasets live.
_SOURCES = weakref.WeakKeyDictionary()


class Pictures(NamedTuple):
    """The properties of a source that a trained model needs to be served.

    Attributes:
        class_names: K strings.
        margin: int, number of pixels on each side that `fetch` cuts off.
        pixel_scale: float, value of a white pixel.
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
        model: `NoisyLabelModel`.
        source: `Source`.
        training: bool, whether the model's tables must have a row for each
            sample.

    Raises:
        ConfigurationError: other classes, images, or numbers of samples.
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
    for what, expected, received in compared:
        if expected != received:
            raise ConfigurationError(
                f"Expected {what} as the model was built for: {expected}. "
                f"Received: {received}, from {source!r}"
            )


def check_trusted(trusted, source):
    """Raises unless a trusted set suits a source; needs no model.

    Args:
        trusted: `Source` of trusted samples.
        source: `Source` to train on.

    Raises:
        ConfigurationError: no source, other classes or images, or a class
            without samples.
    """
    if not is_source(trusted):
        raise ConfigurationError(
            "Expected `trusted` to be a `Source`; `train, trusted = "
            "source.split(trusted=10)` takes one out of a source. Received: "
            f"{type(trusted).__name__}"
        )
    for what in ("class_names", "image_shape"):
        expected, received = getattr(source, what), getattr(trusted, what)
        if expected != received:
            raise ConfigurationError(
                f"Expected `trusted` with the {what} of the source, "
                f"{abbreviated(list(expected))}. "
                f"Received: {abbreviated(list(received))}"
            )
    counts = np.bincount(trusted.labels, minlength=source.num_classes)
    missing = [source.class_names[c] for c in np.flatnonzero(counts == 0)]
    if missing:
        raise ConfigurationError(
            "Expected trusted samples of every class. Received: none of "
            f"{abbreviated(missing)}"
        )


def evaluation_batches(model, source, batch_size=None):
    """A source as the dataset of `(image, label)` that Keras evaluates.

    Args:
        model: `NoisyLabelModel`.
        source: `Source`.
        batch_size: int, number of samples in a batch; default: 500.

    Raises:
        ConfigurationError: a source that does not fit the model.
    """
    check_source(model, source)
    return batches.for_evaluation(source, batch_size or EVALUATION_BATCH_SIZE)


def yields_batches(model, x):
    """Whether `x` yields batches of the model's phases itself.

    Args:
        model: `NoisyLabelModel`.
        x: training data, in any form that `fit` accepts.

    Returns:
        bool, True for an epoch plan and for a dataset of `{phase: fields}`.
    """
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return isinstance(spec, dict) and any(
            list(spec) == [phase] for phase in model.steps()
        )
    return callable(x) and not is_source(x)


def as_plan(model, x, y, batch_size, seed, steps_per_epoch):
    """Makes the epoch plan of training data.

    Args:
        model: `NoisyLabelModel`.
        x: training data, in any form that `fit` accepts.
        y: int `[N]`, the given labels where `x` is an array, else None.
        batch_size: int, number of samples in a step over all replicas, B;
            default: the model's.
        seed: int, seed of everything random.
        steps_per_epoch: int, upper bound on the steps of a round, or None.

    Returns:
        An `EpochPlan`, or a function of the epoch to a list of rounds.

    Raises:
        ConfigurationError: data that do not fit the model, or no data.
    """
    if yields_batches(model, x):
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
                "Expected a source, a dataset, an epoch plan, or images with "
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
    make = model.make_plan
    if deprecation.overrides(model, "make_schedule", "make_plan"):
        deprecation.warn("make_schedule", "make_plan")
        make = model.make_schedule
    return make(x, batch_size, seed, steps_per_epoch)


def _read_once(dataset, num_classes):
    """The source of a dataset; the same one whenever it is passed again.

    A dataset that shuffles yields another order each time. Read again, the
    rows of a model's tables would be those of other samples.
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
        model: `NoisyLabelModel`.
        data: `Source`, dataset, tuple of arrays, or None.
        batch_size: int, number of samples in a batch; default: 500.

    Raises:
        ConfigurationError: data of another kind, or that do not fit the model.
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
    """Converts arrays to a source that fits a model.

    Args:
        model: `NoisyLabelModel`.
        images: array `[N, H, W, C]`, see `from_arrays`.
        labels: int `[N]` or `[N, 1]`.

    Returns:
        A `Source`.

    Raises:
        ConfigurationError: see `from_arrays`.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    names = [str(c) for c in range(model.num_classes)]
    return from_arrays(images, labels, class_names=names)
