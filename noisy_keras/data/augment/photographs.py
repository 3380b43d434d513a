"""Views of photographs at their usual strength.

A crop of random area and shape is resized to the size of the view, and half of
the pictures are mirrored. The ratio of width to height is between 3/4 and 4/3,
as of torchvision's `RandomResizedCrop`.

The area is at least `SMALLEST_CROP`, 0.35 of the picture. torchvision's default
of 0.08 is made for a hundred epochs on a million pictures from random weights.
Such crops often miss what the label names, and to a method that judges labels
by losses they look like wrong ones. From a share of 1/3 on, each side of a
crop is more than half of a square picture's at any of these shapes, so that
every crop contains the middle of the picture.

References: Szegedy et al., Going Deeper with Convolutions, CVPR 2015, section
6, for the crops; Cubuk et al., RandAugment, 2020.
"""

import tensorflow as tf

from noisy_keras.data.augment import contrastive
from noisy_keras.data.augment import operations as op
from noisy_keras.data.augment import policies
from noisy_keras.ops import random

#: The smallest area of a crop, as a share of the picture's.
SMALLEST_CROP = 0.35
#: Brightness, contrast and saturation change by up to this factor more or less.
#: The hue stays: the colour of a thing often tells its class.
JITTER = 0.2


def photograph(
    images: tf.Tensor,
    seed: tf.Tensor,
    horizontal_flip: bool,
    size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Crops and mirrors photographs, and changes their colours mildly.

    Args:
        images: uint8 tensor `[B, H, W, C]` with 1 or 3 channels.
        seed: int32 tensor `[2]`, the seed of all random draws.
        horizontal_flip: bool, whether half of the pictures are mirrored.
        size: pair of int `(h, w)`, the size of the result in pixels. Defaults
            to the size of the images.

    Returns:
        uint8 tensor `[B, *size, C]`.
    """
    images = _cropped(images, seed, horizontal_flip, size)
    return policies.color_jitter(
        images, random.fold_in(seed, 2), amount=JITTER, hue=0.0
    )


def photograph_randaugment(
    images: tf.Tensor,
    seed: tf.Tensor,
    horizontal_flip: bool,
    size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Crops and mirrors photographs as `photograph`, then RandAugment.

    Arguments and result are those of `photograph`. With the same seed, crops
    and mirrored pictures are the same as there.
    """
    images = _cropped(images, seed, horizontal_flip, size)
    return policies.rand_augment_fixed(images, random.fold_in(seed, 2))


def _cropped(images, seed, horizontal_flip, size):
    """Takes a random crop of each image, and mirrors half of them."""
    boxes = contrastive.random_boxes(
        images, random.fold_in(seed, 0), SMALLEST_CROP
    )
    images = op.resized_crop(images, boxes, tuple(size or images.shape[1:3]))
    if not horizontal_flip:
        return images
    draws = random.uniform([tf.shape(images)[0]], random.fold_in(seed, 1))
    flip = draws[:, None, None, None] < 0.5
    return tf.where(flip, tf.reverse(images, [2]), images)
