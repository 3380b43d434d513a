"""Food-101N: dishes from the web, some labels of which people checked.

K.-H. Lee et al., "CleanNet: transfer learning for scalable image classifier
training with label noise", CVPR 2018.
"""

import os

import numpy as np

from noisy_keras.data.layouts import listing

SPLITS = ("train", "test")

#: As published: by the paper; and by L. Bossard et al., "Food-101", ECCV
#: 2014, whose test pictures are 250 of each class.
COUNTS = {"train": 310_009, "test": 25_250}

MANUAL = """\
Food-101N is at https://kuanghuei.github.io/Food-101N/. Unpack it so that the
folder (Food-101N_release) has
  images/<class>/            the pictures
  meta/classes.txt
  meta/imagelist.tsv
  meta/verified_train.tsv    and meta/verified_val.tsv (may be missing)
It has no test pictures of its own: those are Food-101's, at
https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/. Unpack it as
food-101/ inside that folder or beside it, so that food-101/meta/test.txt and
food-101/images/ are there."""

# The first line of each list of Food-101N; Food-101's have none.
_HEADER = "class_name"


def read(root, split, food101=None):
    """Reads a split.

    Args:
        root: folder of the data set; see `MANUAL`.
        split: `"train"`: all of Food-101N; `"test"`: the test pictures of
            Food-101.
        food101: folder of Food-101; None looks for `food-101/` in `root` and
            beside it.

    Returns:
        A `Listing`; its root is the folder of Food-101 for `"test"`. Labels
        are in alphabetical order. `verified` says which training labels a
        person found right or wrong. What a wrong one should be is not known,
        so there are no true labels.

    Raises:
        FileNotFoundError: a folder or a list is missing.
        ValueError: an unknown split, or lines that are wrong; with line
            numbers.
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
        root,
        [f"images/{file}" for file in files],
        np.asarray(labels, np.int32),
        names,
        verified=_read_verified(root, files) if split == "train" else None,
    )


def read_trusted(root):
    """Reads the training pictures whose label a person found right.

    Args:
        root: folder of the data set.

    Returns:
        A `Listing`.

    Raises:
        FileNotFoundError: the lists of verified labels are missing.
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
        "Expected Food-101, whose test pictures are those of Food-101N, with "
        f"meta/test.txt in {' or '.join(map(str, places))}. "
        f"Received: no such file.\n{MANUAL}"
    )


def _read_verified(root, files):
    """int8 `[N]`: 1 right, 0 wrong, -1 unknown; None without the lists."""
    flag_of = {}
    lists = ("verified_train.tsv", "verified_val.tsv")
    paths = [listing.find_file(root, name, ["meta"]) for name in lists]
    for path in filter(None, paths):
        keys, flags = listing.read_pairs(path, 2, _HEADER)
        pairs = zip(keys, flags.tolist(), strict=True)
        flag_of.update((_file(key), flag) for key, flag in pairs)
    if not flag_of:
        return None
    # A key of these lists may be in no other: the release has one that stands
    # under another class there.
    return np.asarray([flag_of.get(file, -1) for file in files], np.int8)


def _file(key):
    # Food-101 leaves the suffix out, Food-101N does not.
    if key.lower().endswith(listing.PICTURE_SUFFIXES):
        return key
    return f"{key}.jpg"
