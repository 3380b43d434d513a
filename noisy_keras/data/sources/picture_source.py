"""Pictures to be predicted: image files and Pillow images, without labels."""

import collections.abc
import io
import os
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import TensorLike

# Modes of Pillow that PNG files can hold.
_PNG_MODES = ("1", "I", "I;16", "L", "LA", "P", "RGB", "RGBA")


class PictureSource(Source):
    """A `Source` of pictures of any format and size, all of one given label.

    They are decoded, resized and cropped as those of a `FileSource`. One that
    cannot be read is black and listed in `unreadable`.

    Args:
        pictures: sequence of N paths (str or path-like) and Pillow images.
        class_names: sequence of K str.
        image_shape: `(H, W, C)`, a square with 1 or 3 channels.
        margin: int, width in pixels of the border that is cut off, as of the
            source that a model was fitted on.
        pixel_scale: float, value of a white pixel.

    Attributes:
        unreadable: dict from position (int) to the reason (str).

    Raises:
        ValueError: images that are no squares, or no pictures.
    """

    def __init__(
        self,
        pictures: collections.abc.Sequence[Any],
        class_names: collections.abc.Sequence[str],
        image_shape: tuple[int, int, int],
        *,
        margin: int = 0,
        pixel_scale: float = 255.0,
    ) -> None:
        height, width, channels = image_shape
        if height != width or channels not in (1, 3):
            raise ConfigurationError(
                "Expected a model of square images with 1 or 3 channels, as "
                f"files are decoded to. Received: {image_shape}"
            )
        super().__init__(
            np.zeros(len(pictures), np.int32),
            class_names,
            image_shape,
            pixel_scale=pixel_scale,
            pixel_mean=(0.5,) * channels,
            pixel_std=(0.25,) * channels,
            name="pictures",
        )
        self.margin = int(margin)
        self.unreadable: dict[int, str] = {}
        self._pictures = np.empty(len(pictures), object)
        self._pictures[:] = pictures

    def fetch(self, index: TensorLike) -> tf.Tensor:
        index = tf.convert_to_tensor(index)
        kind = tf.uint8 if self.pixel_scale == 255.0 else tf.float32
        images = tf.numpy_function(self._read, [index], kind)
        return tf.ensure_shape(images, [index.shape[0], *self.image_shape])

    def _read(self, rows):
        side, margin = self.image_shape[0], self.margin
        images, problems = decoding.read_pictures(
            self._pictures[rows], side + 2 * margin, read=file_bytes
        )
        self.unreadable.update({int(rows[i]): w for i, w in problems.items()})
        images = images[:, margin : margin + side, margin : margin + side]
        if self.image_shape[2] == 1:
            # Luma by ITU-R BT.601 in 16 bits, as Pillow and servers compute it.
            weights = np.array([19595, 38470, 7471], np.int32)
            luma = (images.astype(np.int32) * weights).sum(-1, keepdims=True)
            images = ((luma + 0x8000) // 0x10000).astype(np.uint8)
        if self.pixel_scale == 255.0:
            return images
        return images.astype(np.float32) * (self.pixel_scale / 255.0)

    def _select(self, index):
        self._pictures = self._pictures[index]
        self.unreadable = {}


def file_bytes(picture: Any) -> bytes:
    """The bytes of an image file.

    Args:
        picture: path of the file, or Pillow image.

    Returns:
        bytes; of an image those of a PNG file, which has the same pixels.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_image(picture):
        path = os.path.expanduser(os.fspath(picture))
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError("not a file")  # A pipe would be waited for.
        return decoding.read_bytes(path)
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode not in _PNG_MODES:
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def is_image(value: Any) -> bool:
    """Whether a value is a Pillow image.

    Args:
        value: any object.
    """
    # Those of files are of the classes of Pillow's plug-ins.
    return any(c.__module__ == "PIL.Image" for c in type(value).__mro__)


def is_picture(value: Any) -> bool:
    """Whether a value is a path or a Pillow image.

    Args:
        value: any object.
    """
    return isinstance(value, (str, os.PathLike)) or is_image(value)
