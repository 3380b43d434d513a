"""Adversarial masks, and the labels that go with them (SANM).

Boxes are float tensors `[B, 4]` in pixels: top, bottom, left and right edge. A
pixel lies inside where its centre does: `top <= row + 0.5 < bottom`.

Reference: Tu et al., Learning with Noisy labels via Self-supervised Adversarial
Noisy Masking, CVPR 2023. Equation numbers are the paper's. "The released code"
is the function `attention_erase_map` in `Train_cifar.py` of
https://github.com/yuanpengtu/SANM; comments name the lines that follow it and
those that follow the paper instead.
"""

import tensorflow as tf

from noisy_keras.utils.types import TensorLike


def class_activation_map(
    features: TensorLike, kernel: TensorLike, classes: TensorLike
) -> tf.Tensor:
    """Class activation map of a given class. Source: equation (1).

    `A(u, v) = sum_d kernel[d, class] F(u, v, d)`, for a network that ends in
    global average pooling and a linear layer.

    Args:
        features: float tensor `[B, h, w, D]`, the last feature map F.
        kernel: float tensor `[D, K]`, kernel of the linear layer.
        classes: int tensor `[B]`, classes in `[0, K)`, usually the predicted
            ones.

    Returns:
        Float32 tensor `[B, h, w]`. Values may be negative; only their order
        within an image matters.
    """
    features, kernel = _floats(features, kernel)
    weights = tf.gather(tf.transpose(kernel), classes)  # [B, D]
    return tf.einsum("bhwd,bd->bhw", features, weights)


def energy_map(features: TensorLike) -> tf.Tensor:
    """Class-agnostic activation map of the released code: `sum_d F^2`.

    Args:
        features: float tensor `[B, h, w, D]`, the last feature map F.

    Returns:
        Float32 tensor `[B, h, w]`, non-negative.
    """
    (features,) = _floats(features)
    # The released code normalises the map by its L2 norm and brings it to
    # 0..255 before the argmax; neither moves the peak. Its rounding down to
    # whole numbers, which can create ties, is left out.
    return tf.reduce_sum(tf.square(features), axis=-1)


def peak(
    activation: TensorLike, image_size: int | tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Position of the highest activation after bilinear enlargement.

    The map is enlarged to the size of the image with half-pixel centres.

    Args:
        activation: float tensor `[B, h, w]`.
        image_size: `(H, W)` in pixels, or one int for both.

    Returns:
        Rows and columns, two int32 tensors `[B]`. Where several pixels share
        the maximum, the first one in row-major order.
    """
    height, width = _pair(image_size)
    (activation,) = _floats(activation)
    enlarged = tf.image.resize(activation[..., None], (height, width))
    flat = tf.reshape(enlarged, [-1, height * width])
    position = tf.argmax(flat, axis=1, output_type=tf.int32)
    return position // width, position % width


def mask_ratio(clean_probability: TensorLike, base_ratio: float) -> tf.Tensor:
    """Share of an image to mask: more where the label is less likely clean.

    Source: equation (2).

    Args:
        clean_probability: float tensor `[B]` in `[0, 1]`, clean probability G.
        base_ratio: float in `[0, 1]`, mask ratio mu of a certainly noisy
            sample.

    Returns:
        Float32 tensor `[B]`: `mu * (1 - G)`, as a share of the image's area.
    """
    (clean_probability,) = _floats(clean_probability)
    return base_ratio * (1.0 - clean_probability)


def mask_boxes(
    activation: TensorLike,
    mask_ratio: TensorLike,
    aspect_ratio: TensorLike,
    image_size: int | tuple[int, int],
) -> tf.Tensor:
    """Boxes centred on the peak and clipped to the image.

    Source: equations (3) and (4).

    Args:
        activation: float tensor `[B, h, w]`.
        mask_ratio: float tensor `[B]`, share r of the image's area before
            clipping.
        aspect_ratio: float tensor `[B]`, height divided by width, delta.
        image_size: `(H, W)` in pixels, or one int for both.

    Returns:
        Float32 tensor `[B, 4]`: top, bottom, left and right edge in pixels.
    """
    height, width = _pair(image_size)
    mask_ratio, aspect_ratio = _floats(mask_ratio, aspect_ratio)
    row, column = (tf.cast(v, tf.float32) for v in peak(activation, image_size))
    area = height * width * mask_ratio
    # As in the paper. The released code places whole pixels with the peak as
    # a corner instead: see `corner_boxes`.
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


def corner_boxes(
    activation: TensorLike,
    mask_ratio: TensorLike,
    aspect_ratio: TensorLike,
    image_size: int | tuple[int, int],
) -> tf.Tensor:
    """Boxes of the released code: whole pixels, the peak at the top left.

    A box that extends beyond the image is shifted back inside instead of being
    clipped.

    Args:
        activation: float tensor `[B, h, w]`.
        mask_ratio: float tensor `[B]`, share of the image's area.
        aspect_ratio: float tensor `[B]`, height divided by width.
        image_size: `(H, W)` in pixels, or one int for both.

    Returns:
        Float32 tensor `[B, 4]`: top, bottom, left and right edge in whole
            pixels.
    """
    height, width = _pair(image_size)
    mask_ratio, aspect_ratio = _floats(mask_ratio, aspect_ratio)
    row, column = (tf.cast(v, tf.float32) for v in peak(activation, image_size))
    area = height * width * mask_ratio
    # Rounded to whole pixels, as in the released code. It draws the aspect
    # ratio again where a side does not fit; sides are cut to the image here,
    # which keeps shapes and the number of draws static.
    box_height = tf.minimum(
        tf.round(tf.sqrt(area * aspect_ratio)), float(height)
    )
    box_width = tf.minimum(tf.round(tf.sqrt(area / aspect_ratio)), float(width))
    # Shifted back inside instead of clipped, as in the released code.
    top = tf.minimum(row, height - box_height)
    left = tf.minimum(column, width - box_width)
    return tf.stack([top, top + box_height, left, left + box_width], axis=1)


def fill_boxes(
    images: TensorLike, boxes: TensorLike, fill: TensorLike
) -> tf.Tensor:
    """Overwrites the inside of each image's box. Source: equation (5).

    Args:
        images: float tensor `[B, H, W, C]`.
        boxes: float tensor `[B, 4]`: top, bottom, left and right edge in
            pixels.
        fill: float tensor that broadcasts to `images`: noise per pixel (the
            paper), a colour per image (the released code) or a number.

    Returns:
        Float32 tensor `[B, H, W, C]`.
    """
    images, boxes, fill = _floats(images, boxes, fill)
    _, height, width, _ = images.shape
    rows = tf.range(height, dtype=boxes.dtype)[None] + 0.5  # [1, H]
    columns = tf.range(width, dtype=boxes.dtype)[None] + 0.5  # [1, W]
    top, bottom, left, right = (v[:, None] for v in tf.unstack(boxes, axis=1))
    inside_rows = (top <= rows) & (rows < bottom)  # [B, H]
    inside_columns = (left <= columns) & (columns < right)  # [B, W]
    inside = inside_rows[:, :, None] & inside_columns[:, None, :]
    return tf.where(inside[..., None], fill, images)


def regularize_labels(
    targets: TensorLike, mask_ratio: TensorLike, clip: bool = False
) -> tf.Tensor:
    """Noisy-label regularisation: smooths a label by the share that is masked.

    The largest entry loses r and the other `K - 1` entries share it, so that
    rows keep their sum. Source: equation (7).

    Args:
        targets: float tensor `[B, K]`, class distributions, K >= 2.
        mask_ratio: float tensor `[B]`, share r of the image's area. A one-hot
            label keeps its class while r is below `(K - 1) / K`.
        clip: bool, whether to set negative entries to 0 and rescale the row to
            its sum. Entries become negative where the largest one is below r.

    Returns:
        Float32 tensor `[B, K]`.
    """
    targets, mask_ratio = _floats(targets, mask_ratio)
    num_classes = targets.shape[-1]
    top = tf.one_hot(
        tf.argmax(targets, axis=-1), num_classes, dtype=targets.dtype
    )
    moved = mask_ratio[:, None]
    result = targets - moved * top + moved / (num_classes - 1) * (1.0 - top)
    # Neither the paper nor the released code clips; the option is ours.
    if clip:
        total = tf.reduce_sum(targets, axis=-1, keepdims=True)
        result = tf.maximum(result, 0.0)
        result *= total / tf.reduce_sum(result, axis=-1, keepdims=True)
    return result


def _floats(*values: TensorLike) -> tuple:
    """Converts arguments to float32 tensors, whatever they come as."""
    return tuple(tf.cast(tf.convert_to_tensor(v), tf.float32) for v in values)


def _pair(image_size: int | tuple[int, int]) -> tuple[int, int]:
    if isinstance(image_size, int):
        return image_size, image_size
    height, width = image_size
    return int(height), int(width)
