"""The audit of a data set's labels, without a training run."""

import os
import time

import numpy as np

from noisy_keras import networks
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.features import extraction
from noisy_keras.labels import class_sizes
from noisy_keras.labels import out_of_fold
from noisy_keras.labels import planted
from noisy_keras.labels.audit import audit_of
from noisy_keras.networks import efficientnet_lite
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import warn_about_data

#: Name of the evidence in an audit.
EVIDENCE = "out_of_fold_predictions"

#: Side of the pictures that the encoder of its own choice sees, in pixels.
IMAGE_SIZE = 160
# Side of the pictures whose pixels are features.
_PIXELS = 16
_BATCH_SIZE = 64


def audit(
    source,
    encoder=None,
    *,
    plant=False,
    seed=0,
    batch_size=_BATCH_SIZE,
    cache=None,
    report=None,
):
    """Judges all labels of a data set by features, without training on it.

    Classifiers on features predict each label from those of other samples; what
    they say is compared with the given label. A thousand photographs take a
    minute or two, vectors of features some seconds. See
    `noisy_keras.labels.out_of_fold` for the method.

    Args:
        source: `Source` of N samples, images or vectors of features.
        encoder: network of the images' features, as of `nk.features.compute`,
            for images of the source's size; or a list of such. None takes
            EfficientNet-Lite0 with its weights of ImageNet, on images of 160
            pixels, if its package is installed. Pixels of a small copy of the
            images are used as well, where they predict the labels. Vectors are
            features already and take none.
        plant: bool, whether some labels are made wrong on purpose and judged,
            see `noisy_keras.labels.planted`: `report` is called with the share
            of them that is found, and nothing else of it is kept.
        seed: int, seed of the labels that are made wrong.
        batch_size: int, number of images in memory.
        cache: str or path-like, folder of a cache of features, as of
            `nk.features.compute`; or None.
        report: function of a str, called with what is done and how long it
            took; or None.

    Returns:
        A `LabelAudit` of all samples, with the evidence
        `"out_of_fold_predictions"`.

    Raises:
        ConfigurationError: fewer than four samples or two classes with labels,
            an encoder that does not fit the images, or one for vectors.

    Example:
        >>> noise = nk.data.SymmetricNoise(0.2)
        >>> source = nk.data.load("digits", noise=noise, max_samples=300)
        >>> found = nk.audit(source)
        >>> wrong = source.labels != source.true_labels
        >>> called = found.verdict != "ok"
        >>> bool(wrong[called].mean() > 0.9 and called[wrong].mean() > 0.9)
        True
    """
    report = report or (lambda text: None)
    if not out_of_fold.can_judge(source.labels):
        raise ConfigurationError(
            "Expected at least four samples, with labels of at least two "
            f"classes. Received: {len(source)} samples, "
            f"{len(np.unique(source.labels))} classes"
        )
    started = time.monotonic()
    if isinstance(source, FeatureSource):
        if encoder is not None:
            raise ConfigurationError(
                "Expected no encoder for vectors, which are features already. "
                f"Received: encoder={encoder!r}"
            )
        readers = {"the features": _reader(source)}
    else:
        readers = _of_images(source, encoder, batch_size, cache, report)
    began = time.monotonic()
    found = out_of_fold.judge(readers, source.labels, source.num_classes)
    report(
        f"judged {len(source):,} labels by {', '.join(found.evidence)}, "
        f"{_seconds(began)}"
    )
    if plant:
        report(_planted(source, readers, seed))
    clean = class_sizes.within_bounds(found.clean_probability, source.labels)
    result = audit_of(
        source,
        suggested_label=found.suggested,
        clean_probability=clean,
        confidence=found.confidence,
        evidence=EVIDENCE,
        protected=class_sizes.protected(source.labels),
    )
    called = int((result.clean_probability < 0.5).sum())
    report(
        f"{called:,} of {len(source):,} labels look wrong "
        f"({called / len(source):.1%}), {_seconds(started)} in all"
    )
    return result


def _planted(source, readers, seed):
    """What is found of labels that were made wrong on purpose, in words."""
    mistakes = planted.plant(source, seed)
    count = len(mistakes.rows)
    if not count:
        return (
            "no labels were made wrong on purpose: that takes at least 200 "
            "samples with one label each"
        )
    found = out_of_fold.judge(readers, mistakes.labels, source.num_classes)
    share = mistakes.found(found.clean_probability)
    right = mistakes.restored(found.suggested, source.labels)
    return (
        f"of {count} labels that were made wrong on purpose, {share:.0%} were "
        f"found, and for {right:.0%} the label from before was suggested; all "
        "are as they were"
    )


def _of_images(source, encoder, batch_size, cache, report):
    readers = {}
    encoders = encoder if isinstance(encoder, (list, tuple)) else [encoder]
    if encoder is None and max(source.image_shape[:2]) <= _PIXELS:
        encoders = []  # The pixels are all there is.
    for number, given in enumerate(encoders, start=1):
        shown, chosen = source, given
        if given is None:
            if not efficientnet_lite.is_installed():
                warn_about_data(
                    [
                        "the labels are judged by the pixels of small copies "
                        "of the images alone, which is seldom enough for "
                        "photographs: pip install 'noisy_keras[pretrained]', "
                        "or pass an encoder"
                    ]
                )
                continue
            shown = source.resized(IMAGE_SIZE)
            chosen = networks.build(
                "efficientnet_lite0", shown, weights="imagenet"
            )
        name = _name(chosen, number if len(encoders) > 1 else None)
        began = time.monotonic()
        features = extraction.compute(
            shown, chosen, batch_size=batch_size, cache=cache
        )
        if np.abs(features).max() < np.finfo(np.float16).max:
            features = features.astype(np.float16)
        report(f"features of {len(source):,} images, {_seconds(began)}")
        readers[f"features of {name}"] = features.__getitem__
    side = min(_PIXELS, *source.image_shape[:2])
    readers["pixels"] = _pixels(source.resized(side), batch_size)
    return readers


def _pixels(source, batch_size):
    """Reads pixels as vectors; they are kept in a byte each."""
    size = int(np.prod(source.image_shape))
    pixels = np.empty((len(source), size), np.uint8)
    scale = 255.0 / source.pixel_scale
    for first in range(0, len(source), batch_size):
        index = np.arange(first, min(first + batch_size, len(source)))
        images = np.asarray(source.fetch(index), np.float32) * scale
        pixels[index] = np.clip(images, 0.0, 255.0).reshape(len(index), size)
    return pixels.__getitem__


def _reader(source):
    return lambda index: source.fetch(index).numpy()


def _name(encoder, number):
    if extraction.is_path(encoder):
        name = os.path.basename(os.fspath(encoder).rstrip(os.sep))
    else:
        name = getattr(encoder, "name", None) or type(encoder).__name__
    return name if number is None else f"{name} ({number})"


def _seconds(began):
    return f"{time.monotonic() - began:.0f} s"
