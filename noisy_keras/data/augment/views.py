"""Views by name, and what suits a set of pictures."""

import dataclasses

import tensorflow as tf

from noisy_keras.data.augment import operations
from noisy_keras.data.augment import policies
from noisy_keras.ops import random


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may be done to a set of pictures without changing their class.

    Attributes:
        crop_padding: pixels of black border before a random crop back to the
            size; 4 for 32-pixel images. None takes an eighth of the size.
        horizontal_flip: whether a mirrored picture is of the same class.
    """

    crop_padding: int | None = None
    horizontal_flip: bool = True


#: Names of views: `"weak"` is a shifted crop and a flip; the others add to it.
VIEWS = ("none", "weak", "autoaugment", "randaugment", "jitter")


def view(name: str, augmentation: Augmentation, pixel_scale: float):
    """A view by name.

    Args:
        name: one of `VIEWS`.
        augmentation: of the source.
        pixel_scale: of the source, 255 or 1.

    Returns:
        A function of images `[B, H, W, C]` (uint8, or float32 in
        `[0, pixel_scale]`) and a seed (int32 `[2]`) to images of that type.

    Raises:
        ValueError: an unknown name.
    """
    if name not in VIEWS:
        raise ValueError(f"Expected a view, one of {VIEWS}. Received: {name!r}")

    def weak(images, seed):
        return _weak(images, seed, augmentation)

    def on_bytes(policy, images, seed):
        """Policies work on bytes; float pictures go there and back."""
        if images.dtype == tf.uint8:
            return policy(images, seed)
        scale = 255.0 / pixel_scale
        changed = policy(operations.to_bytes(images * scale), seed)
        return tf.cast(changed, images.dtype) / scale

    def jitter(images, seed):
        images = on_bytes(
            policies.color_jitter, images, random.fold_in(seed, 2)
        )
        images = weak(images, seed)
        return on_bytes(policies.random_affine, images, random.fold_in(seed, 3))

    def after_weak(policy):
        return lambda images, seed: on_bytes(
            policy, weak(images, seed), random.fold_in(seed, 2)
        )

    return {
        "none": lambda images, seed: images,
        "weak": weak,
        "autoaugment": after_weak(policies.auto_augment),
        "randaugment": after_weak(policies.rand_augment),
        "jitter": jitter,
    }[name]


def _weak(images, seed, augmentation):
    """A random crop after padding with black, and a random flip, per image."""
    _, height, width, _ = images.shape
    padding = augmentation.crop_padding
    pad_rows = height // 8 if padding is None else padding
    pad_columns = width // 8 if padding is None else padding
    draws = random.uniform([tf.shape(images)[0], 3], seed)

    def source_positions(draw, pad, size):
        """Where each pixel of the crop comes from: `[B, size]`."""
        shift = tf.cast(tf.floor(draw * (2 * pad + 1)), tf.int32)
        return shift[:, None] + tf.range(size)[None]

    rows = source_positions(draws[:, 0], pad_rows, height)
    columns = source_positions(draws[:, 1], pad_columns, width)
    if augmentation.horizontal_flip:
        flip = draws[:, 2, None] < 0.5
        columns = tf.where(flip, columns[:, ::-1], columns)
    padded = tf.pad(
        images,
        [[0, 0], [pad_rows, pad_rows], [pad_columns, pad_columns], [0, 0]],
    )
    cropped = tf.gather(padded, rows, axis=1, batch_dims=1)
    return tf.ensure_shape(
        tf.gather(cropped, columns, axis=2, batch_dims=1),
        [images.shape[0], *images.shape[1:]],
    )
