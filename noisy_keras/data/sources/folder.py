"""Sources from pictures in one folder per class."""

import os

import numpy as np

from noisy_keras.data.io import decoding
from noisy_keras.data.io import filesystem
from noisy_keras.data.io.splits import split_of
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def from_folder(path, split=None, image_size=64, class_names=None, **options):
    """A source from pictures in one sub-folder per class.

    Pictures may be nested deeper; JPEG, PNG, GIF and BMP are taken, other
    files and hidden ones are not.

    Args:
        path: folder. Where its sub-folders are `train`, `validation` (`val`)
            or `test`, the classes are sought in those.
        split: `"train"`, `"validation"` or `"test"`, for such a folder;
            default: `"train"`.
        image_size: side in pixels to bring the images to.
        class_names: of the classes in order; default: the names of the
            sub-folders, sorted.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`.

    Returns:
        A `FileSource`; ids are the paths below the folder.

    Raises:
        OSError: there is no such folder or split.
        ValueError: fewer than two classes, a class without pictures, a
            sub-folder that is no class, or more than 1 % unreadable pictures.
    """
    path = filesystem.expanded(path)
    if not filesystem.is_folder(path):
        raise OSError(
            f"Expected a folder of pictures. Received: {path}, which is "
            f"{'a file' if filesystem.exists(path) else 'not there'}"
        )
    splits = folder_splits(path)
    if splits:
        wanted = split or "train"
        if wanted not in splits:
            raise OSError(
                f"Expected the split {wanted!r} in {path}. "
                f"Received: {', '.join(splits)}"
            )
        root = os.path.join(path, splits[wanted])
        if class_names is None and wanted != "train" and "train" in splits:
            class_names = _sub_folders(os.path.join(path, splits["train"]))
    elif split not in (None, "train"):
        raise OSError(
            f"Expected a sub-folder {split!r} in {path}. Received: classes"
        )
    else:
        root = path
    found = _sub_folders(root)
    names = list(class_names or found)
    _check_classes(root, found, names)
    paths, labels = [], []
    empty = []
    for label, name in enumerate(names):
        inside = sorted(_pictures(root, name))
        if not inside and name in found:
            empty.append(name)
        paths += inside
        labels += [label] * len(inside)
    if empty:
        raise ConfigurationError(
            "Expected pictures in the folder of every class. Received: "
            f"{len(empty)} without any in {root}: {abbreviated(empty)}. Remove "
            "them, or add pictures."
        )
    options.setdefault("name", os.path.basename(os.path.normpath(path)))
    source = FileSource(
        paths,
        np.asarray(labels),
        names,
        root=root,
        image_size=image_size,
        **options,
    )
    return source.readable()


def folder_splits(path):
    """Which splits a folder of pictures has.

    Args:
        path: folder.

    Returns:
        dict from split to the sub-folder's name; empty where the sub-folders
        are classes.
    """
    found = _sub_folders(path)
    splits = {split_of(name): name for name in found if split_of(name)}
    # A class may be called "test"; then not all sub-folders are splits.
    return splits if len(splits) == len(found) and "train" in splits else {}


def _sub_folders(path):
    folders, _ = filesystem.entries(path)
    return [name for name in folders if not name.startswith(".")]


def _pictures(root, name):
    for below in filesystem.walk(os.path.join(root, name)):
        if below.lower().endswith(decoding.EXTENSIONS):
            yield f"{name}/{below}"


def _check_classes(root, found, names):
    if len(found) < 2 and len(names) < 2:
        raise ConfigurationError(
            "Expected one sub-folder per class, at least 2. Received: "
            f"{len(found)} in {root}" + (f": {found[0]}" if found else "")
        )
    surplus = [name for name in found if name not in names]
    if surplus:
        raise ConfigurationError(
            f"Expected sub-folders named as the classes. Received: "
            f"{len(surplus)} others in {root}: {abbreviated(surplus)}"
        )
