"""WebVision 1.0: results of two image searches for 1,000 ImageNet classes.

Reference: W. Li et al., "WebVision database: visual learning and understanding
from web data", arXiv:1708.02862.
"""

import collections
import os

import numpy as np

from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

SPLITS = ("train", "test")
NUM_CLASSES = 1000
MINI_NUM_CLASSES = 50

#: Published number of samples. For the 2.4 million training images, no exact
#: number is published.
COUNTS = {"test": 50_000}
#: Numbers of samples in published results on mini-WebVision.
MINI_COUNTS = {"train": 65_944, "test": 2_500}

_TRAIN_LISTS = ("train_filelist_google.txt", "train_filelist_flickr.txt")
_TEST_LIST = "val_filelist.txt"

MANUAL = """\
WebVision 1.0 is at https://data.vision.ee.ethz.ch/cvl/webvision/. Unpack
info.tar, google_resized_256.tar, flickr_resized_256.tar (not needed for
mini-WebVision) and val_images_256.tar so that the folder contains
  info/train_filelist_google.txt and info/train_filelist_flickr.txt
  info/val_filelist.txt
  info/synsets.txt           class names (optional)
  google/ and flickr/        training images
  val_images_256/            validation images"""


def read(
    root: str | os.PathLike, split: str, mini: bool = False
) -> listing.Listing:
    """Reads a split.

    The published validation images are `"test"`, because papers report results
    on them. To select a model, hold out a part of `"train"`.

    Args:
        root: str, folder of the data set; see `MANUAL`.
        split: str, `"train"` or `"test"`.
        mini: bool, whether to use only the first 50 classes and only images
            from Google, as in L. Jiang et al., "MentorNet", ICML 2018.

    Returns:
        A `Listing`. Labels follow the order of ImageNet's synset ids.

    Raises:
        FileNotFoundError: the folder or a list does not exist.
        ValueError: the split is unknown, or lines are invalid; the message
            contains line numbers.
    """
    listing.require_split(split, SPLITS)
    names = [_TEST_LIST] if split == "test" else list(_TRAIN_LISTS)
    if mini:
        del names[1:]
    lists = []
    for name in names:
        path = listing.require_file(root, name, MANUAL, folders=["info"])
        lists.append(_read_list(path, name))
    paths = np.concatenate([paths for paths, _ in lists])
    labels = np.concatenate([labels for _, labels in lists])
    class_names = read_synsets(root)[1]
    if mini:
        in_mini = labels < MINI_NUM_CLASSES
        if not in_mini.any():
            raise ConfigurationError(
                f"Expected labels below {MINI_NUM_CLASSES} in {path}. "
                "Received: none"
            )
        paths, labels = paths[in_mini], labels[in_mini]
        class_names = class_names[:MINI_NUM_CLASSES]
    return listing.Listing(os.fspath(root), paths, labels, class_names)


def read_mini(root: str | os.PathLike, split: str) -> listing.Listing:
    """Reads a split of mini-WebVision; see `read`."""
    return read(root, split, mini=True)


def read_lists(root: str | os.PathLike) -> list[listing.Listing]:
    """Reads all lists that exist.

    Args:
        root: str, folder of the data set.

    Returns:
        List of `Listing`s of all 1,000 classes.

    Raises:
        ValueError: lines are invalid; the message contains line numbers.
    """
    class_names = tuple(str(label) for label in range(NUM_CLASSES))
    found = []
    for name in (*_TRAIN_LISTS, _TEST_LIST):
        path = listing.find_file(root, name, folders=["info"])
        if path:
            paths, labels = _read_list(path, name)
            found.append(
                listing.Listing(os.fspath(root), paths, labels, class_names)
            )
    return found


def _read_list(path, name):
    keys, labels = listing.read_pairs(path, NUM_CLASSES)
    folder = "val_images_256/" if name == _TEST_LIST else ""
    return np.asarray([folder + key for key in keys], object), labels


def read_synsets(
    root: str | os.PathLike,
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Reads the ImageNet synset of each label.

    Args:
        root: str, folder of the data set.

    Returns:
        A pair of tuples: 1,000 synset ids (str) such as `"n01440764"`, or None
        without `info/synsets.txt`; and 1,000 class names (str), which are the
        labels as text without that file. Names that several synsets share are
        followed by the synset id.

    Raises:
        ValueError: lines are invalid or their number is wrong; the message
            contains line numbers.
    """
    path = listing.find_file(root, "synsets.txt", folders=["info"])
    if path is None:
        return None, tuple(str(label) for label in range(NUM_CLASSES))
    lines, numbers = listing.read_keys(path)
    parts = [line.split(None, 1) for line in lines]
    wrong = [
        (line, number)
        for line, number, part in zip(lines, numbers, parts, strict=True)
        if len(part) != 2
    ]
    listing.reject(wrong, "a synset id and a name in each line", path)
    if len(parts) != NUM_CLASSES:
        raise ConfigurationError(
            f"Expected {NUM_CLASSES} synsets in {path}. Received: {len(parts)}"
        )
    count = collections.Counter(name for _, name in parts)
    # ImageNet has two classes "crane", a bird and a machine.
    class_names = tuple(
        f"{name} ({synset})" if count[name] > 1 else name
        for synset, name in parts
    )
    return tuple(synset for synset, _ in parts), class_names
