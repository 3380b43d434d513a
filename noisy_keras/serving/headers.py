"""Reading the headers of JPEG and PNG files in a graph."""

import tensorflow as tf

#: The first bytes of a file.
JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"
#: The last bytes of a file, and the last chunk.
JPEG_END = b"\xff\xd9"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"

_EXIF = b"Exif\x00"
_ORIENTATION = 0x0112
# Number of bytes that are searched for a directory, the maximum of a segment.
_MAX_TIFF = 65536
# Size in bytes of the largest number that is read.
_MAX_DIGITS = 4


def holds(data, text):
    """Whether bytes contain a text.

    Args:
        data: string tensor of any shape.
        text: str, regular expression without special characters.

    Returns:
        Bool tensor of the same shape.
    """
    # Six times as fast as matching the pattern with `.*` on both sides.
    rest = tf.strings.regex_replace(data, text, "", replace_global=False)
    return tf.strings.length(rest) < tf.strings.length(data)


def ends_as_jpeg(data):
    """Whether a JPEG file has an end marker after its first scan begins.

    Cameras append further data to the marker. Before the scan are thumbnails,
    which have end markers of their own. As `noisy_keras.data.io.whole`.

    Args:
        data: string scalar tensor, bytes of the file.

    Returns:
        Bool scalar tensor.
    """

    def look():
        values, scan = _until_scan(data)
        rest = values[scan:]
        ends = tf.reduce_any((rest[:-1] == 0xFF) & (rest[1:] == 0xD9))
        return (scan > 0) & ends

    last = tf.strings.substr(data, -2, 2)
    return tf.cond(last == JPEG_END, lambda: True, look)


def ends_as_png(data):
    """Whether a PNG file has its last chunk, whatever follows it.

    Args:
        data: string scalar tensor, bytes of the file.

    Returns:
        Bool scalar tensor.
    """

    def look():
        values, size = _bytes(data)

        def more(position, found):
            return (position + 12 <= size) & ~found

        def step(position, found):
            zero = tf.zeros([], tf.int64)
            kind = tf.strings.substr(data, position + 4, zero + 4)
            length = _number(values, position, 4)
            return position + 12 + length, found | (kind == b"IEND")

        start = tf.constant(len(PNG), tf.int64)
        return tf.while_loop(more, step, [start, False])[1]

    # A longer substring than there is would fail with the bytes in its message.
    size = tf.minimum(len(PNG_END), tf.strings.length(data))
    ends = tf.strings.substr(data, -size, size) == PNG_END
    return tf.cond(ends, lambda: True, look)


def png_size(data):
    """Height, width, bit depth and colour type of a PNG file, from its IHDR.

    Args:
        data: string scalar tensor, bytes of the file.

    Returns:
        Tuple of four int64 scalar tensors.
    """
    start = tf.strings.substr(data, 0, 26)
    values, _ = _bytes(start)
    fields = [(20, 4), (16, 4), (24, 1), (25, 1)]
    return tuple(_number(values, *field) for field in fields)


def jpeg_orientation(data):
    """Orientation of a JPEG file by its EXIF data.

    As in the decoder of the library, EXIF data count if they precede the frame
    (ITU-T T.81, B.1 and B.2.2).

    Args:
        data: string scalar tensor, bytes of the file.

    Returns:
        Int32 scalar tensor, 1 to 8; 0 without EXIF data.
    """
    values, exif = _until_frame(data)
    # The TIFF header follows the six bytes "Exif" and two zeros.
    return tf.cond(
        exif > 0, lambda: _tiff_orientation(values[exif + 6 :]), lambda: 0
    )


def png_orientation(data):
    """Orientation of a PNG file by its eXIf chunk.

    Source: PNG specification, third edition, 11.3.3.1.

    Args:
        data: string scalar tensor, bytes of the file.

    Returns:
        Int32 scalar tensor, 1 to 8; 0 without such a chunk.
    """
    values = tf.io.decode_raw(data, tf.uint8)
    size = tf.size(values, out_type=tf.int64)

    zero = tf.constant(0, tf.int64)

    def more(position, exif):
        return (position + 12 <= size) & (exif == 0)

    def step(position, exif):
        kind = tf.strings.substr(data, position + 4, zero + 4)
        exif = tf.where(kind == b"eXIf", position + 8, exif)
        length = _number(values, position, 4)
        return position + 12 + length, exif

    _, exif = tf.while_loop(more, step, [zero + len(PNG), zero])
    return tf.cond(
        exif > 0, lambda: _tiff_orientation(values[exif:]), lambda: 0
    )


def _until_scan(data):
    """Bytes of a JPEG file, and the position of its first scan, or 0."""
    values, size = _bytes(data)

    def more(position, scan, done):
        del scan
        return (position + 4 <= size) & ~done

    def step(position, scan, done):
        marker = _number(values, position + 1, 1)
        broken = values[position] != 0xFF
        found = ~broken & (marker == 0xDA)
        length = 2 + _number(values, position + 2, 2)
        # Fill bytes may stand before a marker.
        length = tf.where(marker == 0xFF, tf.constant(1, tf.int64), length)
        scan = tf.where(found, position, scan)
        return position + length, scan, broken | found

    zero = tf.constant(0, tf.int64)
    _, scan, _ = tf.while_loop(more, step, [zero + 2, zero, False])
    return values[:size], scan


def _until_frame(data):
    """Bytes of a JPEG file, and the position of EXIF before its frame, or 0."""
    values, size = _bytes(data)

    def is_frame(marker):
        others = (marker == 0xC4) | (marker == 0xC8) | (marker == 0xCC)
        return (marker >= 0xC0) & (marker <= 0xCF) & ~others

    def more(position, exif, done):
        del exif
        return (position + 9 <= size) & ~done

    def step(position, exif, done):
        marker = _number(values, position + 1, 1)
        broken = values[position] != 0xFF
        done = is_frame(marker) | broken
        length = tf.constant(len(_EXIF), tf.int64)
        start = tf.strings.substr(data, position + 4, length)
        found = ~broken & (marker == 0xE1) & (start == _EXIF)
        exif = tf.where(found & (exif == 0), position + 4, exif)
        length = 2 + _number(values, position + 2, 2)
        # Fill bytes may stand before a marker.
        length = tf.where(marker == 0xFF, tf.constant(1, tf.int64), length)
        position = tf.where(broken, size, position)
        return tf.where(done, position, position + length), exif, done

    zero = tf.constant(0, tf.int64)
    _, exif, _ = tf.while_loop(more, step, [zero + 2, zero, False])
    return values, exif


def _tiff_orientation(values):
    """Orientation in the first directory of TIFF data, 1 if there is none.

    TIFF 6.0, section 2: the byte order, 42 and the position of a directory,
    which consists of a count and entries of 12 bytes: tag, type, count and
    value.
    """
    values = tf.pad(values[:_MAX_TIFF], [[0, _MAX_DIGITS]])
    little = values[0] == ord("I")
    directory = _number(values, 4, 4, little)
    start = directory + 2
    rows = values[start : start + 12 * _number(values, directory, 2, little)]
    rows = _integers(tf.reshape(rows[: 12 * (tf.size(rows) // 12)], [-1, 12]))
    low = tf.where(little, 0, 1)
    tags = tf.gather(rows, low, axis=1) + 256 * tf.gather(rows, 1 - low, axis=1)
    entry = tf.where(tags == _ORIENTATION, tf.gather(rows, 8 + low, axis=1), 0)
    found = tf.cast(tf.reduce_sum(entry), tf.int32)
    return tf.where((found >= 1) & (found <= 8), found, 1)


def _integers(values):
    return tf.cast(values, tf.int64)


def _bytes(data):
    """Bytes of a file, padded with zeros, and their number without padding."""
    values = tf.io.decode_raw(data, tf.uint8)
    size = tf.size(values, out_type=tf.int64)
    return tf.pad(values, [[0, _MAX_DIGITS]]), size


def _number(values, position, length, little=False):
    """Reads a number of `length` bytes, big-endian unless `little`."""
    last = tf.size(values, out_type=tf.int64) - _MAX_DIGITS
    position = tf.minimum(tf.cast(position, tf.int64), last)
    piece = _integers(values[position : position + length])
    powers = [256**k for k in range(length)]
    powers = tf.where(little, powers, powers[::-1])
    return tf.reduce_sum(piece * tf.cast(powers, tf.int64))
