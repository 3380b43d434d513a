"""Adversarial masks and the labels that go with them (SANM).

Reference: Tu et al., Learning with Noisy labels via Self-supervised
Adversarial Noisy Masking, CVPR 2023; equation numbers are the paper's.

Boxes are `[B, 4]` in pixels: up, down, left, right. A pixel lies inside when
its centre does: `up <= row + 0.5 < down`.
"""

import tensorflow as tf


def class_activation_map(features, kernel, classes):
    """Eq. (1): where the network looks when it predicts a class.

    `A(u, v) = sum_d kernel[d, class] F(u, v, d)`, for a network that ends in
    global average pooling and a linear layer.

    Args:
        features: `[B, h, w, D]`, the last convolutional map.
        kernel: `[D, K]`, of the linear layer.
        classes: int `[B]`, usually the predicted class.

    Returns:
        `[B, h, w]`; may be negative, only its shape matters.
    """
    features, kernel = _floats(features, kernel)
    weights = tf.gather(tf.transpose(kernel), classes)  # [B, D]
    return tf.einsum("bhwd,bd->bhw", features, weights)


def energy_map(features):
    """The class-agnostic activation of the released code: `sum_d F^2`.

    Args:
        features: `[B, h, w, D]`.

    Returns:
        `[B, h, w]`, non-negative.
    """
    (features,) = _floats(features)
    return tf.reduce_sum(tf.square(features), axis=-1)


def peak(activation, image_size):
    """The most activated pixel after bilinear (half-pixel) enlargement.

    Args:
        activation: `[B, h, w]`.
        image_size: `(H, W)` in pixels, or one number for both.

    Returns:
        rows and columns, two int32 `[B]`; the first in reading order where
        several pixels share the maximum.
    """
    height, width = _pair(image_size)
    (activation,) = _floats(activation)
    enlarged = tf.image.resize(activation[..., None], (height, width))
    flat = tf.reshape(enlarged, [-1, height * width])
    position = tf.argmax(flat, axis=1, output_type=tf.int32)
    return position // width, position % width


def mask_ratio(clean_probability, base_ratio):
    """Eq. (2): hide more of an image the less its label can be trusted.

    Args:
        clean_probability: `[B]` in `[0, 1]`, G.
        base_ratio: scalar in `[0, 1]`, mu.

    Returns:
        `[B]`: `mu * (1 - G)`, the share of the image's area.
    """
    (clean_probability,) = _floats(clean_probability)
    return base_ratio * (1.0 - clean_probability)


def mask_boxes(activation, mask_ratio, aspect_ratio, image_size):
    """Eq. (3)-(4): a rectangle centred on the peak, clipped to the image.

    Args:
        activation: `[B, h, w]`.
        mask_ratio: `[B]`, share of the image's area before clipping, r.
        aspect_ratio: `[B]`, height over width, delta.
        image_size: `(H, W)` in pixels, or one number for both.

    Returns:
        `[B, 4]` float32: up, down, left, right in pixels.
    """
    height, width = _pair(image_size)
    mask_ratio, aspect_ratio = _floats(mask_ratio, aspect_ratio)
    row, column = (tf.cast(v, tf.float32) for v in peak(activation, image_size))
    area = height * width * mask_ratio
    half_height = tf.sqrt(area * aspect_ratio) / 2.0
    half_width = tf.sqrt(area / aspect_ratio) / 2.0
    return tf.stack(
        [
            tf.maximum(row - half_height, 0.0),
            tf.minimum(row + half_height, float(height)),
            tf.maximum(column - half_width, 0.0),
            tf.minimum(column + half_width, float(width)),
        ],
        axis=1,
    )


def corner_boxes(activation, mask_ratio, aspect_ratio, image_size):
    """The released code's rectangle: whole pixels, the peak its top left.

    A rectangle that sticks out is shifted back inside instead of clipped.

    Args:
        activation: `[B, h, w]`.
        mask_ratio: `[B]`, share of the image's area.
        aspect_ratio: `[B]`, height over width.
        image_size: `(H, W)` in pixels, or one number for both.

    Returns:
        `[B, 4]` float32: up, down, left, right in whole pixels.
    """
    height, width = _pair(image_size)
    mask_ratio, aspect_ratio = _floats(mask_ratio, aspect_ratio)
    row, column = (tf.cast(v, tf.float32) for v in peak(activation, image_size))
    area = height * width * mask_ratio
    box_height = tf.minimum(
        tf.round(tf.sqrt(area * aspect_ratio)), float(height)
    )
    box_width = tf.minimum(tf.round(tf.sqrt(area / aspect_ratio)), float(width))
    up = tf.minimum(row, height - box_height)
    left = tf.minimum(column, width - box_width)
    return tf.stack([up, up + box_height, left, left + box_width], axis=1)


def fill_boxes(images, boxes, fill):
    """Eq. (5): overwrites the inside of each image's box.

    Args:
        images: `[B, H, W, C]`.
        boxes: `[B, 4]`: up, down, left, right in pixels.
        fill: anything that broadcasts to `images`: noise per pixel, a colour
            per image, a number.

    Returns:
        `[B, H, W, C]`.
    """
    images, boxes, fill = _floats(images, boxes, fill)
    _, height, width, _ = images.shape
    rows = tf.range(height, dtype=boxes.dtype)[None] + 0.5  # [1, H]
    columns = tf.range(width, dtype=boxes.dtype)[None] + 0.5  # [1, W]
    up, down, left, right = (v[:, None] for v in tf.unstack(boxes, axis=1))
    inside_rows = (up <= rows) & (rows < down)  # [B, H]
    inside_columns = (left <= columns) & (columns < right)  # [B, W]
    inside = inside_rows[:, :, None] & inside_columns[:, None, :]
    return tf.where(inside[..., None], fill, images)


def regularize_labels(targets, mask_ratio, clip: bool = False):
    """Eq. (7): moves as much of the label away as was hidden of the image.

    The top entry loses r, the other `K - 1` share it; rows keep their sum.

    Args:
        targets: `[B, K]`, K >= 2.
        mask_ratio: `[B]`, r. Below `(K - 1) / K` a one-hot label keeps its
            class.
        clip: whether negative entries (a top entry below r) become 0, the row
            being scaled back to its sum.

    Returns:
        `[B, K]`.
    """
    targets, mask_ratio = _floats(targets, mask_ratio)
    num_classes = targets.shape[-1]
    top = tf.one_hot(
        tf.argmax(targets, axis=-1), num_classes, dtype=targets.dtype
    )
    moved = mask_ratio[:, None]
    result = targets - moved * top + moved / (num_classes - 1) * (1.0 - top)
    if clip:
        total = tf.reduce_sum(targets, axis=-1, keepdims=True)
        result = tf.maximum(result, 0.0)
        result *= total / tf.reduce_sum(result, axis=-1, keepdims=True)
    return result


def _floats(*values):
    """Float32 in, float32 out, whatever form the numbers come in."""
    return tuple(tf.cast(tf.convert_to_tensor(v), tf.float32) for v in values)


def _pair(image_size):
    if isinstance(image_size, int):
        return image_size, image_size
    height, width = image_size
    return int(height), int(width)
