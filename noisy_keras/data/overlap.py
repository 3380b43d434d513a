"""Detection of images that occur in two sources."""

import collections.abc
import hashlib
import os

import numpy as np

from noisy_keras.data.io import filesystem
from noisy_keras.data.sources.array_source import ArraySource
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.data.sources.source import Source

# Number of pixel values compared at a time, which take about 50 MB.
_COMPARED = 2**20


def same_pictures(source: Source, trusted: Source) -> list[int]:
    """Finds the images of a source that are also in another source.

    If both sources are in memory, all images are compared. Otherwise reading
    all of them could take hours: if both sources are files, images are equal
    if they are the same file, however their paths are written; if not, only
    images of the same id are compared. Only a few images are in memory at a
    time.

    Args:
        source: `Source`.
        trusted: `Source`, for example of trusted samples.

    Returns:
        List of int, positions in `source`, ascending.
    """
    if isinstance(source, ArraySource) and isinstance(trusted, ArraySource):
        hashes = set(_fingerprints(trusted))
        numbered = enumerate(_fingerprints(source))
        return [row for row, digest in numbered if digest in hashes]
    if isinstance(source, FeatureSource) and isinstance(trusted, FeatureSource):
        hashes = set(trusted.digests())
        return [r for r, d in enumerate(source.digests()) if d in hashes]
    if source.image_shape != trusted.image_shape:
        return []
    if are_files(source) and are_files(trusted):
        names = set(keys(trusted))
        return [row for row, key in enumerate(keys(source)) if key in names]
    place = {str(name): row for row, name in enumerate(source.ids)}
    pairs = [
        (place[str(name)], row)
        for row, name in enumerate(trusted.ids)
        if str(name) in place
    ]
    # Ids are often plain numbers, so equal ids do not imply equal images.
    found: list[int] = []
    count = _batch_size(source)
    for start in range(0, len(pairs), count):
        own, other = np.asarray(pairs[start : start + count], np.int32).T
        own_pixels = source.fetch(own).numpy() / source.pixel_scale
        other_pixels = trusted.fetch(other).numpy() / trusted.pixel_scale
        same = np.isclose(own_pixels, other_pixels, atol=1e-6)
        found += own[same.all(axis=(1, 2, 3))].tolist()
    return sorted(found)


def are_files(source: Source) -> bool:
    """Returns whether a source reads each image from a file of its own."""
    return (
        source.paths is not None and getattr(source, "root", None) is not None
    )


def keys(source: Source) -> collections.abc.Sequence[str]:
    """Returns keys that identify samples across sources.

    Args:
        source: `Source`.

    Returns:
        Sequence of N str: the paths of files where the source reads files,
        else the ids.
    """
    root, paths = getattr(source, "root", None), source.paths
    if root is None or paths is None:
        return source.ids
    return file_names(root, paths)


def file_names(root: str, paths: collections.abc.Iterable[str]) -> list[str]:
    """Normalises paths, so that each file has one name.

    Args:
        root: str, path of a local or remote folder.
        paths: iterable of str, paths relative to `root`, or absolute.

    Returns:
        List of str.
    """
    if not filesystem.is_remote(root):
        root = os.path.realpath(root)
    return [os.path.normpath(os.path.join(root, path)) for path in paths]


def _fingerprints(source):
    """Yields hashes of all images, independent of their range of values."""
    count = _batch_size(source)
    for start in range(0, source.num_samples, count):
        stop = min(start + count, source.num_samples)
        images = source.fetch(np.arange(start, stop, dtype=np.int32)).numpy()
        if images.dtype != np.uint8:
            images = np.round(images * (255.0 / source.pixel_scale))
        for image in images.astype(np.uint8):
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _batch_size(source):
    return max(1, _COMPARED // int(np.prod(source.image_shape)))
