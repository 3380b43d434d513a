"""Fingerprints by which identical and nearly identical pictures are found.

A picture's print is its own reduced to 9 x 8 pixels. The signs of the
differences of neighbouring pixels are the difference hash "dHash" of 64 bits
(N. Krawetz, "Kind of like that", 2013): it survives another size, another
format and stronger compression.
"""

import dataclasses
import hashlib
from typing import Self

import numpy as np

#: Shape of a reduced picture, in pixels and channels.
SHAPE = (8, 9, 3)
#: Size of a digest of the content, in bytes.
DIGEST = 16
# A difference of neighbours that counts, in grey levels: so that areas of one
# colour hash to zeros although compression adds noise to them.
_STEP = 2


@dataclasses.dataclass(frozen=True)
class Prints:
    """Fingerprints of n pictures.

    Attributes:
        digests: uint8 array `[n, 16]`, hashes of the files' bytes, or of the
            pixels of pictures that are no files.
        reduced: uint8 array `[n, 8, 9, 3]`, the pictures in 9 x 8 pixels.
    """

    digests: np.ndarray
    reduced: np.ndarray

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, index: np.ndarray) -> Self:
        return type(self)(self.digests[index], self.reduced[index])

    @property
    def hashes(self) -> np.ndarray:
        """Difference hashes, bool array `[n, 64]`."""
        grey = self.reduced.astype(np.int16).sum(axis=-1)
        step = 3 * _STEP
        return (grey[:, :, 1:] - grey[:, :, :-1] > step).reshape(len(self), 64)


def empty(count: int) -> Prints:
    """Prints of `count` pictures, to be filled."""
    return Prints(
        np.zeros((count, DIGEST), np.uint8),
        np.zeros((count, *SHAPE), np.uint8),
    )


def digest(data: bytes) -> np.ndarray:
    """Hash of bytes, uint8 array `[16]`."""
    found = hashlib.blake2b(data, digest_size=DIGEST).digest()
    return np.frombuffer(found, np.uint8)


def reduced(image: np.ndarray) -> np.ndarray:
    """Reduces a picture.

    Args:
        image: uint8 array `[H, W, 1 or 3]`.

    Returns:
        uint8 array `[8, 9, 3]`.
    """
    # Imported here because only own pictures need it.
    from PIL import Image

    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    height, width, _ = SHAPE
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small)
