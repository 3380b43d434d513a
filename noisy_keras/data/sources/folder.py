"""Sources from images in one folder per class."""

import collections.abc
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import decoding
from noisy_keras.data.io import filesystem
from noisy_keras.data.io.splits import split_of
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def from_folder(
    path: str | os.PathLike,
    split: str | None = None,
    image_size: int = 64,
    class_names: collections.abc.Sequence[str] | None = None,
    **options: Any,
) -> FileSource:
    """Makes a source from images in one sub-folder per class.

    Images may be in folders further below. JPEG, PNG, GIF and BMP files are
    read; other files and hidden files are ignored.

    Args:
        path: str, path of the folder. If its sub-folders are splits, named
            `train`, `validation` (or `val`) and `test`, the folders of the
            classes are in those.
        split: str, `"train"` (the default), `"validation"` or `"test"`, if
            the sub-folders are splits.
        image_size: int, side of the images in pixels.
        class_names: sequence of K str, the classes in order. Defaults to the
            sorted names of the sub-folders.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`, as in
            `Source`.

    Returns:
        A `FileSource`, whose ids are the paths relative to the folder.

    Raises:
        OSError: the folder or the split does not exist.
        ValueError: there are fewer than two classes, a class has no images, a
            sub-folder is not a class, or more than 1 % of the images are
            unreadable.
    """
    path = filesystem.expanded(path)
    if not filesystem.is_folder(path):
        raise OSError(
            f"Expected a folder of images. Received: {path}, which "
            f"{'is a file' if filesystem.exists(path) else 'does not exist'}"
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
            "Expected images in the folder of every class. Received: "
            f"{len(empty)} without any in {root}: {abbreviated(empty)}. Remove "
            "them, or add images."
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


def folder_splits(path: str | os.PathLike) -> dict[str, str]:
    """Returns the splits in a folder of images.

    Args:
        path: str, path of the folder.

    Returns:
        dict from split to the name of its sub-folder, empty if the sub-folders
        are classes.
    """
    found = _sub_folders(path)
    splits = {split: name for name in found if (split := split_of(name))}
    # A class may have the name of a split; then other sub-folders have not.
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
            f"Expected sub-folders named like the classes. Received: "
            f"{len(surplus)} others in {root}: {abbreviated(surplus)}"
        )
