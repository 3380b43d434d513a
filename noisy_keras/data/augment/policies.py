"""Augmentation policies: which operations are applied, and how strongly.

References:
    Cubuk et al., AutoAugment, CVPR 2019: the 25 CIFAR-10 sub-policies.
    Cubuk et al., RandAugment, 2020, and the variant of SANM's code
        (https://github.com/yuanpengtu/SANM).
    The colour and affine jitter of the warm-up in C2D's and SANM's codes
        (https://github.com/ContrastToDivide/C2D).
"""

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment import operations as op
from noisy_keras.ops import random

# Two triples (operation, probability, level) per sub-policy; levels are 0 to 9.
_CIFAR10 = (
    ((op.INVERT, 0.1, 7), (op.CONTRAST, 0.2, 6)),
    ((op.ROTATE, 0.7, 2), (op.TRANSLATE_X, 0.3, 9)),
    ((op.SHARPNESS, 0.8, 1), (op.SHARPNESS, 0.9, 3)),
    ((op.SHEAR_Y, 0.5, 8), (op.TRANSLATE_Y, 0.7, 9)),
    ((op.AUTO_CONTRAST, 0.5, 8), (op.EQUALIZE, 0.9, 2)),
    ((op.SHEAR_Y, 0.2, 7), (op.POSTERIZE, 0.3, 7)),
    ((op.COLOR, 0.4, 3), (op.BRIGHTNESS, 0.6, 7)),
    ((op.SHARPNESS, 0.3, 9), (op.BRIGHTNESS, 0.7, 9)),
    ((op.EQUALIZE, 0.6, 5), (op.EQUALIZE, 0.5, 1)),
    ((op.CONTRAST, 0.6, 7), (op.SHARPNESS, 0.6, 5)),
    ((op.COLOR, 0.7, 7), (op.TRANSLATE_X, 0.5, 8)),
    ((op.EQUALIZE, 0.3, 7), (op.AUTO_CONTRAST, 0.4, 8)),
    ((op.TRANSLATE_Y, 0.4, 3), (op.SHARPNESS, 0.2, 6)),
    ((op.BRIGHTNESS, 0.9, 6), (op.COLOR, 0.2, 8)),
    ((op.SOLARIZE, 0.5, 2), (op.INVERT, 0.0, 3)),
    ((op.EQUALIZE, 0.2, 0), (op.AUTO_CONTRAST, 0.6, 0)),
    ((op.EQUALIZE, 0.2, 8), (op.EQUALIZE, 0.6, 4)),
    ((op.COLOR, 0.9, 9), (op.EQUALIZE, 0.6, 6)),
    ((op.AUTO_CONTRAST, 0.8, 4), (op.SOLARIZE, 0.2, 8)),
    ((op.BRIGHTNESS, 0.1, 3), (op.COLOR, 0.7, 0)),
    ((op.SOLARIZE, 0.4, 5), (op.AUTO_CONTRAST, 0.9, 3)),
    ((op.TRANSLATE_Y, 0.9, 9), (op.TRANSLATE_Y, 0.7, 9)),
    ((op.AUTO_CONTRAST, 0.9, 2), (op.SOLARIZE, 0.8, 3)),
    ((op.EQUALIZE, 0.8, 8), (op.INVERT, 0.1, 3)),
    ((op.TRANSLATE_Y, 0.7, 9), (op.AUTO_CONTRAST, 0.9, 1)),
)

# The operations of RandAugment.
_RANDOM_KINDS = (
    op.IDENTITY,
    op.AUTO_CONTRAST,
    op.EQUALIZE,
    op.BRIGHTNESS,
    op.COLOR,
    op.CONTRAST,
    op.SHARPNESS,
    op.POSTERIZE,
    op.ROTATE,
    op.SHEAR_X,
    op.SHEAR_Y,
    op.SOLARIZE,
    op.TRANSLATE_X,
    op.TRANSLATE_Y,
)
# The operations whose magnitude gets a random sign. Rotation has none, as in
# SANM's code; AutoAugment's own code gives it one.
_SIGNED = (
    op.SHEAR_X,
    op.SHEAR_Y,
    op.TRANSLATE_X,
    op.TRANSLATE_Y,
    op.BRIGHTNESS,
    op.COLOR,
    op.CONTRAST,
    op.SHARPNESS,
)


def auto_augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies one random CIFAR-10 sub-policy of AutoAugment to each image.

    Each of its two operations is applied with its own probability.

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    batch = tf.shape(images)[0]
    draws = random.uniform([batch, 5], seed)
    choice = tf.cast(draws[:, 0] * len(_CIFAR10), tf.int32)
    table = _auto_augment_table(images.shape[2])  # [25, 2, 4]
    for slot in range(2):
        kind, probability, base, swing = tf.unstack(
            tf.gather(table[:, slot], choice), axis=1
        )
        sign = tf.where(draws[:, 3 + slot] < 0.5, -1.0, 1.0)
        images = op.apply(
            images,
            _applied_kind(kind, draws[:, 1 + slot] < probability),
            base + sign * swing,
        )
    return images


def rand_augment(
    images: tf.Tensor, seed: tf.Tensor, count: int = 2, strength: int = 10
) -> tf.Tensor:
    """Applies random operations at random levels, then `cutout`.

    This is the variant of SANM's code: the level is drawn per operation, each
    operation is applied with probability 0.5, and a grey square follows. The
    published RandAugment has one fixed level and neither of the other two.

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.
        count: int, number of operations per image, drawn with replacement.
        strength: int in `[2, 10]`; levels are drawn uniformly from 1 to
            `strength - 1`.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    batch = tf.shape(images)[0]
    table = _rand_augment_table(images.shape[2])  # [14, 10, 3]
    draws = random.uniform([batch, count, 4], seed)
    for slot in range(count):
        which, level, fire, sign = tf.unstack(draws[:, slot], axis=1)
        which = tf.cast(which * table.shape[0], tf.int32)
        level = 1 + tf.cast(level * (strength - 1), tf.int32)
        kind, base, swing = tf.unstack(
            tf.gather_nd(table, tf.stack([which, level], axis=1)), axis=1
        )
        images = op.apply(
            images,
            _applied_kind(kind, fire < 0.5),
            base + tf.where(sign < 0.5, -swing, swing),
        )
    return cutout(images, random.fold_in(seed, 1))


def rand_augment_fixed(
    images: tf.Tensor, seed: tf.Tensor, count: int = 2, level: float = 9 / 30
) -> tf.Tensor:
    """Applies random operations at one fixed level: RandAugment.

    Every operation is applied, with a random sign where it has one, and nothing
    follows. The level is a share of the greatest magnitudes of AutoAugment; 9
    of 30 is torchvision's default. (The paper's 9 is of 10, which is three
    times as strong.)

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.
        count: int, number of operations per image, drawn with replacement.
        level: float in `[0, 1]`, the level.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    batch = tf.shape(images)[0]
    table = _fixed_table(level, images.shape[2])  # [14, 3]
    draws = random.uniform([batch, count, 2], seed)
    for slot in range(count):
        which, sign = tf.unstack(draws[:, slot], axis=1)
        which = tf.cast(which * table.shape[0], tf.int32)
        kind, base, swing = tf.unstack(tf.gather(table, which), axis=1)
        images = op.apply(
            images,
            tf.cast(kind, tf.int32),
            base + tf.where(sign < 0.5, -swing, swing),
        )
    return images


def cutout(images: tf.Tensor, seed: tf.Tensor, fill: int = 127) -> tf.Tensor:
    """Covers a square of half the image's side with grey.

    As in SANM's code, the upper left corner is uniform over the image, then
    moved up and left by half the square's side and clipped. Both edges of the
    square are filled, as Pillow draws rectangles: 17 pixels of 32.

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.
        fill: int in `[0, 255]`, grey value of the square.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    batch, height, width, _ = images.shape
    batch = tf.shape(images)[0] if batch is None else batch
    draws = random.uniform([batch, 2], seed)

    def inside(draw, size):
        start = tf.maximum(tf.round(draw * size) - size // 4, 0.0)[:, None]
        place = tf.range(size, dtype=tf.float32)[None]
        return (place >= start) & (place <= start + size // 2)

    rows, columns = inside(draws[:, 0], height), inside(draws[:, 1], width)
    covered = rows[:, :, None, None] & columns[:, None, :, None]
    return tf.where(covered, tf.constant(fill, images.dtype), images)


def color_jitter(
    images: tf.Tensor,
    seed: tf.Tensor,
    amount: float = 0.4,
    hue: float = 0.4,
) -> tf.Tensor:
    """Changes brightness, contrast, saturation and hue at random.

    The order is fixed. (torchvision's `ColorJitter`, which the codes of C2D
    and SANM use, draws the order anew for each image.)

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.
        amount: float in `[0, 1]`; the factors of brightness, contrast and
            saturation are drawn from `U(1 - amount, 1 + amount)`.
        hue: float in `[0, 0.5]`; the hue is shifted by up to this share of
            the colour circle in either direction. 0 keeps it.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    draws = 2.0 * random.uniform([tf.shape(images)[0], 4], seed) - 1.0
    x = tf.cast(images, tf.float32)
    x = op.blend(tf.zeros_like(x), x, 1.0 + amount * draws[:, 0])
    x = tf.clip_by_value(x, 0.0, 255.0)
    mean = tf.reduce_mean(op.luminance(x), axis=(1, 2, 3), keepdims=True)
    x = op.blend(mean, x, 1.0 + amount * draws[:, 1])
    x = tf.clip_by_value(x, 0.0, 255.0)
    x = op.blend(op.luminance(x), x, 1.0 + amount * draws[:, 2])
    x = tf.clip_by_value(x, 0.0, 255.0)
    if images.shape[-1] == 3 and hue:
        angle, saturation, value = tf.unstack(
            tf.image.rgb_to_hsv(x / 255.0), axis=-1
        )
        angle = tf.math.floormod(angle + hue * draws[:, 3, None, None], 1.0)
        hsv = tf.stack([angle, saturation, value], axis=-1)
        x = 255.0 * tf.image.hsv_to_rgb(hsv)
    return op.to_bytes(x)


def random_affine(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Rotates, translates and scales images at random.

    Rotation is within 15 degrees, translation within a tenth of the size,
    scale between 2/3 and 3/2. Differs from the codes of C2D and SANM: they
    also shear by a tenth of a degree, which moves no pixel of a 32-pixel
    image by more than 0.06 pixels.

    Args:
        images: uint8 tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`, the seed of all random draws.

    Returns:
        uint8 tensor `[B, H, W, C]`, black beyond the border.
    """
    _, height, width, _ = images.shape
    draws = random.uniform([tf.shape(images)[0], 4], seed)
    spread = 2.0 * draws - 1.0
    scale = 2 / 3 + draws[:, 1] * (3 / 2 - 2 / 3)
    rotated = op.rotation(15.0 * spread[:, 0], height, width)
    a, b, c, d, e, f = tf.unstack(rotated, axis=1)
    # Shrink the step between sampled pixels about the centre, then shift.
    x, y = (width - 1) / 2.0, (height - 1) / 2.0
    matrices = tf.stack(
        [
            a / scale,
            b / scale,
            x + (c - x) / scale + 0.1 * width * spread[:, 2],
            d / scale,
            e / scale,
            y + (f - y) / scale + 0.1 * height * spread[:, 3],
        ],
        axis=1,
    )
    return op.to_bytes(op.affine(images, matrices, fill=0))


def _applied_kind(kind, is_applied):
    """Returns the operation where it is applied, else the identity."""
    return tf.where(is_applied, tf.cast(kind, tf.int32), op.IDENTITY)


def _auto_augment_table(width):
    """Tabulates operation, probability, base and swing per sub-policy and slot.

    The magnitude is `base + sign * swing`, so that factors (1 +- x) and shifts
    (0 +- x) follow one formula; operations without a sign have a swing of 0.
    """
    table = np.zeros((len(_CIFAR10), 2, 4), np.float32)
    for i, policy in enumerate(_CIFAR10):
        for slot, (kind, probability, level) in enumerate(policy):
            base, swing = _magnitude(kind, level / 9.0, width)
            table[i, slot] = kind, probability, base, swing
    return tf.constant(table)


def _magnitude(kind, level, width):
    """Computes base and swing of an operation at `level` in `[0, 1]`."""
    strength = {
        op.SHEAR_X: 0.3,
        op.SHEAR_Y: 0.3,
        op.TRANSLATE_X: 150 / 331 * width,
        op.TRANSLATE_Y: 150 / 331 * width,
        op.ROTATE: 30.0,
        op.SOLARIZE: -256.0,
        op.POSTERIZE: -4.0,
    }.get(kind, 0.9)
    start = {op.SOLARIZE: 256.0, op.POSTERIZE: 8.0}.get(kind, 0.0)
    if kind in (op.BRIGHTNESS, op.COLOR, op.CONTRAST, op.SHARPNESS):
        start = 1.0
    if kind in _SIGNED:
        return start, strength * level
    value = start + strength * level
    return (round(value) if kind == op.POSTERIZE else value), 0.0


def _fixed_table(level, width):
    """Tabulates operation, base and swing of RandAugment at one level."""
    rows = []
    for kind in _RANDOM_KINDS:
        base, swing = _magnitude(kind, level, width)
        if kind == op.ROTATE:  # To either side, unlike AutoAugment's.
            base, swing = 0.0, base
        rows.append((kind, base, swing))
    return tf.constant(rows, tf.float32)


def _rand_augment_table(width):
    """Tabulates operation, base and swing per operation and level 0 to 9."""
    level = np.arange(10, dtype=np.float32)
    zero, factor = np.zeros(10), 0.05 + 0.09 * level
    shift = 0.03 * level
    rows = [
        (op.IDENTITY, zero, zero),
        (op.AUTO_CONTRAST, zero, zero),
        (op.EQUALIZE, zero, zero),
        (op.BRIGHTNESS, factor, zero),
        (op.COLOR, factor, zero),
        (op.CONTRAST, factor, zero),
        (op.SHARPNESS, factor, zero),
        (op.POSTERIZE, 4.0 + np.floor(0.4 * level), zero),
        (op.ROTATE, zero, 3.0 * level),
        (op.SHEAR_X, zero, shift),
        (op.SHEAR_Y, zero, shift),
        (op.SOLARIZE, 256.0 - 25.6 * level, zero),
        (op.TRANSLATE_X, zero, shift * width),
        (op.TRANSLATE_Y, zero, shift * width),
    ]
    table = [
        np.stack([np.full(10, kind), base, swing], axis=1)
        for kind, base, swing in rows
    ]
    return tf.constant(np.stack(table), tf.float32)
