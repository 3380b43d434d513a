"""Sources from images in one folder per class."""

import collections.abc
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import class_lookup
from noisy_keras.data.io import filesystem
from noisy_keras.data.io import folder_walk
from noisy_keras.data.sources import folder_layout
from noisy_keras.data.sources.file_source import TOLERATED
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.data.sources.reading import Reading
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import warn_about_data


def from_folder(
    path: str | os.PathLike,
    split: str | None = None,
    image_size: int = 64,
    class_names: collections.abc.Sequence[str] | None = None,
    *,
    layout: str | None = None,
    **options: Any,
) -> FileSource:
    """Makes a source from images in one sub-folder per class.

    Images may be in folders further below. Links are followed. Hidden and
    system folders and files that are no images are ignored; `source.reading`
    has what was found, ignored and left out.

    Args:
        path: str, path of the folder. If its sub-folders are splits, the
            folders of the classes are in those. A sub-folder is a split if one
            word of its name is `train`, `training`, `val`, `valid`,
            `validation`, `dev`, `test` or `testing`, as in `seg_train` or
            `val2017`, and if it has sub-folders with images.
        split: str, `"train"` (the default), `"validation"` or `"test"`, if
            the sub-folders are splits.
        image_size: int, side of the images in pixels.
        class_names: sequence of K str, the classes in order. Defaults to the
            sorted names of the sub-folders.
        layout: str, `"classes"` or `"splits"`: what the sub-folders are, if
            their names can be read in two ways. Defaults to what `path` says.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`, as in
            `Source`.

    Returns:
        A `FileSource`, whose ids are the paths relative to the folder.

    Raises:
        OSError: the folder or the split does not exist.
        ValueError: there are fewer than two classes, a class has no images, a
            sub-folder is not a class, the sub-folders can be read in two ways,
            or more than 1 % of the images are unreadable.
    """
    path = filesystem.expanded(path)
    found_layout = _layout(path, layout)
    splits = found_layout.splits
    root = path
    if splits:
        wanted = split or "train"
        if wanted not in splits:
            raise OSError(
                f"Expected the split {wanted!r} in {path}. "
                f"Received: {', '.join(splits)}"
            )
        root = os.path.join(path, splits[wanted])
        if class_names is None and wanted != "train" and "train" in splits:
            class_names = _classes(os.path.join(path, splits["train"]))
    elif split not in (None, "train"):
        raise OSError(
            f"Expected a sub-folder {split!r} in {path}. Received: classes"
        )
    found, hidden = folder_layout.sub_folders(root)
    found, misnamed = _encodable(found)
    names = list(class_names or found)
    _check_classes(root, found, names)
    walked = {
        name: folder_walk.below(os.path.join(root, name)) for name in names
    }
    pictures = {
        name: [file for file in below.files if folder_layout.is_picture(file)]
        for name, below in walked.items()
    }
    left_out = _left_out(root, walked, misnamed)
    _check_pictures(root, found, pictures, left_out)
    options.setdefault("name", os.path.basename(os.path.normpath(path)))
    source = FileSource(
        [f"{name}/{file}" for name in names for file in pictures[name]],
        np.repeat(
            np.arange(len(names)), [len(files) for files in pictures.values()]
        ),
        names,
        root=root,
        image_size=image_size,
        **options,
    ).readable()
    source.unreadable.update(left_out)
    notes = class_lookup.notes_on(names)
    warn_about_data(notes)
    counts = np.bincount(source.labels, minlength=len(names))
    source.reading = Reading(
        path,
        dict(zip(source.class_names, counts.tolist(), strict=True)),
        split=(split or "train") if splits else None,
        splits=splits,
        ignored=found_layout.ignored
        | (dict.fromkeys(hidden, "hidden, or of the system"))
        | _other_files(root, walked),
        left_out=source.unreadable,
        notes=notes,
    )
    return source


def folder_splits(
    path: str | os.PathLike, layout: str | None = None
) -> dict[str, str]:
    """Returns the splits in a folder of images.

    Args:
        path: str, path of the folder.
        layout: str, `"classes"` or `"splits"`, as in `from_folder`.

    Returns:
        dict from split to its sub-folder, empty if the sub-folders are
        classes.

    Raises:
        OSError: the folder does not exist.
        ValueError: the sub-folders can be read in two ways.
    """
    return _layout(filesystem.expanded(path), layout).splits


def _layout(path, layout):
    if not filesystem.is_folder(path):
        raise OSError(
            f"Expected a folder of images. Received: {path}, which "
            f"{'is a file' if filesystem.exists(path) else 'does not exist'}"
        )
    return folder_layout.find(path, layout)


def _classes(root):
    return _encodable(folder_layout.sub_folders(root)[0])[0]


def _encodable(names):
    """Names that are UTF-8, and the others."""
    known = [name for name in names if folder_walk.is_encodable(name)]
    return known, [name for name in names if name not in known]


def _check_classes(root, found, names):
    if len(found) < 2 and len(names) < 2:
        hint = ""
        if found:
            inside = os.path.join(root, found[0])
            if folder_layout.sub_folders_with_pictures(inside, most=1):
                hint = f". If the classes are in it, give the path {inside}"
        raise ConfigurationError(
            "Expected one sub-folder per class, at least 2. Received: "
            f"{len(found)} in {root}"
            + (f": {found[0]}" if found else "")
            + hint
        )
    surplus = [name for name in found if name not in names]
    if surplus:
        raise ConfigurationError(
            f"Expected sub-folders named like the classes. Received: "
            f"{len(surplus)} others in {root}: {abbreviated(surplus)}"
        )


def _left_out(root, walked, misnamed):
    """Files that cannot be read, by path relative to the root."""
    left_out = {}
    for name, below in walked.items():
        for file, reason in below.left_out.items():
            left_out[name if file == "." else f"{name}/{file}"] = reason
    for name in misnamed:
        below = folder_walk.below(os.path.join(root, name))
        count = [f for f in below.files if folder_layout.is_picture(f)]
        for file in [*count, *below.left_out]:
            left_out[folder_walk.printable(f"{name}/{file}")] = (
                "the name of its folder is not UTF-8; rename it"
            )
    return left_out


def _check_pictures(root, found, pictures, left_out):
    """Raises if a class has no images, or too many have names without UTF-8."""
    empty = [name for name in found if not pictures[name]]
    if empty:
        reasons = [
            f"{file} ({why})"
            for file, why in left_out.items()
            if file.partition("/")[0] in empty
        ]
        raise ConfigurationError(
            "Expected images in the folder of every class. Received: "
            f"{len(empty)} without any in {root}: {abbreviated(empty)}"
            + (f", with {abbreviated(reasons)}" if reasons else "")
            + ". Remove them, or add images."
        )
    misnamed = [f for f, why in left_out.items() if "not UTF-8" in why]
    total = len(misnamed) + sum(map(len, pictures.values()))
    if len(misnamed) > max(1, TOLERATED * total):
        raise ConfigurationError(
            f"Expected names of files in UTF-8 in {root}. Received: "
            f"{len(misnamed)} others of {total}, such as {misnamed[0]}. Rename "
            "them, for example with `convmv`."
        )


def _other_files(root, walked):
    """What is ignored below the folders of classes, and in the root."""
    ignored = {}
    others = [
        f"{name}/{file}"
        for name, below in walked.items()
        for file in below.files
        if not folder_layout.is_picture(file)
    ]
    others += [
        name
        for name in filesystem.entries(root)[1]
        if not folder_walk.is_hidden(name)
    ]
    loose = [name for name in others if folder_layout.is_picture(name)]
    kinds = sorted(
        {os.path.splitext(name)[1].lower() or "no ending" for name in others}
        - {os.path.splitext(name)[1].lower() for name in loose}
    )
    if len(others) > len(loose):
        ignored[f"{len(others) - len(loose)} other files"] = (
            f"no images by their names: {abbreviated(kinds)}"
        )
    if loose:
        ignored[f"{len(loose)} images such as {loose[0]}"] = (
            "in no folder of a class"
        )
    hidden = sum(below.hidden for below in walked.values())
    if hidden:
        ignored[f"{hidden} files or folders within classes"] = "hidden"
    repeated = sum(below.repeated for below in walked.values())
    if repeated:
        ignored[f"{repeated} links"] = "to what is already there, or in circles"
    return ignored
