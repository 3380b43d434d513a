"""Thumbnails that are embedded in the page."""

import base64
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

# Images up to this size in pixels are stored without loss.
_SMALL = 48
_QUALITY = 80


def of_pictures(images, side):
    """Encodes images as data URIs.

    Args:
        images: array `[n, H, W, 1 or 3]`, uint8 or float in `[0, 1]`.
        side: int, longest side in pixels; smaller images are not enlarged.

    Returns:
        List of n str: PNG for images of up to 48 pixels, else JPEG.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        images = tf.image.convert_image_dtype(
            tf.clip_by_value(tf.cast(images, tf.float32), 0.0, 1.0), tf.uint8
        )
    height, width = images.shape[1:3]
    scale = side / max(height, width)
    if scale < 1.0:
        size = [max(1, round(v * scale)) for v in (height, width)]
        resized = tf.image.resize(images, size, antialias=True)
        images = tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)
    return [_encoded(image) for image in images]


def of_samples(sources, suspects, side):
    """Encodes the images of suspects as data URIs.

    Args:
        sources: as of `images_of`.
        suspects: list of `Suspect`.
        side: int, longest side in pixels: see `of_pictures`.

    Returns:
        List of str, "" for samples that are not in the sources.
    """
    images = images_of(sources, suspects)
    found = [image for image in images if image is not None]
    if not found:
        return [""] * len(images)
    made = iter(of_pictures(np.stack(found), side))
    return ["" if image is None else next(made) for image in images]


def images_of(sources, suspects):
    """Reads the images of suspects.

    Args:
        sources: dict from a split to the `Source` that was audited, or None; or
            the training `Source` alone.
        suspects: list of `Suspect`.

    Returns:
        List of float arrays `[H, W, C]` in `[0, 1]`, None for samples that are
        not in the sources.
    """
    if not isinstance(sources, Mapping):
        sources = {"train": sources}
    images = [None] * len(suspects)
    for split, source in sources.items():
        if source is None or len(source.image_shape) != 3:
            continue  # Features show nothing.
        places = [
            (number, index)
            for number, suspect in enumerate(suspects)
            if suspect.split == split
            and (index := _index_of(source, suspect)) is not None
        ]
        if not places:
            continue
        numbers, index = zip(*places, strict=True)
        read = source.fetch(np.asarray(index)).numpy() / source.pixel_scale
        for number, image in zip(numbers, read, strict=True):
            images[number] = image
    return images


def _index_of(source, suspect):
    if (
        suspect.row < source.num_samples
        and source.ids[suspect.row] == suspect.id
    ):
        return suspect.row
    # The audit has been sorted or shortened.
    [found] = np.nonzero(source.ids == suspect.id)
    return int(found[0]) if len(found) else None


def _encoded(image):
    if max(image.shape[:2]) <= _SMALL:
        kind, data = "png", tf.io.encode_png(image)
    else:
        kind, data = "jpeg", tf.io.encode_jpeg(image, quality=_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(data.numpy()).decode()}"
