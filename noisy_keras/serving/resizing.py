"""Resizing inside a graph, to the very bytes that training pictures had.

Training brings pictures to size with Pillow, whose triangle filter works in
whole numbers: coefficients are multiples of 2^-22, columns come first, and
both passes round to bytes. `tf.image.resize` does neither, and one grey level
is enough to change a probability in its third digit.
"""

import tensorflow as tf

# Pillow's: as many bits as 32 leave beside a byte and two for overshooting.
_ONE = 2.0**22
# Outputs that share a window of the input: the filter is a narrow band.
_BLOCK = 8
_MOST_IN_ONE = 512


def fitted(image, height, width, margin=0):
    """The middle of a picture, its shorter side brought to size.

    As `noisy_keras.data.decoding` does, to the last bit for uint8.

    Args:
        image: `[h, w, C]`, uint8, or float32, which is not rounded.
        height: H of the result.
        width: W of the result.
        margin: m; the picture is fitted to `[H + 2m, W + 2m]`, of which the
            middle is kept, as sources do whose views take crops.

    Returns:
        `[H, W, C]` of the same type.
    """
    size = tf.shape(image)
    framed = (height + 2 * margin, width + 2 * margin)
    given = tf.cast(size[:2], tf.float64)
    scale = tf.reduce_max(tf.constant(framed, tf.float64) / given)
    whole = tf.maximum(framed, tf.cast(tf.round(given * scale), tf.int32))
    corner = (whole - framed) // 2 + margin
    # Columns, then rows; each along the first axis.
    lines = _along_first(
        tf.transpose(image, [1, 0, 2]), whole[1], corner[1], width
    )
    lines = _along_first(
        tf.transpose(lines, [1, 0, 2]), whole[0], corner[0], height
    )
    return tf.ensure_shape(lines, [height, width, image.shape[-1]])


def _along_first(lines, whole, first, count):
    """`count` of the `whole` lines that those given are brought to."""
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

    def some(start, block):
        outputs = first + start + tf.range(block)
        weights, low, high = _weights(given, whole, outputs, lines.dtype)
        window = tf.cast(flat[low:high], weights.dtype)
        # Exact: integers below 2^53, for bytes.
        total = tf.matmul(weights, window)
        if lines.dtype != tf.uint8:
            return tf.cast(total, lines.dtype)
        rounded = tf.floor(total / _ONE + 0.5)
        return tf.cast(tf.clip_by_value(rounded, 0.0, 255.0), tf.uint8)

    def by_blocks():
        spec = tf.TensorSpec([None, None], lines.dtype)
        starts = tf.range(0, count, _BLOCK)
        blocks = tf.map_fn(
            lambda start: some(start, _BLOCK), starts, fn_output_signature=spec
        )
        return tf.reshape(blocks, [-1, tf.shape(flat)[1]])[:count]

    # All at once where the input is small; else by blocks, whose windows are.
    joined = tf.cond(given > _MOST_IN_ONE, by_blocks, lambda: some(0, count))
    return tf.reshape(joined, [count, shape[1], shape[2]])


def _weights(given, whole, outputs, dtype):
    """Weights `[b, high - low]` of a window of lines for `b` outputs."""
    scale = tf.cast(given, tf.float64) / tf.cast(whole, tf.float64)
    support = tf.maximum(scale, 1.0)
    center = (tf.cast(outputs, tf.float64) + 0.5) * scale  # [b]
    lowest = tf.cast(tf.maximum(center - support + 0.5, 0.0), tf.int32)
    highest = tf.minimum(tf.cast(center + support + 0.5, tf.int32), given)
    # The last block may reach past the end; what it says there is cut off.
    low = tf.minimum(lowest[0], given - 1)
    high = tf.maximum(highest[-1], low + 1)
    place = tf.range(low, high)
    inside = (place >= lowest[:, None]) & (place < highest[:, None])
    away = tf.cast(place, tf.float64) - center[:, None] + 0.5
    weights = tf.maximum(1.0 - tf.abs(away * (1.0 / support)), 0.0)
    weights = tf.where(inside, weights, 0.0)
    total = tf.reduce_sum(weights, axis=1, keepdims=True)
    weights = tf.math.divide_no_nan(weights, total)
    if dtype != tf.uint8:
        return weights, low, high
    return tf.floor(weights * _ONE + 0.5), low, high
