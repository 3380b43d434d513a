"""Reading and decoding of image files in common formats, in threads.

JPEG files are decoded by TensorFlow, which can decode at a fraction of the
size. Formats that it does not fully support (GIF, BMP, some PNG, EXIF
rotation) are decoded by Pillow. Both release Python's global interpreter lock
while they work.
"""

import collections.abc
import concurrent.futures
import functools
import io
import os
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import buffers
from noisy_keras.data.io import jpeg_batches
from noisy_keras.data.io import retrying
from noisy_keras.utils.errors import ConfigurationError

#: Suffixes of file names that count as images.
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
# Bytes at the start of a file that hold the size of a photograph, unless it
# embeds a large thumbnail.
_HEADER = 65536


_THREADS = max(2, os.cpu_count() or 1)


@functools.cache
def _threads():
    return concurrent.futures.ThreadPoolExecutor(
        max_workers=_THREADS, thread_name_prefix="decode"
    )


def read_bytes(path: str) -> bytes:
    """Reads a file from any file system that TensorFlow supports.

    Args:
        path: str, path of the file.

    Returns:
        The content of the file.

    Raises:
        OSError: the file cannot be read, even after retries of failures that
            may be temporary.
    """

    def read():
        with tf.io.gfile.GFile(path, "rb") as stream:
            return stream.read()

    return retrying.retried(read, path)


def decode(data: bytes, size: int) -> np.ndarray:
    """Decodes an image file and crops it to a square.

    The image is resized with antialiasing until its shorter side is `size`,
    then cropped at the centre.

    Args:
        data: bytes of a JPEG, PNG, GIF (the first frame is used) or BMP file.
        size: int, side of the result in pixels.

    Returns:
        uint8 array `[size, size, 3]`.

    Raises:
        ValueError: the data cannot be decoded as an image.
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
    """Reads the size and the presence of EXIF data from a JPEG header.

    Up to the start of a frame, each marker is followed by the length of its
    segment (ITU-T T.81, B.1 and B.2.2).

    Args:
        data: bytes of the file, or its first bytes.

    Returns:
        Length of the shorter side in pixels, 0 where unknown; whether there is
        no EXIF data.
    """
    position, upright = 2, True
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # Fill bytes may precede a marker.
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[position + 5 : position + 7], "big")
            width = int.from_bytes(data[position + 7 : position + 9], "big")
            return min(height, width), upright
        start = position + 4
        if marker == 0xE1 and data[start : start + 5] == b"Exif\0":
            upright = False  # EXIF data may specify a rotation.
        position += 2 + int.from_bytes(data[position + 2 : start], "big")
    return 0, upright


def _decode_jpeg(data, shorter, size):
    # Decoding at 1/2, 1/4 or 1/8 of the size takes a fraction of the time; the
    # remaining reduction is antialiased.
    ratio = next((r for r in (8, 4, 2) if shorter // r >= size), 1)
    try:
        # The raw operation avoids the overhead of the Python wrapper.
        return tf.raw_ops.DecodeJpeg(
            contents=data, channels=3, ratio=ratio, try_recover_truncated=True
        ).numpy()
    except tf.errors.OpError:
        return None  # Pillow decodes some files that TensorFlow rejects.


def _decode_any(data):
    # Imported here because most data sets consist of plain JPEG files.
    from PIL import Image
    from PIL import ImageOps

    try:
        with Image.open(io.BytesIO(data)) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode in ("LA", "PA", "RGBA") or (
                "transparency" in image.info
            ):
                # Transparent pixels become white.
                image = image.convert("RGBA")
                background = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(background, image)
            elif image.mode.startswith("I;16"):
                wide = np.asarray(image, np.float32) / 257.0
                image = Image.fromarray(wide.round().astype(np.uint8))
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # Pillow passes on the errors of its decoders.
        raise ConfigurationError(f"cannot be decoded ({error})") from error


def _middle(image, size):
    """Resizes the shorter side to `size` and crops the centre."""
    height, width, _ = image.shape
    if (height, width) == (size, size):
        return image
    scale = size / min(height, width)
    rows = max(size, round(height * scale))
    columns = max(size, round(width * scale))
    if scale != 1.0:
        from PIL import Image

        # Columns first, then rows: the order in which Pillow resizes both at
        # once depends on its version, and each pass rounds. Exported graphs
        # use the same order.
        resized = Image.fromarray(image)
        for shape in ((columns, height), (columns, rows)):
            resized = resized.resize(shape, Image.Resampling.BILINEAR)
        image = np.asarray(resized)
    top, left = (rows - size) // 2, (columns - size) // 2
    return image[top : top + size, left : left + size]


def read_files(
    paths: collections.abc.Sequence[str], size: int
) -> tuple[np.ndarray, dict[int, str]]:
    """Reads and decodes image files in parallel.

    Args:
        paths: sequence of n str, paths of the files.
        size: int, side of the decoded images in pixels.

    Returns:
        A pair of images and problems, as `read_pictures` returns.
    """
    # The files of a data set are alike, so the first one decides how the batch
    # is decoded.
    if len(paths) and _is_fitting(paths[0], size):
        try:
            images, done = jpeg_batches.decode_files(paths, size)
        except tf.errors.OpError:
            # One by one, which finds the files that fail and the reasons.
            return read_pictures(paths, size)
        rest = np.flatnonzero(~done)
        if not len(rest):
            return images, {}
        images = images.copy()
        images[rest], problems = read_pictures(
            [paths[i] for i in rest.tolist()], size
        )
        return images, {int(rest[i]): text for i, text in problems.items()}
    return read_pictures(paths, size)


def _is_fitting(path, size):
    """Returns whether a file is a JPEG whose shorter side is `size`."""
    try:
        with tf.io.gfile.GFile(path, "rb") as stream:
            return _jpeg_header(stream.read(_HEADER))[0] == size
    except tf.errors.OpError:
        return False


def read_pictures(
    paths: collections.abc.Sequence[Any],
    size: int,
    read: collections.abc.Callable[[Any], bytes] = read_bytes,
) -> tuple[np.ndarray, dict[int, str]]:
    """Reads and decodes images in parallel.

    Args:
        paths: sequence of n arguments of `read`; paths of files by default.
        size: int, side of the decoded images in pixels.
        read: function from one of `paths` to the bytes of an image file.

    Returns:
        A pair of images and problems. Images are a uint8 array
        `[n, size, size, 3]`, black where an image cannot be read; problems are
        a dict from the positions of those in `paths` to the reasons.
    """
    images = buffers.empty((len(paths), size, size, 3))
    problems: dict[int, str] = {}
    # The threads share one iterator: a task per image would cost more.
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


def check_headers(
    paths: collections.abc.Sequence[str],
) -> dict[int, str]:
    """Finds files that are empty, unreadable or not images.

    Only the first bytes of each file are read.

    Args:
        paths: sequence of str, paths of the files.

    Returns:
        dict from position in `paths` to the reason (str), for those files.
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
