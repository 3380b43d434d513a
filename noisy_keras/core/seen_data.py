"""What a model has seen of its data, and whether other data fit that."""

from typing import NamedTuple

import numpy as np

from noisy_keras.core import evaluation
from noisy_keras.core import fingerprints
from noisy_keras.core import sample_weights
from noisy_keras.data.sources.source import Source
from noisy_keras.networks import head
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


class Pictures(NamedTuple):
    """The properties of a source that a trained model needs to be served.

    Attributes:
        class_names: K strings.
        margin: int, number of pixels on each side that `fetch` cuts off.
        pixel_scale: float, value of a white pixel.
        samples: int, checksum of the samples; None if it is not known.
    """

    class_names: tuple
    margin: int
    pixel_scale: float
    samples: int | None = None


def pictures_of(source, fitted=True):
    """The `Pictures` of a source.

    Args:
        source: `Source`.
        fitted: bool, whether the model is fitted on it.
    """
    return Pictures(
        tuple(source.class_names),
        int(getattr(source, "margin", 0)),
        float(source.pixel_scale),
        fingerprints.fingerprint(source) if fitted else None,
    )


def white_pixel(model):
    """The value of a white pixel in a model's images.

    Args:
        model: `NoisyLabelModel`.

    Returns:
        float; None where neither the network nor `fit` has told it.
    """
    scale = head.pixel_normalization(model.networks[0])
    if scale is not None:
        return scale.pixel_scale
    return None if model.pictures is None else model.pictures.pixel_scale


def class_names(model):
    """The names of a model's classes, or None if it has seen none.

    Args:
        model: `NoisyLabelModel`.
    """
    return None if model.pictures is None else model.pictures.class_names


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
    known = head.pixel_normalization(model.networks[0]) is not None
    if not known and model.plugins and source.pixel_scale != 255.0:
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
    names = class_names(model)
    if not training and names is not None and names != source.class_names:
        # Numbers are no names: they fit any classes.
        if not _are_numbers(names) and not _are_numbers(source.class_names):
            raise ConfigurationError(
                "Expected the classes that the model was fitted on, in their "
                f"order: {abbreviated(list(names))}. Received: "
                f"{abbreviated(list(source.class_names))}, from {source!r}"
            )
    scale = white_pixel(model)
    if scale is not None and scale != source.pixel_scale:
        raise evaluation.other_scale(
            scale, source.pixel_scale, f", from {source!r}"
        )


def _are_numbers(names):
    return all(name.isdecimal() for name in names)


def check_fitted(model, source):
    """Raises unless a source has the samples that a model was fitted on.

    Its labels may be others, as those that recipes correct.

    Args:
        model: `NoisyLabelModel`.
        source: `Source`.

    Raises:
        ConfigurationError: as of `check_source`, or other samples.
    """
    check_source(model, source, training=True)
    known = None if model.pictures is None else model.pictures.samples
    if known is not None and known != fingerprints.fingerprint(source):
        raise ConfigurationError(
            "Expected the samples that the model was fitted on, in their "
            "order, because its tables have a row for each. Received: others, "
            f"from {source!r}; a dataset that shuffles must be the same object"
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
    sample_weights.check(trusted, "takes none", "`trusted`")
    if missing:
        raise ConfigurationError(
            "Expected trusted samples of every class. Received: none of "
            f"{abbreviated(missing)}"
        )
