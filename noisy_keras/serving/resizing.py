"""Resizing in a graph, to exactly the bytes that training used.

Training resizes images by Pillow, whose triangle filter computes in integers:
coefficients are multiples of 2^-22, columns are resized before rows, and both
passes round to bytes. `tf.image.resize` does neither, and a difference of one
grey level can change the third digit of a probability.
"""

import tensorflow as tf

from noisy_keras.data.io.decoding import MAX_ASPECT

# As in Pillow: of 32 bits, 8 are for the pixel and 2 for overshooting.
_BITS = 22
# Number of filter taps that are multiplied at a time.
_TAPS = 8
# Number of outputs that are computed at a time: few enough that TensorFlow uses
# one thread for them and the other threads for other images.
_BLOCK = 16


def fitted(image, height, width, margin=0):
    """Resizes an image by its shorter side and crops its centre.

    Equal to `noisy_keras.data.io.decoding` for uint8, to the last bit. Of an
    image that is more than 16 times as long as the result's aspect ratio
    needs, only the middle is resized.

    Args:
        image: uint8 tensor `[h, w, C]`, or float32, which is not rounded.
        height: int, height H of the result in pixels.
        width: int, width W of the result in pixels.
        margin: int, margin m in pixels. The image is resized to cover `[H + 2m,
            W + 2m]`, as for sources whose views take random crops, and its
            centre is kept.

    Returns:
        Tensor `[H, W, C]` of the same dtype.
    """
    framed = (height + 2 * margin, width + 2 * margin)
    given = tf.cast(tf.shape(image)[:2], tf.float64)
    scale = tf.reduce_max(tf.constant(framed, tf.float64) / given)
    image = _without_ends(image, framed, scale)
    given = tf.cast(tf.shape(image)[:2], tf.float64)
    whole = tf.maximum(framed, tf.cast(tf.round(given * scale), tf.int32))
    corner = (whole - framed) // 2 + margin
    # Columns, then rows, each along the first axis.
    lines = _along_first(
        tf.transpose(image, [1, 0, 2]), whole[1], corner[1], width
    )
    lines = _along_first(
        tf.transpose(lines, [1, 0, 2]), whole[0], corner[0], height
    )
    return tf.ensure_shape(lines, [height, width, image.shape[-1]])


def _without_ends(image, framed, scale):
    """Cuts both ends of a long image, of which only the middle is needed."""
    size = tf.shape(image)[:2]
    wanted = MAX_ASPECT * tf.constant(framed, tf.float64) / scale
    most = tf.cast(tf.round(wanted), tf.int32)
    first = tf.maximum(0, size - most) // 2
    last = tf.minimum(size, first + most)
    return tf.cond(
        tf.reduce_any(size > most),
        lambda: image[first[0] : last[0], first[1] : last[1]],
        lambda: tf.identity(image),
    )


def _along_first(lines, whole, first, count):
    """Resizes the first axis to `whole` lines and returns `count` of them."""
    given = tf.shape(lines)[0]

    def cut():
        return lines[first : first + count]

    def filtered():
        return _filtered(lines, given, whole, first, count)

    result = tf.cond(tf.equal(given, whole), cut, filtered)
    return tf.ensure_shape(result, [count, *lines.shape[1:]])


def _filtered(lines, given, whole, first, count):
    shape = tf.shape(lines)
    flat = tf.reshape(lines, [given, -1])
    exact = lines.dtype == tf.uint8
    places, weights = _taps(given, whole, first, count)
    if exact:
        weights = tf.floor(weights * 2.0**_BITS + 0.5)
    # Weights sum to about 2^22; multiplied by bytes, with a half added for
    # rounding, they stay below 2^31.
    kind = tf.int32 if exact else tf.float64
    weights = tf.cast(weights, kind)

    def product(rows, taps):
        values = tf.cast(tf.gather(flat, places[rows, taps]), kind)
        return tf.matmul(weights[rows, None, taps], values)[:, 0]

    def finished(total):
        if exact:
            half = 1 << (_BITS - 1)
            total = tf.bitwise.right_shift(total + half, _BITS)
        return tf.cast(total, lines.dtype)

    def by_blocks():
        blocks = [slice(k, k + _BLOCK) for k in range(0, count, _BLOCK)]
        parts = [finished(product(rows, slice(None))) for rows in blocks]
        return tf.concat(parts, axis=0)

    def by_taps():
        start = tf.fill([count, tf.shape(flat)[1]], kind.as_numpy_dtype(0))
        _, total = tf.while_loop(
            lambda k, _: k < taps,
            lambda k, total: (
                k + _TAPS,
                total + product(slice(None), slice(k, k + _TAPS)),
            ),
            [0, start],
            # Each takes memory in proportion to the image.
            parallel_iterations=2,
        )
        return finished(total)

    taps = tf.shape(places)[1]
    result = tf.cond(taps <= _TAPS, by_blocks, by_taps)
    return tf.reshape(result, [count, shape[1], shape[2]])


def _taps(given, whole, first, count):
    """Source lines `[count, T]` of each output, and their weights."""
    scale = tf.cast(given, tf.float64) / tf.cast(whole, tf.float64)
    support = tf.maximum(scale, 1.0)
    center = (tf.cast(first + tf.range(count), tf.float64) + 0.5) * scale
    low = tf.cast(tf.maximum(center - support + 0.5, 0.0), tf.int32)
    high = tf.minimum(tf.cast(center + support + 0.5, tf.int32), given)
    place = low[:, None] + tf.range(tf.reduce_max(high - low))
    away = tf.cast(place, tf.float64) - center[:, None] + 0.5
    weights = tf.maximum(1.0 - tf.abs(away * (1.0 / support)), 0.0)
    weights = tf.where(place < high[:, None], weights, 0.0)
    total = tf.reduce_sum(weights, axis=1, keepdims=True)
    weights = tf.math.divide_no_nan(weights, total)
    return tf.minimum(place, given - 1), weights
