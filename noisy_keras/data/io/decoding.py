"""Reading picture files: any common format, in threads, never all at once.

JPEG goes through TensorFlow, which can decode at a fraction of the size; what
it does not do (GIF, BMP and PNG of every kind, EXIF rotation) goes through
Pillow. Both release Python's lock while they work.
"""

import concurrent.futures
import functools
import io
import os

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import buffers
from noisy_keras.data.io import jpeg_batches
from noisy_keras.data.io import retrying
from noisy_keras.utils.errors import ConfigurationError

#: File names that count as pictures.
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
# Bytes in which a photograph's size is found, but for large thumbnails.
_HEADER = 65536


_THREADS = max(2, os.cpu_count() or 1)


@functools.cache
def _threads():
    return concurrent.futures.ThreadPoolExecutor(
        max_workers=_THREADS, thread_name_prefix="decode"
    )


def read_bytes(path):
    """The bytes of a file, on any file system that TensorFlow knows.

    Args:
        path: of the file.

    Returns:
        bytes.

    Raises:
        OSError: it cannot be read, after retries if that may be passing.
    """

    def read():
        with tf.io.gfile.GFile(path, "rb") as stream:
            return stream.read()

    return retrying.retried(read, path)


def decode(data, size):
    """A square picture from the bytes of a file.

    The shorter side is brought to `size`, antialiased, and the middle kept.

    Args:
        data: bytes of a JPEG, PNG, GIF (its first frame) or BMP.
        size: side in pixels.

    Returns:
        uint8 `[size, size, 3]`.

    Raises:
        ValueError: it is no picture.
    """
    image = None
    if data[:3] == _SIGNATURES[0]:
        shorter, upright = _jpeg_header(data)
        if shorter and upright:
            image = _decode_jpeg(data, shorter, size)
    if image is None:
        image = _decode_any(data)
    return _middle(image, size)


def _jpeg_header(data):
    """The shorter side in pixels, 0 where unknown; whether EXIF is absent.

    Markers are followed by their length up to the start of a frame (ITU-T
    T.81, B.1 and B.2.2).
    """
    position, upright = 2, True
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # Fill bytes may stand before a marker.
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[position + 5 : position + 7], "big")
            width = int.from_bytes(data[position + 7 : position + 9], "big")
            return min(height, width), upright
        start = position + 4
        if marker == 0xE1 and data[start : start + 5] == b"Exif\0":
            upright = False  # A rotation is written there.
        position += 2 + int.from_bytes(data[position + 2 : start], "big")
    return 0, upright


def _decode_jpeg(data, shorter, size):
    # Whole fractions cost a fraction of the time; the rest of the way down is
    # antialiased.
    ratio = next((r for r in (8, 4, 2) if shorter // r >= size), 1)
    try:
        # A raw operation: the call is short enough for Python to be felt.
        return tf.raw_ops.DecodeJpeg(
            contents=data, channels=3, ratio=ratio, try_recover_truncated=True
        ).numpy()
    except tf.errors.OpError:
        return None  # Pillow may know better.


def _decode_any(data):
    # Imported here: most sets are plain JPEG throughout.
    from PIL import Image
    from PIL import ImageOps

    try:
        with Image.open(io.BytesIO(data)) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode in ("LA", "PA", "RGBA") or (
                "transparency" in image.info
            ):
                # What is transparent shows white, as on a page.
                image = image.convert("RGBA")
                page = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(page, image)
            elif image.mode.startswith("I;16"):
                wide = np.asarray(image, np.float32) / 257.0
                image = Image.fromarray(wide.round().astype(np.uint8))
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # Pillow raises what each format's code does.
        raise ConfigurationError(f"cannot be decoded ({error})") from error


def _middle(image, size):
    height, width, _ = image.shape
    if (height, width) == (size, size):
        return image
    scale = size / min(height, width)
    rows = max(size, round(height * scale))
    columns = max(size, round(width * scale))
    if scale != 1.0:
        from PIL import Image

        # Columns, then rows: Pillow's order of its own accord depends on its
        # version, and each pass rounds. Exported graphs do the same.
        resized = Image.fromarray(image)
        for shape in ((columns, height), (columns, rows)):
            resized = resized.resize(shape, Image.Resampling.BILINEAR)
        image = np.asarray(resized)
    top, left = (rows - size) // 2, (columns - size) // 2
    return image[top : top + size, left : left + size]


def read_files(paths, size):
    """Reads and decodes picture files in parallel.

    Args:
        paths: n file names.
        size: side in pixels.

    Returns:
        As `read_pictures`.
    """
    # One look tells which way suits a batch: files of a set are alike.
    if len(paths) and _is_fitting(paths[0], size):
        try:
            images, done = jpeg_batches.decode_files(paths, size)
        except tf.errors.OpError:
            return read_pictures(paths, size)  # Which tells which, and why.
        rest = np.flatnonzero(~done)
        if not len(rest):
            return images, {}
        images = images.copy()
        images[rest], problems = read_pictures([paths[i] for i in rest], size)
        return images, {int(rest[i]): why for i, why in problems.items()}
    return read_pictures(paths, size)


def _is_fitting(path, size):
    try:
        with tf.io.gfile.GFile(path, "rb") as stream:
            return _jpeg_header(stream.read(_HEADER))[0] == size
    except tf.errors.OpError:
        return False


def read_pictures(paths, size, read=read_bytes):
    """Reads and decodes pictures in parallel.

    Args:
        paths: n file names, or what else `read` takes.
        size: side in pixels.
        read: function of one of them to the bytes of a picture file.

    Returns:
        uint8 `[n, size, size, 3]`, black where a picture cannot be read; dict
        from position to the reason for those.
    """
    images = buffers.empty((len(paths), size, size, 3))
    problems = {}
    # Threads take numbers as they get on: a task for each would cost more.
    positions = iter(range(len(paths)))

    def read_some(_):
        for position in positions:
            try:
                images[position] = decode(read(paths[position]), size)
            except (OSError, ValueError) as error:
                images[position] = 0
                problems[position] = str(error)

    list(_threads().map(read_some, range(_THREADS)))
    return images, problems


def check_headers(paths):
    """Finds files that are empty, unreadable or no pictures, by their start.

    Args:
        paths: file names.

    Returns:
        dict from position to the reason.
    """

    def check(path):
        try:
            with tf.io.gfile.GFile(path, "rb") as stream:
                start = stream.read(8)
        except tf.errors.OpError as error:
            return str(error.message)
        if not start:
            return "empty file"
        if not start.startswith(_SIGNATURES):
            return "neither JPEG, PNG, GIF nor BMP"
        return None

    reasons = _threads().map(check, paths, chunksize=256)
    return {i: reason for i, reason in enumerate(reasons) if reason}
