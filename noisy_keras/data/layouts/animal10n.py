"""Animal-10N: five pairs of animals that people confuse.

H. Song et al., "SELFIE: refurbishing unclean samples for robust deep
learning", ICML 2019.
"""

import os
import re

from noisy_keras.data.io import filesystem
from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

SPLITS = ("train", "test")

#: As published: https://dm.kaist.ac.kr/datasets/animal-10n/.
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
Animal-10N is given out by its authors:
https://dm.kaist.ac.kr/datasets/animal-10n/. Take the picture release, not the
binary one, and unpack it so that the folder has
  training/    pictures named <label>_<id>.jpg
  testing/     likewise"""

_FOLDERS = {"train": "training", "test": "testing"}


def read(root, split):
    """Reads a split, ordered by file name.

    Args:
        root: folder of the data set; see `MANUAL`.
        split: `"train"` or `"test"`.

    Returns:
        A `Listing`.

    Raises:
        FileNotFoundError: the folder is missing, or it holds the binary
            release.
        ValueError: an unknown split, no pictures, or pictures whose name does
            not start with a label.
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
        raise ConfigurationError(
            f"Expected pictures in {folder}. Received: none"
        )
    found = [re.match(r"([0-9]+)_", name) for name in names]
    labels = [int(match.group(1)) if match else -1 for match in found]
    wrong = [
        (name, None)
        for name, label in zip(names, labels, strict=True)
        if not 0 <= label < len(CLASS_NAMES)
    ]
    listing.reject(
        wrong,
        f"pictures named <label>_<id>.jpg with a label in "
        f"[0, {len(CLASS_NAMES)})",
        folder,
    )
    paths = [f"{_FOLDERS[split]}/{name}" for name in names]
    return listing.Listing(root, paths, labels, CLASS_NAMES)


def _reject_binary_release(root):
    binary = [n for n in filesystem.entries(root)[1] if n.endswith(".bin")]
    if binary:
        raise FileNotFoundError(
            f"Expected the picture release of Animal-10N in {root}. "
            f"Received: the binary release ({binary[0]}).\n{MANUAL}"
        )
