"""Decoding JPEG and PNG in a graph, to the pixels that training used.

The counterpart of `noisy_keras.data.io.decoding`, which uses TensorFlow and
Pillow, in operations of any TensorFlow runtime. Both read whole files alone: a
file that training leaves out as unreadable is rejected here, and the other way
round. Formats beside JPEG and PNG are rejected by name.
"""

import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.serving import headers
from noisy_keras.serving import resizing

#: Largest number of pixels that is decoded, as in training.
MAX_PIXELS = decoding.MAX_PIXELS

_OTHERS = {
    "GIF": b"GIF8",
    "BMP": b"BM",
    "WebP": b"RIFF",
    "TIFF": b"II*\x00",
    "TIFF (big-endian)": b"MM\x00*",
    "JPEG 2000": b"\x00\x00\x00\x0cjP  ",
}
# Number of pixels that are converted at a time.
_BLOCK = 2**22


def is_plain(data):
    """Which files are JPEG without EXIF, and complete by their last bytes.

    Most files are, and need no further checks. Checking the whole batch at once
    halves the time of a network for small images.

    Args:
        data: string tensor `[B]` or scalar, bytes of files.

    Returns:
        Bool tensor of the same shape.
    """
    # Padded, so that even an empty string has two bytes at its end.
    end = tf.strings.substr(tf.strings.join([b"  ", data]), -2, 2)
    complete = _starts(data, headers.JPEG) & (end == headers.JPEG_END)
    return complete & ~headers.holds(data, r"Exif\x00")


def decode(data, row, plain, image_shape, margin=0):
    """Decodes a file to the input of a network.

    Args:
        data: string scalar tensor, bytes of a JPEG or PNG file of any kind and
            size.
        row: int scalar tensor, row of the request, for error messages.
        plain: bool scalar tensor, as returned by `is_plain`.
        image_shape: `(H, W, C)` with C of 1 or 3.
        margin: int, in pixels: see `resizing.fitted`.

    Returns:
        Uint8 tensor `[H, W, C]`.

    Raises:
        tf.errors.InvalidArgumentError: If the file is not a complete JPEG or
        PNG file.
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
    """Converts RGB to luma by ITU-R BT.601 in 16 bits, as Pillow does.

    Args:
        image: uint8 tensor `[..., 3]`.

    Returns:
        Uint8 tensor `[..., 1]`.
    """
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


def _refuse(refused, row, *received):
    """Operation that fails where `refused`, with the row in the message."""
    expected = "Expected a complete JPEG or PNG file as image_bytes. Received: "
    # The parts are formatted only if the assertion fails.
    return tf.debugging.Assert(~refused, [expected, *received, "in row", row])


def _check_format(data, row, is_png):
    is_jpeg = _starts(data, headers.JPEG)
    length = tf.strings.length(data)
    complete = tf.cond(
        is_png,
        lambda: headers.ends_as_png(data),
        lambda: tf.cond(
            is_jpeg, lambda: headers.ends_as_jpeg(data), lambda: False
        ),
    )

    def describe():
        found = tf.constant("bytes that are neither")
        for name, start in _OTHERS.items():
            found = tf.where(_starts(data, start), f"a {name} file", found)
        # Their signature comes after a length.
        boxed = tf.strings.length(data) >= 12
        brand = tf.cond(
            boxed, lambda: tf.strings.substr(data, 4, 8), lambda: b""
        )
        for name in ("avif", "heic"):
            is_one = brand == f"ftyp{name}".encode()
            found = tf.where(is_one, f"an {name.upper()} file", found)
        found = tf.where(length == 0, "an empty string", found)
        truncated = "a file whose end is missing,"
        return tf.where(is_png | is_jpeg, truncated, found)

    found = tf.cond(complete, lambda: tf.constant(""), describe)
    return _refuse(~complete, row, found, "of", length, "bytes")


def _check_size(height, width, row):
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    received = [
        "an image of",
        height,
        "x",
        width,
        f"pixels (at most: {MAX_PIXELS})",
    ]
    invalid = (pixels > MAX_PIXELS) | (height < 1) | (width < 1)
    return _refuse(invalid, row, *received)


def _decode_jpeg(data, row, least):
    orientation = tf.cond(
        headers.holds(data, r"Exif\x00"),
        lambda: headers.jpeg_orientation(data),
        lambda: 0,
    )

    def turned():
        # Training decodes such files by Pillow, which is accurate and slow.
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
    # Decoding at a fraction of the size takes a fraction of the time.
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
        # As in Pillow, grey of 16 bits is rounded, while the channels of
        # colours lose their lower byte.
        image = tf.io.decode_png(data, channels=1, dtype=tf.uint16)
        return _by_blocks(image, _narrow)

    def usual():
        # TensorFlow adds a wrong alpha channel to files of fewer than 8 bits
        # that have none.
        has_alpha = (kind >= 4) | headers.holds(data, "tRNS")
        return tf.cond(
            has_alpha,
            lambda: _by_blocks(tf.io.decode_png(data, channels=4), _on_white),
            lambda: tf.io.decode_png(data, channels=3),
        )

    image = tf.cond((bits == 16) & (kind == 0), wide, usual)
    return tf.cond(
        headers.holds(data, "eXIf"),
        lambda: _turned(image, headers.png_orientation(data)),
        lambda: image,
    )


def _by_blocks(image, convert):
    """Applies a function of rows to a few of them at a time.

    It may compute in wider numbers than the image has: of a large image as a
    whole they would take gigabytes.

    Args:
        image: tensor `[H, W, C]`.
        convert: function of a part `[n, W, C]` to uint8 `[n, W, 3]`.

    Returns:
        Uint8 tensor `[H, W, 3]`.
    """
    height, width = tf.unstack(tf.shape(image)[:2])
    rows = tf.maximum(1, _BLOCK // width)
    count = (height + rows - 1) // rows

    def parts():
        converted = tf.TensorArray(
            tf.uint8,
            size=count,
            infer_shape=False,
            element_shape=[None, None, 3],
        )

        def step(k, converted):
            part = image[k * rows : (k + 1) * rows]
            return k + 1, converted.write(k, convert(part))

        _, converted = tf.while_loop(
            lambda k, _: k < count,
            step,
            [0, converted],
            parallel_iterations=1,
        )
        return converted.concat()

    result = tf.cond(count > 1, parts, lambda: convert(image))
    return tf.ensure_shape(result, [None, None, 3])


def _narrow(image):
    image = tf.round(tf.cast(image, tf.float32) / 257.0)
    return tf.repeat(tf.cast(image, tf.uint8), 3, axis=-1)


def _on_white(image):
    """Blends transparency with white, in integers as Pillow does."""
    color, alpha = tf.split(tf.cast(image, tf.int32), [3, 1], axis=-1)
    total = color * alpha + 255 * (255 - alpha) + 128
    # Rounded division by 255, with 7 additional bits.
    mixed = (total // 2 + 128 * total) // 32768
    return tf.cast(tf.where(alpha == 0, 255, mixed), tf.uint8)


def _turned(image, orientation):
    """Turns an image upright, from one of the eight orientations of EXIF."""
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
