"""The random view of contrastive learning.

Reference: Chen et al., SimCLR, ICML 2020, appendix A. Gaussian blur is left
out, as in the authors' code for CIFAR-10
(https://github.com/google-research/simclr, `data_util.py`).
"""

import tensorflow as tf

from noisy_keras.data.augment import operations as op
from noisy_keras.data.augment import policies
from noisy_keras.ops import random


def simclr(
    images: tf.Tensor,
    seed: tf.Tensor,
    smallest_crop: float,
    horizontal_flip: bool,
    size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Applies SimCLR's augmentation: crop, flip, colour jitter, greyscale.

    Colour jitter is applied to 80 % of the images and conversion to grey to
    20 % of them.

    Args:
        images: uint8 tensor `[B, H, W, C]`, the images.
        seed: int32 tensor `[2]`, the seed of all random draws.
        smallest_crop: float in `(0, 1]`, the smallest area of a crop, as a
            share of the image's area.
        horizontal_flip: bool, whether half of the images are mirrored.
        size: pair of int `(H, W)`, the size of the result in pixels. Defaults
            to the size of the images.

    Returns:
        uint8 tensor `[B, *size, C]`.
    """
    images = op.resized_crop(
        images,
        random_boxes(images, random.fold_in(seed, 0), smallest_crop),
        tuple(size or images.shape[1:3]),
    )
    draws = random.uniform([tf.shape(images)[0], 3], random.fold_in(seed, 1))
    flip, jitter, grey = tf.unstack(draws[:, :, None, None, None], axis=1)
    if horizontal_flip:
        images = tf.where(flip < 0.5, tf.reverse(images, [2]), images)
    coloured = policies.color_jitter(images, random.fold_in(seed, 2), hue=0.1)
    images = tf.where(jitter < 0.8, coloured, images)
    if images.shape[-1] == 1:
        return images
    in_grey = op.to_bytes(op.luminance(tf.cast(images, tf.float32)))
    return tf.where(grey < 0.2, in_grey, images)


def random_boxes(
    images: tf.Tensor, seed: tf.Tensor, smallest: float, tries: int = 10
) -> tf.Tensor:
    """Draws one crop box per image, of random area, shape and position.

    The area is uniform in `[smallest, 1]` of the image's area; the ratio of
    width to height is log-uniform between 3/4 and 4/3. The first of `tries`
    draws that fits into the image is used, or the whole image where none
    fits. The latter is torchvision's `RandomResizedCrop` for square images.

    Args:
        images: tensor `[B, H, W, C]`; only its shape is used.
        seed: int32 tensor `[2]`, the seed of all random draws.
        smallest: float in `(0, 1]`, the smallest area of a box, as a share of
            the image's area.
        tries: int, number of draws per image.

    Returns:
        float32 tensor `[B, 4]`: top, left, height and width in pixels.
    """
    height, width = (float(n) for n in images.shape[1:3])
    draws = random.uniform([tf.shape(images)[0], tries + 1, 2], seed)
    area = height * width * (smallest + (1.0 - smallest) * draws[:, :-1, 0])
    ratio = tf.pow(4 / 3, 2.0 * draws[:, :-1, 1] - 1.0)
    sides = tf.sqrt(tf.stack([area / ratio, area * ratio], axis=-1))
    fits = tf.reduce_all(sides <= [height, width], axis=-1)  # [B, tries]
    # The whole image always fits, so it follows the draws as a last resort.
    full_size = tf.broadcast_to([height, width], tf.shape(sides[:, :1]))
    sides = tf.concat([sides, full_size], axis=1)
    fits = tf.pad(fits, [[0, 0], [0, 1]], constant_values=True)
    # `argmax` returns the first of several equal maxima.
    first_fit = tf.argmax(fits, axis=1)
    sides = tf.gather(sides, first_fit, batch_dims=1)
    corner = draws[:, -1] * ([height, width] - sides)
    return tf.concat([corner, sides], axis=1)
