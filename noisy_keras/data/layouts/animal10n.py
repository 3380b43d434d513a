"""Animal-10N: five pairs of animals that are easily confused.

Reference: H. Song et al., "SELFIE: refurbishing unclean samples for robust
deep learning", ICML 2019.
"""

import os
import re

import numpy as np

from noisy_keras.data.io import filesystem
from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

SPLITS = ("train", "test")

#: Published numbers of samples: https://dm.kaist.ac.kr/datasets/animal-10n/.
COUNTS = {"train": 50_000, "test": 5_000}

CLASS_NAMES = (
    "cat",
    "lynx",
    "wolf",
    "coyote",
    "cheetah",
    "jaguar",
    "chimpanzee",
    "orangutan",
    "hamster",
    "guinea pig",
)

MANUAL = """\
Animal-10N is provided by its authors:
https://dm.kaist.ac.kr/datasets/animal-10n/. Use the image release, not the
binary one, and unpack it so that the folder contains
  training/    images named <label>_<id>.jpg
  testing/     images named likewise"""

_FOLDERS = {"train": "training", "test": "testing"}


def read(root: str | os.PathLike, split: str) -> listing.Listing:
    """Reads a split, ordered by file name.

    Args:
        root: str, folder of the data set; see `MANUAL`.
        split: str, `"train"` or `"test"`.

    Returns:
        A `Listing`.

    Raises:
        FileNotFoundError: the folder does not exist, or contains the binary
            release.
        ValueError: the split is unknown, there are no images, or the name of
            an image does not start with a label.
    """
    listing.require_split(split, SPLITS)
    listing.require_folder(root, MANUAL)
    folder = os.path.join(root, _FOLDERS[split])
    if not filesystem.is_folder(folder):
        _reject_binary_release(root)
        listing.require_folder(folder, MANUAL)
    names = [
        name
        for name in filesystem.entries(folder)[1]
        if name.lower().endswith(listing.PICTURE_SUFFIXES)
        and not name.startswith(".")
    ]
    if not names:
        raise ConfigurationError(f"Expected images in {folder}. Received: none")
    found = [re.match(r"([0-9]+)_", name) for name in names]
    labels = [int(match.group(1)) if match else -1 for match in found]
    wrong = [
        (name, None)
        for name, label in zip(names, labels, strict=True)
        if not 0 <= label < len(CLASS_NAMES)
    ]
    listing.reject(
        wrong,
        f"images named <label>_<id>.jpg with a label in "
        f"[0, {len(CLASS_NAMES)})",
        folder,
    )
    paths = [f"{_FOLDERS[split]}/{name}" for name in names]
    return listing.Listing(
        os.fspath(root),
        np.asarray(paths, object),
        np.asarray(labels),
        CLASS_NAMES,
    )


def _reject_binary_release(root):
    binary = [n for n in filesystem.entries(root)[1] if n.endswith(".bin")]
    if binary:
        raise FileNotFoundError(
            f"Expected the image release of Animal-10N in {root}. "
            f"Received: the binary release ({binary[0]}).\n{MANUAL}"
        )
