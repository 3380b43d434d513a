"""ImageNet32 and ImageNet64: ImageNet at 32x32 or 64x64 pixels.

The npz release is read image by image, because a batch of ImageNet64 takes
1.6 GB. The pickled release is not supported, because loading a pickle can run
any code.

Reference: P. Chrabaszcz et al., "A downsampled variant of ImageNet as an
alternative to the CIFAR datasets", arXiv:1707.08819.
"""

import collections.abc
import contextlib
import os
import zipfile
import zlib

import numpy as np

from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

NUM_CLASSES = 1000

#: Published numbers of samples: those of ILSVRC 2012.
COUNTS = {"train": 1_281_167, "test": 50_000}

BATCHES = {
    "train": tuple(f"train_data_batch_{i}" for i in range(1, 11)),
    "test": ("val_data",),
}

_ARCHIVES = {
    32: ("train_npz", "val_npz"),
    64: ("train_part1_npz", "train_part2_npz", "val_npz"),
}
_BROKEN = (zipfile.BadZipFile, zlib.error)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def archives(size: int) -> tuple[str, ...]:
    """Returns the file names of the published archives.

    Args:
        size: int, 32 or 64.

    Returns:
        Tuple of str.
    """
    return tuple(f"Imagenet{size}_{part}.zip" for part in _ARCHIVES[size])


def manual(size: int) -> str:
    """Returns the expected folder structure, for error messages.

    Args:
        size: int, 32 or 64.

    Returns:
        str.
    """
    return f"""\
ImageNet{size} is at https://image-net.org/download-images ("Downsampled image
data", npz format, not the pickled one). Unpack
{", ".join(archives(size))}
so that the folder, or folders in it, contain
  train_data_batch_1.npz ... train_data_batch_10.npz
  val_data.npz
  map_clsloc.txt             class names (optional)"""


def find_batches(
    roots: collections.abc.Sequence[str], size: int
) -> tuple[dict[str, list[str]], list[str]]:
    """Searches for the files of the release.

    Args:
        roots: sequence of str, folders to search. Folders in them are searched
            as well.
        size: int, 32 or 64, for error messages.

    Returns:
        A pair of a dict from split to the list of paths in the published
        order, and a list of paths of npz files that are not part of the
        release.

    Raises:
        FileNotFoundError: files are missing, or there is only the pickled
            release.
    """
    found: dict[str, str] = {}
    found = {}
    for root in roots:
        for folder, _, names in _walk(root):
            for name in sorted(names):
                found.setdefault(name, os.path.join(folder, name))
    wanted = [f"{name}.npz" for part in BATCHES.values() for name in part]
    missing = [name for name in wanted if name not in found]
    if missing:
        where = " or ".join(map(str, roots))
        pickled = [n for n in found if f"{n}.npz" in wanted]
        if pickled:
            raise FileNotFoundError(
                f"Expected the npz release of ImageNet{size} in {where}. "
                f"Received: the pickled one ({pickled[0]}), which is not "
                f"supported: a pickle can run any code.\n{manual(size)}"
            )
        shown = ", ".join(missing[:3]) + (", ..." if missing[3:] else "")
        raise FileNotFoundError(
            f"Expected {len(wanted)} files of ImageNet{size} in {where}. "
            f"Received: {len(missing)} missing ({shown}).\n{manual(size)}"
        )
    paths = {
        split: [found[f"{name}.npz"] for name in part]
        for split, part in BATCHES.items()
    }
    surplus = [
        path
        for name, path in found.items()
        if name.endswith(".npz") and name not in wanted
    ]
    return paths, surplus


def _walk(root):
    # Each archive unpacks into one folder, so deeper folders are not searched.
    for depth, entry in enumerate(os.walk(root)):
        if depth:
            entry[1].clear()
        yield entry


def read_labels(path: str, size: int) -> np.ndarray:
    """Reads the labels of a batch and checks the shape of its images.

    Args:
        path: str, path of an npz file.
        size: int, 32 or 64.

    Returns:
        int64 array `[n]` in `[0, 1000)`, in the release's own order of
        classes, which is not that of synset ids.

    Raises:
        ValueError: the file is not an npz file of the release.
    """
    with _opened(path, "labels") as (stream, shape, dtype):
        count = int(np.prod(shape))
        labels = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    # The release counts from 1.
    labels = labels.astype(np.int64) - 1
    wrong = np.flatnonzero((labels < 0) | (labels >= NUM_CLASSES))
    listing.reject(
        [(int(labels[i]) + 1, None) for i in wrong],
        f"labels in [1, {NUM_CLASSES}]",
        path,
    )
    with _opened(path, "data") as (_, shape, dtype):
        if dtype != np.uint8 or shape != (len(labels), 3 * size * size):
            raise ConfigurationError(
                f"Expected {len(labels)} images of {size}x{size} pixels in "
                f"{path}, uint8 {(len(labels), 3 * size * size)}. "
                f"Received: {dtype} {shape}"
            )
    return labels


def read_images(path: str, size: int) -> collections.abc.Iterator[np.ndarray]:
    """Reads the images of a batch one by one.

    Args:
        path: str, path of an npz file that `read_labels` has checked.
        size: int, 32 or 64.

    Yields:
        uint8 arrays `[size, size, 3]`.

    Raises:
        ValueError: the file is truncated.
    """
    with _opened(path, "data") as (stream, shape, _):
        for row in range(shape[0]):
            data = stream.read(3 * size * size)
            if len(data) < 3 * size * size:
                raise ConfigurationError(
                    f"Expected {shape[0]} images in {path}. Received: {row}"
                )
            # Images are stored by channel: red, green, blue.
            planes = np.frombuffer(data, np.uint8).reshape(3, size, size)
            yield np.ascontiguousarray(planes.transpose(1, 2, 0))


@contextlib.contextmanager
def _opened(path, name):
    """Opens an array; yields a stream of its values, its shape and dtype."""
    try:
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(f"{name}.npy") as stream,
        ):
            version = np.lib.format.read_magic(stream)
            shape, by_columns, dtype = _HEADERS[version](stream)
            if by_columns or dtype.kind not in "iu":
                raise ConfigurationError(f"`{name}` of dtype {dtype}")
            yield stream, shape, dtype
    except (*_BROKEN, EOFError, KeyError, ValueError) as error:
        if str(error).startswith("Expected"):
            raise
        raise ConfigurationError(
            f"Expected an npz file with integer arrays `data` and `labels` in "
            f"{path}. Received: {error}"
        ) from error


def drpl_classes() -> tuple[np.ndarray, np.ndarray]:
    """Returns the classes that DRPL trains on, and the others.

    Reference: D. Ortego et al., "Towards robust learning with different label
    noise distributions", ICPR 2020. The authors' code draws the classes with
    NumPy's seed 42 (https://github.com/DiegoOrtego/LabelNoiseDRPL,
    `ImageNet32_64/ClassPermutationUsed.txt`).

    Returns:
        A pair of int64 arrays of labels in the release: `[100]`, the classes
        that become 0 to 99, in this order; and `[900]`, the classes whose
        images are out-of-distribution samples.
    """
    order = np.random.RandomState(42).permutation(NUM_CLASSES)
    return order[:100], order[100:]


def read_class_map(path: str) -> tuple[str, ...]:
    """Reads the ImageNet synset of each label.

    Args:
        path: str, path of `map_clsloc.txt`.

    Returns:
        Tuple of 1,000 synset ids (str), by label in `[0, 1000)`.

    Raises:
        ValueError: lines are invalid; the message contains line numbers.
    """
    lines, numbers = listing.read_keys(path)
    parts = [line.split() for line in lines]
    wrong = [
        (line, number)
        for i, (line, number) in enumerate(zip(lines, numbers, strict=True))
        if len(parts[i]) != 3 or parts[i][1] != str(i + 1)
    ]
    expected = "lines `<synset id> <label> <name>` with labels from 1"
    listing.reject(wrong, expected, path)
    return tuple(part[0] for part in parts)
