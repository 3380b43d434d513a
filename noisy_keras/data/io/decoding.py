"""Reading and decoding of image files in common formats, in threads.

JPEG files are decoded by TensorFlow, which can decode at a fraction of the
size. All other formats, and JPEG files with EXIF data, which may specify a
rotation, are decoded by Pillow. Both release Python's global interpreter lock
while they work. Only whole files are decoded: see `whole`.
"""

import collections.abc
import concurrent.futures
import contextlib
import functools
import io
import os
import threading
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import buffers
from noisy_keras.data.io import jpeg_batches
from noisy_keras.data.io import retrying
from noisy_keras.data.io import whole
from noisy_keras.utils.errors import ConfigurationError

#: Suffixes of file names that count as images.
EXTENSIONS = whole.EXTENSIONS
#: Largest number of pixels that is decoded: Pillow's own limit.
MAX_PIXELS = 178_956_970
#: Of an image whose sides differ by a larger factor, only the middle is
#: resized: else resizing would take memory without bound.
MAX_ASPECT = 16

# Pillow's decoders of pictures made of pixels. Others run programs (EPS), draw
# (WMF), or recognise files by hardly anything (TGA).
_DECODERS = (
    "AVIF",
    "BMP",
    "GIF",
    "HEIF",
    "JPEG",
    "JPEG2000",
    "MPO",
    "PNG",
    "PPM",
    "TIFF",
    "WEBP",
)
# Bytes at the start of a file that hold the size of a photograph, unless it
# embeds a large thumbnail.
_HEADER = 65536
# Pictures of more pixels are decoded one at a time, because each takes
# hundreds of megabytes.
_LARGE = 2**25
_one_at_a_time = threading.Lock()

_THREADS = max(2, os.cpu_count() or 1)


@functools.cache
def threads() -> concurrent.futures.ThreadPoolExecutor:
    """The threads that decode."""
    return concurrent.futures.ThreadPoolExecutor(
        max_workers=_THREADS, thread_name_prefix="decode"
    )


def read_bytes(path: str) -> bytes:
    """Reads a file from any file system that TensorFlow supports.

    Args:
        path: str, path of the file.

    Returns:
        The content of the file, as bytes.

    Raises:
        OSError: the file cannot be read, even after retries of failures that
            may be temporary.
    """

    if "://" not in path:
        # Python also opens files whose names are not text in UTF-8.
        with open(path, "rb") as stream:
            return stream.read()

    def read():
        with tf.io.gfile.GFile(path, "rb") as stream:
            return stream.read()

    return retrying.retried(read, path)


def decode(data: bytes, size: int) -> np.ndarray:
    """Decodes an image file and crops it to a square.

    The image is resized with antialiasing until its shorter side is `size`,
    then cropped at the centre. Of an image whose sides differ by more than a
    factor of 16, only the middle of that aspect ratio is resized.

    Args:
        data: bytes of a file in one of the formats of `whole.FORMATS`; of
            several frames or pages, the first is used.
        size: int, side of the result in pixels.

    Returns:
        uint8 array `[size, size, 3]`.

    Raises:
        ValueError: the data is not a whole image file, or its image has more
            than 178,956,970 pixels.
    """
    return _middle(_decoded(data, whole.check(data), size), size)


def decode_small(data: bytes, least: int = 32) -> np.ndarray:
    """Decodes an image file at a small size, as fast as its format allows.

    Args:
        data: bytes of a file, as in `decode`.
        least: int, length of the shorter side in pixels that is enough.

    Returns:
        uint8 array `[H, W, 3]`. Images that are not JPEG have their full size.

    Raises:
        ValueError: as in `decode`.
    """
    name = whole.check(data)
    if name == "JPEG":
        height, width, _ = _jpeg_size(data)
        return _decode_jpeg(data, min(height, width), least)
    return _decode_any(data)


def _decoded(data, name, size):
    if name == "JPEG":
        height, width, upright = _jpeg_size(data)
        if upright:
            with _bounded(height, width):
                return _decode_jpeg(data, min(height, width), size)
    return _decode_any(data)


@contextlib.contextmanager
def _bounded(height, width):
    """Refuses images of too many pixels; large ones wait for each other."""
    if height * width > MAX_PIXELS:
        raise ConfigurationError(
            f"{width} x {height} pixels, more than {MAX_PIXELS:,}"
        )
    with contextlib.ExitStack() as stack:
        if height * width > _LARGE:
            stack.enter_context(_one_at_a_time)
        yield


def _jpeg_size(data):
    """Height, width, and whether there is no EXIF data before the frame."""
    height, width, upright = _frame(data)
    if not height or not width:
        # TensorFlow also finds a frame behind bytes that do not belong there.
        try:
            shape = tf.io.extract_jpeg_shape(data).numpy()
        except tf.errors.OpError as error:
            raise _cannot_be_decoded("JPEG without a frame") from error
        height, width = (int(n) for n in shape[:2])
    return height, width, upright


def _jpeg_header(data):
    """Length of the shorter side in pixels, 0 where unknown; and `upright`."""
    height, width, upright = _frame(data)
    return min(height, width), upright


def _frame(data):
    """Reads the size and the presence of EXIF data from a JPEG header.

    Up to the start of a frame, each marker is followed by the length of its
    segment (ITU-T T.81, B.1 and B.2.2).

    Args:
        data: bytes of the file, or its first bytes.

    Returns:
        Height and width in pixels, 0 where unknown; whether there is no EXIF
        data.
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
            return height, width, upright
        start = position + 4
        if marker == 0xE1 and data[start : start + 5] == b"Exif\0":
            upright = False  # EXIF data may specify a rotation.
        position += 2 + int.from_bytes(data[position + 2 : start], "big")
    return 0, 0, upright


def _decode_jpeg(data, shorter, size):
    # Decoding at 1/2, 1/4 or 1/8 of the size takes a fraction of the time; the
    # remaining reduction is antialiased.
    ratio = next((r for r in (8, 4, 2) if shorter // r >= size), 1)
    try:
        # The raw operation avoids the overhead of the Python wrapper.
        return tf.raw_ops.DecodeJpeg(
            contents=data, channels=3, ratio=ratio
        ).numpy()
    except tf.errors.OpError as error:
        # Not tried by Pillow: the served graph has TensorFlow's decoder alone,
        # and both have to agree on what can be read.
        raise _cannot_be_decoded("damaged JPEG data") from error


@functools.cache
def _pillow():
    # Imported here because most data sets consist of plain JPEG files.
    from PIL import Image

    # `_bounded` has the limit.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    decoders = [name for name in _DECODERS if name in Image.OPEN]
    return functools.partial(Image.open, formats=decoders)


def _decode_any(data):
    from PIL import Image
    from PIL import ImageOps

    try:
        with _pillow()(io.BytesIO(data)) as image:
            with _bounded(image.height, image.width):
                _check_pages(image)
                image = ImageOps.exif_transpose(image)
                return _in_colour(image)
    except Image.UnidentifiedImageError as error:
        name = whole.format_of(data[: whole.START])
        hint = ""
        if name in ("AVIF", "HEIC"):
            hint = "; no plug-in of Pillow for it is installed"
        raise _cannot_be_decoded(f"{name} file{hint}") from error
    except ConfigurationError:
        raise
    except Exception as error:  # Pillow passes on the errors of its decoders.
        raise _cannot_be_decoded(error) from error


def _cannot_be_decoded(reason):
    return ConfigurationError(f"cannot be decoded ({reason})")


def _check_pages(image):
    """Raises if a TIFF file lacks pixels of any page, which may come last."""
    if image.format != "TIFF":
        return
    size = image.fp.seek(0, os.SEEK_END)
    for page in range(min(getattr(image, "n_frames", 1), _PAGES)):
        image.seek(page)
        for places, lengths in ((273, 279), (324, 325)):  # Strips, tiles.
            spans = zip(
                image.tag_v2.get(places, ()),
                image.tag_v2.get(lengths, ()),
                strict=False,
            )
            if any(start + length > size for start, length in spans):
                raise ConfigurationError("TIFF file whose end is missing")
    image.seek(0)


_PAGES = 1000


def _in_colour(image):
    from PIL import Image

    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or (
        "transparency" in image.info
    ):
        # Transparent pixels become white.
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image)
    elif image.mode.startswith("I;16"):
        wide = np.asarray(image, np.float32) / 257.0
        image = Image.fromarray(wide.round().astype(np.uint8))
    elif image.mode == "I":
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > 65535:
            raise _cannot_be_decoded("pixels of more than 16 bits")
        if wide.max() > 255:
            wide = np.round(wide / 257.0)
        image = Image.fromarray(wide.astype(np.uint8))
    elif image.mode == "F":
        raise _cannot_be_decoded("pixels in floating point")
    return np.asarray(image.convert("RGB"))


def _middle(image, size):
    """Resizes the shorter side to `size` and crops the centre."""
    image = _without_ends(image)
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


def _without_ends(image):
    """Cuts what is beyond `MAX_ASPECT` from both ends of a long image."""
    most = MAX_ASPECT * min(image.shape[:2])
    top, left = (max(0, side - most) // 2 for side in image.shape[:2])
    return (
        np.ascontiguousarray(image[top : top + most, left : left + most])
        if top or left or max(image.shape[:2]) > most
        else image
    )


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
            images, done = jpeg_batches.decode_files(
                [os.fsencode(path) for path in paths], size
            )
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
        with tf.io.gfile.GFile(os.fsencode(path), "rb") as stream:
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
                problems[position] = reason_of(error)

    list(threads().map(read_some, range(_THREADS)))
    return images, problems


def reason_of(error: Exception) -> str:
    """Why a file cannot be read, without its path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
