"""Image operations on batches, each image with its own kind and magnitude.

The operations are those of AutoAugment, as Pillow defines them. Images are
grouped by operation, so each operation runs on its own images only.

Reference: Cubuk et al., AutoAugment, CVPR 2019, table 6.
"""

import functools

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from noisy_keras.data.io import buffers

# Geometric operations. The magnitude is a shear in pixels per pixel, a shift
# in pixels, or an angle in degrees.
SHEAR_X, SHEAR_Y, TRANSLATE_X, TRANSLATE_Y, ROTATE = range(1, 6)
# Blends with a degenerate image. The magnitude is the factor; 1 leaves the
# image unchanged.
BRIGHTNESS, COLOR, CONTRAST, SHARPNESS = range(6, 10)
# Operations on the value of each pixel. The magnitude is a threshold in
# [0, 256] (solarise), a number of bits (posterise), or unused (invert).
SOLARIZE, POSTERIZE, INVERT = range(10, 13)
AUTO_CONTRAST, EQUALIZE = 13, 14
IDENTITY = 0

# Side in pixels from which Pillow resizes faster than a graph.
_LARGE = 64
#: Grey value of pixels beyond the border after a geometric operation.
GREY = 128


def apply(
    images: tf.Tensor, operation: tf.Tensor, magnitude: tf.Tensor
) -> tf.Tensor:
    """Applies one operation to each image.

    Args:
        images: uint8 tensor `[B, H, W, C]` with 1 or 3 channels.
        operation: int32 tensor `[B]`, one of this module's constants per
            image.
        magnitude: float32 tensor `[B]`, in the unit of each operation.

    Returns:
        uint8 tensor `[B, H, W, C]`.
    """
    for first, last, function in (
        (SHEAR_X, ROTATE, _geometric),
        (BRIGHTNESS, SHARPNESS, _blend),
        (SOLARIZE, INVERT, _tone),
        (AUTO_CONTRAST, AUTO_CONTRAST, _auto_contrast),
        (EQUALIZE, EQUALIZE, _equalize),
    ):
        member = (operation >= first) & (operation <= last)
        rows = tf.where(member)[:, 0]
        images = tf.cond(
            tf.size(rows) > 0,
            functools.partial(
                _on_rows, function, images, rows, operation, magnitude
            ),
            lambda images=images: images,
        )
    return images


def affine(
    images: tf.Tensor, matrices: tf.Tensor, fill: float = GREY
) -> tf.Tensor:
    """Applies an affine transformation to each image, bilinearly.

    Args:
        images: float32 or uint8 tensor `[B, H, W, C]`.
        matrices: float32 tensor `[B, 6]`, the coefficients `a` to `f` of
            `x' = a x + b y + c`, `y' = d x + e y + f`, which map pixels of
            the result to pixels of the image.
        fill: float, value of pixels beyond the border.

    Returns:
        float32 tensor `[B, H, W, C]`.
    """
    padding = tf.zeros_like(matrices[:, :2])
    return keras.ops.image.affine_transform(
        tf.cast(images, tf.float32),
        tf.concat([matrices, padding], axis=1),
        interpolation="bilinear",
        fill_mode="constant",
        fill_value=fill,
    )


def resized_crop(
    images: tf.Tensor, boxes: tf.Tensor, size: tuple[int, int]
) -> tf.Tensor:
    """Crops a box from each image and resizes it bilinearly.

    The result is antialiased where the box is larger than `size`, as with
    Pillow's `resize(..., box=...)`.

    Args:
        images: uint8 or float32 tensor `[B, H, W, C]`.
        boxes: float32 tensor `[B, 4]`: top, left, height and width in pixels,
            within the image.
        size: pair of int `(h, w)`, the size of the result in pixels.

    Returns:
        Tensor `[B, h, w, C]` of the images' dtype.
    """
    if images.dtype == tf.uint8 and min(size) >= _LARGE:
        return _resized_by_pillow(images, boxes, size)
    rows, columns = (
        _resampling(boxes[:, axis], boxes[:, 2 + axis], old, new)
        for axis, (old, new) in enumerate(
            zip(images.shape[1:3], size, strict=True)
        )
    )
    batch, (_, height, width, channels) = tf.shape(images)[0], images.shape
    x = tf.reshape(
        tf.cast(images, tf.float32), [batch, height, width * channels]
    )
    x = tf.reshape(tf.matmul(rows, x), [batch, size[0], width, channels])
    # The columns come to the front, so that this is one product per image too.
    x = tf.transpose(x, [0, 2, 1, 3])
    x = tf.reshape(x, [batch, width, size[0] * channels])
    x = tf.reshape(tf.matmul(columns, x), [batch, size[1], size[0], channels])
    x = tf.transpose(x, [0, 2, 1, 3])
    return to_bytes(x) if images.dtype == tf.uint8 else x


def _resized_by_pillow(images, boxes, size):
    """As `resized_crop`, of large images: several times as fast."""
    shape = (images.shape[0], *size, images.shape[3])
    resized = tf.numpy_function(
        lambda *arrays: _resized(*arrays, size), [images, boxes], tf.uint8
    )
    return tf.ensure_shape(resized, shape)


def _resized(images, boxes, size):
    height, width = size
    count, *whole, channels = images.shape
    resized = buffers.empty((count, height, width, channels), np.uint8)
    # The sum of a corner and a side may be rounded beyond the edge.
    ends = np.minimum(boxes[:, :2] + boxes[:, 2:], whole)
    for row, (top, left) in enumerate(boxes[:, :2].tolist()):
        image = images[row] if channels == 3 else images[row, ..., 0]
        bottom, right = ends[row].tolist()
        resized[row] = np.asarray(
            Image.fromarray(image).resize(
                (width, height),
                Image.Resampling.BILINEAR,
                box=(left, top, right, bottom),
            )
        ).reshape(height, width, channels)
    return resized


def _resampling(start, length, old, new):
    """Computes weights `[B, new, old]` of pixels along an axis.

    Each row sums to 1.
    """
    scale = length[:, None] / new  # [B, 1], pixels per pixel of the result.
    centre = start[:, None] + scale * (tf.range(new, dtype=tf.float32) + 0.5)
    place = tf.range(old, dtype=tf.float32) + 0.5
    support = tf.maximum(scale, 1.0)[..., None]
    distance = tf.abs(place - centre[..., None]) / support
    weights = tf.maximum(1.0 - distance, 0.0)
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def to_bytes(images: tf.Tensor) -> tf.Tensor:
    """Rounds and clips pixels to uint8.

    Args:
        images: float32 tensor of any shape, with pixels in `[0, 255]`.

    Returns:
        uint8 tensor of the same shape.
    """
    return tf.cast(tf.clip_by_value(tf.round(images), 0.0, 255.0), tf.uint8)


def blend(
    degenerate: tf.Tensor, images: tf.Tensor, factor: tf.Tensor
) -> tf.Tensor:
    """Computes `degenerate + factor (images - degenerate)`.

    Args:
        degenerate: float32 tensor that broadcasts to `[B, H, W, C]`.
        images: float32 tensor `[B, H, W, C]`.
        factor: float32 tensor `[B]`; 1 returns the images unchanged.

    Returns:
        float32 tensor `[B, H, W, C]`, not clipped.
    """
    return degenerate + factor[:, None, None, None] * (images - degenerate)


def luminance(images: tf.Tensor) -> tf.Tensor:
    """Computes the grey value of each pixel, with the weights of ITU-R 601-2.

    Args:
        images: float32 tensor `[B, H, W, C]` with 1 or 3 channels.

    Returns:
        float32 tensor `[B, H, W, 1]`.
    """
    if images.shape[-1] == 1:
        return images
    return tf.reduce_sum(images * [0.299, 0.587, 0.114], -1, keepdims=True)


def rotation(angle: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Computes the matrices of rotations about the centre of an image.

    Args:
        angle: float32 tensor `[B]`, angles in degrees.
        height: int, height of the image in pixels.
        width: int, width of the image in pixels.

    Returns:
        float32 tensor `[B, 6]`, as `affine` expects.
    """
    radians = angle * (3.141592653589793 / 180.0)
    cosine, sine = tf.cos(radians), tf.sin(radians)
    x, y = (width - 1) / 2.0, (height - 1) / 2.0
    return tf.stack(
        [
            cosine,
            -sine,
            x - cosine * x + sine * y,
            sine,
            cosine,
            y - sine * x - cosine * y,
        ],
        axis=1,
    )


def _on_rows(function, images, rows, operation, magnitude):
    """Applies a function to the given rows of a batch."""
    chosen = tf.cast(tf.gather(images, rows), tf.float32)
    changed = function(
        chosen, tf.gather(operation, rows), tf.gather(magnitude, rows)
    )
    changed = tf.ensure_shape(to_bytes(changed), [None, *images.shape[1:]])
    return tf.tensor_scatter_nd_update(images, rows[:, None], changed)


def _geometric(images, operation, magnitude):
    _, height, width, _ = images.shape

    def magnitude_of(kind):
        return tf.where(operation == kind, magnitude, 0.0)

    one, zero = tf.ones_like(magnitude), tf.zeros_like(magnitude)
    linear = tf.stack(
        [
            one,
            magnitude_of(SHEAR_X),
            magnitude_of(TRANSLATE_X),
            magnitude_of(SHEAR_Y),
            one,
            magnitude_of(TRANSLATE_Y),
        ],
        axis=1,
    )
    # Pillow shears about the image's corner, half a pixel before the centre of
    # its first pixel.
    offset = 0.5 * tf.stack(
        [zero, zero, magnitude_of(SHEAR_X), zero, zero, magnitude_of(SHEAR_Y)],
        axis=1,
    )
    rotated = rotation(magnitude, height, width)
    matrices = tf.where(operation[:, None] == ROTATE, rotated, linear + offset)
    return affine(images, matrices)


def _blend(images, operation, magnitude):
    grey = luminance(images)
    mean = tf.round(tf.reduce_mean(grey, axis=(1, 2, 3), keepdims=True))
    kind = operation[:, None, None, None]
    degenerate = tf.where(kind == COLOR, grey, tf.zeros_like(images))
    degenerate = tf.where(kind == CONTRAST, mean, degenerate)
    degenerate = tf.where(kind == SHARPNESS, _smooth(images), degenerate)
    return blend(degenerate, images, magnitude)


def _smooth(images):
    """Applies Pillow's SMOOTH filter, which leaves the border unchanged."""
    channels = images.shape[-1]
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32) / 13.0
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, channels, 1])
    inner = tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "VALID")
    inside = tf.pad(tf.ones_like(inner), [[0, 0], [1, 1], [1, 1], [0, 0]])
    inner = tf.pad(inner, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return tf.where(inside > 0, inner, images)


def _tone(images, operation, magnitude):
    kind = operation[:, None, None, None]
    value = magnitude[:, None, None, None]
    inverted = 255.0 - images
    step = tf.pow(2.0, 8.0 - value)
    posterized = tf.floor(images / step) * step
    solarized = tf.where(images >= value, inverted, images)
    result = tf.where(kind == SOLARIZE, solarized, inverted)
    return tf.where(kind == POSTERIZE, posterized, result)


def _auto_contrast(images, operation, magnitude):
    del operation, magnitude
    layer = keras.layers.AutoContrast(value_range=(0, 255), dtype="float32")
    return layer(images)


def _equalize(images, operation, magnitude):
    """Equalises histograms per image and channel, as Pillow does.

    The layers of Keras 3.15 and keras-cv 0.9 deviate from Pillow by up to
    twenty grey levels, and the layer of Keras mixes the histograms of a batch.
    """
    del operation, magnitude
    _, height, width, channels = images.shape
    size = height * width
    flat = tf.transpose(tf.cast(images, tf.int32), [0, 3, 1, 2])
    flat = tf.reshape(flat, [-1, size])  # [B * C, H * W]
    levels = tf.range(256)
    count = tf.math.bincount(flat, minlength=256, maxlength=256, axis=-1)
    count = tf.ensure_shape(count, [None, 256])
    brightest = tf.reduce_max(tf.where(count > 0, levels, -1), axis=1)
    step = (size - tf.gather(count, brightest, batch_dims=1)) // 255
    step = step[:, None]
    darker = tf.cumsum(count, axis=1, exclusive=True)
    table = tf.minimum((darker + step // 2) // tf.maximum(step, 1), 255)
    # Images with too few distinct values to spread stay unchanged.
    table = tf.where(step > 0, table, levels)
    equalized = tf.gather(table, flat, batch_dims=1)
    equalized = tf.reshape(equalized, [-1, channels, height, width])
    return tf.cast(tf.transpose(equalized, [0, 2, 3, 1]), tf.float32)
