"""Clothing1M: images of clothes, labelled by the text of online shops.

Reference: T. Xiao et al., "Learning from massive noisy labeled data for image
classification", CVPR 2015.
"""

import os

import numpy as np

from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

SPLITS = ("train", "validation", "test", "clean_train")

#: Published numbers of samples: https://github.com/Cysu/noisy_label.
COUNTS = {
    "train": 1_000_000,
    "validation": 14_313,
    "test": 10_526,
    "clean_train": 47_570,
}

CLASS_NAMES = (
    "T-Shirt",
    "Shirt",
    "Knitwear",
    "Chiffon",
    "Sweater",
    "Hoodie",
    "Windbreaker",
    "Jacket",
    "Down Coat",
    "Suit",
    "Shawl",
    "Dress",
    "Vest",
    "Underwear",
)

MANUAL = """\
Clothing1M is provided by its authors: https://github.com/Cysu/noisy_label.
Unpack it so that the folder contains
  images/0/ ... images/9/    the images
  noisy_train_key_list.txt   and clean_train_, clean_val_, clean_test_key_list
  noisy_label_kv.txt         and clean_label_kv.txt
  category_names_eng.txt     (optional)
Lists may also be in annotations/. Key lists and label files may be replaced by
noisy_train.txt, clean_val.txt and clean_test.txt with lines `path label`."""

# By split: prefix of the key list and of the label file. Some copies have one
# list instead of both.
_LISTS = {
    "train": ("noisy_train", "noisy"),
    "validation": ("clean_val", "clean"),
    "test": ("clean_test", "clean"),
    "clean_train": ("clean_train", "clean"),
}


def read(root: str | os.PathLike, split: str) -> listing.Listing:
    """Reads a split.

    Published results train on `"train"`, whose labels are noisy, select models
    on `"validation"` and report on `"test"`; they do not use `"clean_train"`.
    If a label file contains a key twice, the last line is used.

    Args:
        root: str, folder of the data set; see `MANUAL`.
        split: str, one of `SPLITS`.

    Returns:
        A `Listing`. Its ids are the keys as written in the list. Training
        samples whose key is also in `clean_label_kv.txt` have true labels.

    Raises:
        FileNotFoundError: the folder or a list does not exist.
        ValueError: the split is unknown, a key has no label, or lines are
            invalid; the message contains line numbers.
    """
    listing.require_split(split, SPLITS)
    listing.require_folder(root, MANUAL)
    prefix, kind = _LISTS[split]
    names = _class_names(root)
    both = listing.find_file(root, f"{prefix}.txt")
    if both and not listing.find_file(root, f"{prefix}_key_list.txt"):
        keys, labels = listing.read_pairs(both, len(names))
    else:
        keys, labels = _read_keys_and_labels(root, prefix, kind, len(names))
    paths = [_path(key) for key in keys]
    true_labels = None
    if split == "train":
        true_labels = _true_labels(root, paths, len(names))
    return listing.Listing(
        os.fspath(root),
        np.asarray(paths, object),
        labels,
        names,
        true_labels=true_labels,
        ids=np.asarray(keys, object),
    )


def read_trusted(root: str | os.PathLike) -> listing.Listing:
    """Reads the training images with verified labels.

    Args:
        root: str, folder of the data set.

    Returns:
        The `Listing` of the split `"clean_train"`.

    Raises:
        FileNotFoundError: the folder or a list does not exist.
        ValueError: lines are invalid.
    """
    return read(root, "clean_train")


def _class_names(root):
    path = listing.find_file(root, "category_names_eng.txt")
    if path is None:
        return CLASS_NAMES
    names, _ = listing.read_keys(path)
    if len(names) != len(CLASS_NAMES):
        raise ConfigurationError(
            f"Expected {len(CLASS_NAMES)} class names in {path}. "
            f"Received: {len(names)}"
        )
    return tuple(names)


def _read_keys_and_labels(root, prefix, kind, num_classes):
    key_list = listing.require_file(root, f"{prefix}_key_list.txt", MANUAL)
    keys, numbers = listing.read_keys(key_list)
    label_file = listing.require_file(root, f"{kind}_label_kv.txt", MANUAL)
    label_of = _read_label_file(label_file, num_classes)
    labels = [label_of.get(_path(key), -1) for key in keys]
    wrong = [
        (key, number)
        for key, number, label in zip(keys, numbers, labels, strict=True)
        if label < 0
    ]
    name = os.path.basename(label_file)
    listing.reject(wrong, f"keys that have a label in {name}", key_list)
    return keys, np.asarray(labels, np.int32)


def _read_label_file(path, num_classes):
    keys, labels = listing.read_pairs(path, num_classes)
    return {
        _path(key): label
        for key, label in zip(keys, labels.tolist(), strict=True)
    }


def _true_labels(root, paths, num_classes):
    """Reads true labels, int32 `[N]`, -1 where unknown; None if all are."""
    label_file = listing.find_file(root, "clean_label_kv.txt")
    if label_file is None:
        return None
    label_of = _read_label_file(label_file, num_classes)
    labels = np.asarray([label_of.get(path, -1) for path in paths], np.int32)
    return labels if (labels >= 0).any() else None


def _path(key):
    # Published codes disagree on whether keys start with "images/".
    key = key.lstrip("/")
    return key if key.startswith("images/") else f"images/{key}"
