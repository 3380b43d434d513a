"""Decoding JPEG and PNG inside a graph, as training pictures were decoded.

The counterpart of `noisy_keras.data.io.decoding`, which uses TensorFlow and
Pillow, in operations that any TensorFlow runtime has. It is strict: a file that
training would have repaired is refused, because half a picture would get a
wrong answer.
"""

import tensorflow as tf

from noisy_keras.serving import headers
from noisy_keras.serving import resizing

#: Pixels of the largest picture that is decoded: what Pillow bears.
MAX_PIXELS = 178_956_970

_OTHERS = {
    "GIF": b"GIF8",
    "BMP": b"BM",
    "WebP": b"RIFF",
    "TIFF": b"II*\x00",
    "TIFF (big-endian)": b"MM\x00*",
}


def is_plain(data):
    """Which files are JPEG, whole at first sight and without EXIF.

    Most are, and need no more looking at: it is asked of all at once, which
    spares a network for small pictures half of the time.

    Args:
        data: string `[B]` or scalar.

    Returns:
        bool, of the same shape.
    """
    # None is too short for its end to be asked for.
    end = tf.strings.substr(tf.strings.join([b"  ", data]), -2, 2)
    whole = _starts(data, headers.JPEG) & (end == headers.JPEG_END)
    return whole & ~headers.holds(data, r"Exif\x00")


def decode(data, row, plain, image_shape, margin=0):
    """The picture that a network takes, from the bytes of a file.

    Args:
        data: string scalar, a JPEG or PNG of any kind and size.
        row: of the request, to be named in errors.
        plain: bool scalar, as `is_plain` says.
        image_shape: `(H, W, C)`, of which C is 1 or 3.
        margin: as of `resizing.fitted`.

    Returns:
        uint8 `[H, W, C]`.

    Raises:
        tf.errors.InvalidArgumentError: no whole JPEG or PNG.
    """
    height, width, channels = image_shape
    least = height + 2 * margin, width + 2 * margin
    image = tf.cond(
        plain,
        lambda: _upright_jpeg(data, row, least),
        lambda: _decode_any(data, row, least),
    )
    image = resizing.fitted(image, height, width, margin)
    return image if channels == 3 else grey(image)


def grey(image):
    """Luma of ITU-R BT.601 in 16 bits, as Pillow's: uint8 `[..., 1]`."""
    weights = tf.constant([19595, 38470, 7471], tf.int32)
    luma = tf.reduce_sum(tf.cast(image, tf.int32) * weights, -1, keepdims=True)
    return tf.cast((luma + 0x8000) // 0x10000, tf.uint8)


def _decode_any(data, row, least):
    is_png = _starts(data, headers.PNG)
    with tf.control_dependencies([_check_format(data, row, is_png)]):
        data = tf.identity(data)
    return tf.cond(
        is_png,
        lambda: _decode_png(data, row),
        lambda: _decode_jpeg(data, row, least),
    )


def _starts(data, signature):
    return tf.strings.substr(data, 0, len(signature)) == signature


def _refuse(refused, row, *told):
    """An operation that fails where `refused`, naming the row."""
    expected = "Expected a whole JPEG or PNG file as image_bytes. Received: "
    # Formatted only where it fails.
    return tf.debugging.Assert(~refused, [expected, *told, "in row", row])


def _check_format(data, row, is_png):
    is_jpeg = _starts(data, headers.JPEG)
    length = tf.strings.length(data)
    whole = tf.cond(
        is_png,
        lambda: _holds_end(data),
        lambda: tf.cond(
            is_jpeg, lambda: headers.ends_as_jpeg(data), lambda: False
        ),
    )

    def told():
        found = tf.constant("bytes that are neither")
        for name, start in _OTHERS.items():
            found = tf.where(_starts(data, start), f"a {name} file", found)
        found = tf.where(length == 0, "an empty string", found)
        cut = "a file whose end is missing,"
        return tf.where(is_png | is_jpeg, cut, found)

    found = tf.cond(whole, lambda: tf.constant(""), told)
    return _refuse(~whole, row, found, "of", length, "bytes")


def _holds_end(data):
    # Asked for more than there is, the error would quote bytes as text.
    size = tf.minimum(len(headers.PNG_END), tf.strings.length(data))
    ends = tf.strings.substr(data, -size, size) == headers.PNG_END
    return tf.cond(ends, lambda: True, lambda: headers.holds(data, "IEND"))


def _check_size(height, width, row):
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    told = ["a picture of", height, "x", width, f"pixels (most: {MAX_PIXELS})"]
    wrong = (pixels > MAX_PIXELS) | (height < 1) | (width < 1)
    return _refuse(wrong, row, *told)


def _decode_jpeg(data, row, least):
    orientation = tf.cond(
        headers.holds(data, r"Exif\x00"),
        lambda: headers.jpeg_orientation(data),
        lambda: 0,
    )

    def turned():
        # By Pillow in training, which takes its time.
        height, width = _jpeg_size(data, row)
        with tf.control_dependencies([height, width]):
            image = tf.io.decode_jpeg(
                data, channels=3, dct_method="INTEGER_ACCURATE"
            )
        return _turned(image, orientation)

    return tf.cond(
        orientation == 0, lambda: _upright_jpeg(data, row, least), turned
    )


def _jpeg_size(data, row):
    height, width, _ = tf.unstack(tf.io.extract_jpeg_shape(data))
    with tf.control_dependencies([_check_size(height, width, row)]):
        return tf.identity(height), tf.identity(width)


def _upright_jpeg(data, row, least):
    height, width = _jpeg_size(data, row)
    # Whole fractions cost a fraction of the time.
    most = tf.minimum(height // least[0], width // least[1])
    number = tf.searchsorted([2, 4, 8], [most], "right")
    return tf.switch_case(
        number[0],
        [
            lambda r=ratio: tf.io.decode_jpeg(data, channels=3, ratio=r)
            for ratio in (1, 2, 4, 8)
        ],
    )


def _decode_png(data, row):
    height, width, bits, kind = headers.png_size(data)
    with tf.control_dependencies([_check_size(height, width, row)]):
        data = tf.identity(data)

    def wide():
        # Grey of 16 bits is rounded; others lose their lower byte.
        image = tf.io.decode_png(data, channels=1, dtype=tf.uint16)
        image = tf.round(tf.cast(image, tf.float32) / 257.0)
        return tf.repeat(tf.cast(image, tf.uint8), 3, axis=-1)

    def usual():
        # Asked for where there is none, alpha is wrong below 8 bits.
        has_alpha = (kind >= 4) | headers.holds(data, "tRNS")
        return tf.cond(
            has_alpha,
            lambda: _on_white(tf.io.decode_png(data, channels=4)),
            lambda: tf.io.decode_png(data, channels=3),
        )

    image = tf.cond((bits == 16) & (kind == 0), wide, usual)
    return tf.cond(
        headers.holds(data, "eXIf"),
        lambda: _turned(image, headers.png_orientation(data)),
        lambda: image,
    )


def _on_white(image):
    """What is transparent shows white; in whole numbers, as Pillow has it."""
    color, alpha = tf.split(tf.cast(image, tf.int32), [3, 1], axis=-1)
    total = color * alpha + 255 * (255 - alpha) + 128
    # Division by 255 of 7 more bits, rounded.
    mixed = (total // 2 + 128 * total) // 32768
    return tf.cast(tf.where(alpha == 0, 255, mixed), tf.uint8)


def _turned(image, orientation):
    """Upright, from one of the eight orientations of EXIF."""
    orientation = tf.clip_by_value(orientation, 1, 8)
    image = tf.cond(
        orientation >= 5,
        lambda: tf.transpose(image, [1, 0, 2]),
        lambda: tf.identity(image),
    )
    rows, columns = (
        tf.where(tf.reduce_any(orientation == turned), -1, 1)
        for turned in ([3, 4, 7, 8], [2, 3, 6, 7])
    )
    return image[::rows, ::columns]
