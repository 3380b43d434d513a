"""Food-101N: images of dishes from the web, some with verified labels.

Reference: K.-H. Lee et al., "CleanNet: transfer learning for scalable image
classifier training with label noise", CVPR 2018.
"""

import os

import numpy as np

from noisy_keras.data.layouts import listing

SPLITS = ("train", "test")

#: Published numbers of samples: by the paper; and by L. Bossard et al.,
#: "Food-101", ECCV 2014, which has 250 test images of each class.
COUNTS = {"train": 310_009, "test": 25_250}

MANUAL = """\
Food-101N is at https://kuanghuei.github.io/Food-101N/. Unpack it so that the
folder (Food-101N_release) contains
  images/<class>/            the images
  meta/classes.txt
  meta/imagelist.tsv
  meta/verified_train.tsv    and meta/verified_val.tsv (optional)
It has no test images of its own but uses those of Food-101, which is at
https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/. Unpack Food-101 as
food-101/ inside that folder or beside it, so that food-101/meta/test.txt and
food-101/images/ exist."""

# The first line of each list of Food-101N. The lists of Food-101 have none.

# The first line of each list of Food-101N; Food-101's have none.
_HEADER = "class_name"


def read(
    root: str | os.PathLike,
    split: str,
    food101: str | os.PathLike | None = None,
) -> listing.Listing:
    """Reads a split.

    Args:
        root: str, folder of the data set; see `MANUAL`.
        split: str, `"train"` (all of Food-101N) or `"test"` (the test images
            of Food-101).
        food101: str, folder of Food-101. Defaults to `food-101/` in `root` or
            beside it.

    Returns:
        A `Listing`; for `"test"`, its root is the folder of Food-101. Labels
        are in alphabetical order of the class names. `verified` marks the
        training labels that annotators found right or wrong. There are no true
        labels, because those of wrong labels are not known.

    Raises:
        FileNotFoundError: a folder or a list does not exist.
        ValueError: the split is unknown, or lines are invalid; the message
            contains line numbers.
    """
    listing.require_split(split, SPLITS)
    names = _class_names(root)
    if split == "test":
        root = _find_food101(root, food101)
        path = os.path.join(root, "meta", "test.txt")
    else:
        path = listing.require_file(root, "imagelist.tsv", MANUAL, ["meta"])
    keys, numbers = listing.read_keys(path, _HEADER)
    label_of = {name: label for label, name in enumerate(names)}
    labels = [label_of.get(key.rpartition("/")[0], -1) for key in keys]
    wrong = [
        (key, number)
        for key, number, label in zip(keys, numbers, labels, strict=True)
        if label < 0
    ]
    listing.reject(wrong, "<class>/<key> of a class in classes.txt", path)
    files = [_file(key) for key in keys]
    return listing.Listing(
        os.fspath(root),
        np.asarray([f"images/{file}" for file in files], object),
        np.asarray(labels, np.int32),
        names,
        verified=_read_verified(root, files) if split == "train" else None,
    )


def read_trusted(root: str | os.PathLike) -> listing.Listing:
    """Reads the training images whose label annotators found right.

    Args:
        root: str, folder of the data set.

    Returns:
        A `Listing`.

    Raises:
        FileNotFoundError: the lists of verified labels do not exist.
    """
    found = read(root, "train")
    right = found.verified == 1 if found.verified is not None else ()
    if not np.any(right):
        raise FileNotFoundError(
            f"Expected verified labels in {root}, meta/verified_train.tsv or "
            f"meta/verified_val.tsv. Received: none.\n{MANUAL}"
        )
    return found.subset(right)


def _class_names(root):
    path = listing.require_file(root, "classes.txt", MANUAL, ["meta"])
    names, numbers = listing.read_keys(path, _HEADER)
    wrong = [
        (name, number)
        for i, (name, number) in enumerate(zip(names, numbers, strict=True))
        if name in names[:i]
    ]
    listing.reject(wrong, "each class once", path)
    return tuple(sorted(names))


def _find_food101(root, food101):
    places = [food101]
    if food101 is None:
        beside = os.path.dirname(os.path.abspath(root))
        places = [os.path.join(p, "food-101") for p in (root, beside)]
    for place in places:
        if listing.find_file(place, "test.txt", ["meta"]):
            return place
    raise FileNotFoundError(
        "Expected Food-101, which contains the test images of Food-101N, with "
        f"meta/test.txt in {' or '.join(map(str, places))}. "
        f"Received: no such file.\n{MANUAL}"
    )


def _read_verified(root, files):
    """Reads flags, int8 `[N]`: 1 right, 0 wrong, -1 unknown; or None."""
    flag_of = {}
    lists = ("verified_train.tsv", "verified_val.tsv")
    paths = [listing.find_file(root, name, ["meta"]) for name in lists]
    for path in filter(None, paths):
        keys, flags = listing.read_pairs(path, 2, _HEADER)
        pairs = zip(keys, flags.tolist(), strict=True)
        flag_of.update((_file(key), flag) for key, flag in pairs)
    if not flag_of:
        return None
    # A key of these lists may be missing in the image list: one key of the
    # release is under another class there.
    return np.asarray([flag_of.get(file, -1) for file in files], np.int8)


def _file(key):
    # Keys of Food-101 have no suffix, those of Food-101N do.
    if key.lower().endswith(listing.PICTURE_SUFFIXES):
        return key
    return f"{key}.jpg"
