"""WebVision 1.0: what two picture searches gave for 1,000 ImageNet classes.

W. Li et al., "WebVision database: visual learning and understanding from web
data", arXiv:1708.02862.
"""

import collections

import numpy as np

from noisy_keras.data.layouts import listing

SPLITS = ("train", "test")
NUM_CLASSES = 1000
MINI_NUM_CLASSES = 50

MANUAL = """\
WebVision 1.0 is at https://data.vision.ee.ethz.ch/cvl/webvision/. Unpack
info.tar, google_resized_256.tar, flickr_resized_256.tar (mini-WebVision does
without) and val_images_256.tar so that the folder has
  info/train_filelist_google.txt and info/train_filelist_flickr.txt
  info/val_filelist.txt
  info/synsets.txt           class names (may be missing)
  google/ and flickr/        training pictures
  val_images_256/            validation pictures"""


def read(root, split, mini=False):
    """Reads a split.

    The published validation pictures are `"test"`: papers report on them. To
    select a model, hold out a part of `"train"`.

    Args:
        root: folder of the data set; see `MANUAL`.
        split: `"train"` or `"test"`.
        mini: leaves the first 50 classes, and Google's pictures alone, as
            L. Jiang et al., "MentorNet", ICML 2018, does.

    Returns:
        A `Listing`. Labels are in the order of ImageNet's synset ids.

    Raises:
        FileNotFoundError: the folder or a list is missing.
        ValueError: an unknown split, or lines that are wrong; with line
            numbers.
    """
    listing.require_split(split, SPLITS)
    if split == "test":
        names, folder = ["val_filelist.txt"], "val_images_256/"
    else:
        names, folder = ["train_filelist_google.txt"], ""
        if not mini:
            names.append("train_filelist_flickr.txt")
    paths, labels = [], []
    for name in names:
        path = listing.require_file(root, name, MANUAL, folders=["info"])
        keys, values = listing.read_pairs(path, NUM_CLASSES)
        paths.extend(folder + key for key in keys)
        labels.append(values)
    paths = np.asarray(paths, object)
    labels = np.concatenate(labels)
    class_names = read_synsets(root)[1]
    if mini:
        kept = labels < MINI_NUM_CLASSES
        if not kept.any():
            raise ValueError(
                f"Expected labels below {MINI_NUM_CLASSES} in {path}. "
                "Received: none"
            )
        paths, labels = paths[kept], labels[kept]
        class_names = class_names[:MINI_NUM_CLASSES]
    return listing.Listing(root, paths, labels, class_names)


def read_mini(root, split):
    """Reads a split of mini-WebVision; see `read`."""
    return read(root, split, mini=True)


def read_synsets(root):
    """Reads which ImageNet synset each label is.

    Args:
        root: folder of the data set.

    Returns:
        Synset ids, a tuple of 1,000 strings such as `"n01440764"`, or None
        without `info/synsets.txt`; and class names, a tuple of 1,000 strings,
        which are the labels as text then. Of names that two synsets share,
        each carries its id.

    Raises:
        ValueError: lines that are wrong, with line numbers, or another count.
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
        raise ValueError(
            f"Expected {NUM_CLASSES} synsets in {path}. Received: {len(parts)}"
        )
    count = collections.Counter(name for _, name in parts)
    # ImageNet has two cranes, a bird and a machine.
    class_names = tuple(
        f"{name} ({synset})" if count[name] > 1 else name
        for synset, name in parts
    )
    return tuple(synset for synset, _ in parts), class_names
