"""The view of contrastive learning.

Reference: Chen et al., SimCLR, ICML 2020, appendix A, without its blur, as the
authors' code has it for CIFAR-10.
"""

import tensorflow as tf

from noisy_keras.data.augment import operations as op
from noisy_keras.data.augment import policies
from noisy_keras.ops import random


def simclr(images, seed, smallest_crop, horizontal_flip, size=None):
    """SimCLR's view: crop of any size, flip, colours, sometimes grey.

    Args:
        images: uint8 `[B, H, W, C]`.
        seed: int32 `[2]`.
        smallest_crop: share of the picture's area that a crop has at least.
        horizontal_flip: whether half of the pictures are mirrored.
        size: `(H, W)` of the result; default: the images'.

    Returns:
        uint8 `[B, *size, C]`.
    """
    images = op.resized_crop(
        images,
        random_boxes(images, random.fold_in(seed, 0), smallest_crop),
        tuple(size or images.shape[1:3]),
    )
    draws = random.uniform([tf.shape(images)[0], 3], random.fold_in(seed, 1))
    flip, jitter, grey = tf.unstack(draws[:, :, None, None, None], axis=1)
    if horizontal_flip:
        images = tf.where(flip < 0.5, images[:, :, ::-1], images)
    coloured = policies.color_jitter(images, random.fold_in(seed, 2), hue=0.1)
    images = tf.where(jitter < 0.8, coloured, images)
    if images.shape[-1] == 1:
        return images
    without = op.to_bytes(op.luminance(tf.cast(images, tf.float32)))
    return tf.where(grey < 0.2, without, images)


def random_boxes(images, seed, smallest, tries=10):
    """Boxes of random area and shape, anywhere in the picture.

    The area is uniform, the ratio of width to height log-uniform from 3/4 to
    4/3; of ten tries the first that lies within the picture is taken, or else
    the whole picture, as torchvision does of square pictures.

    Args:
        images: `[B, H, W, C]`.
        seed: int32 `[2]`.
        smallest: share of the area, in (0, 1]; the largest is 1.
        tries: draws per image.

    Returns:
        float32 `[B, 4]`: top, left, height and width in pixels.
    """
    height, width = (float(n) for n in images.shape[1:3])
    draws = random.uniform([tf.shape(images)[0], tries + 1, 2], seed)
    area = height * width * (smallest + (1.0 - smallest) * draws[:, :-1, 0])
    ratio = tf.pow(4 / 3, 2.0 * draws[:, :-1, 1] - 1.0)
    sides = tf.sqrt(tf.stack([area / ratio, area * ratio], axis=-1))
    fits = tf.reduce_all(sides <= [height, width], axis=-1)  # [B, tries]
    # Behind all tries, what always fits.
    whole = tf.broadcast_to([height, width], tf.shape(sides[:, :1]))
    sides = tf.concat([sides, whole], axis=1)
    fits = tf.pad(fits, [[0, 0], [0, 1]], constant_values=True)
    first = tf.argmax(fits, axis=1)  # Of equals, the first.
    sides = tf.gather(sides, first, batch_dims=1)
    corner = draws[:, -1] * ([height, width] - sides)
    return tf.concat([corner, sides], axis=1)
