"""The layout of a folder of images: classes, or splits with classes in each."""

import collections.abc
import dataclasses
import os

from noisy_keras.data.io import decoding
from noisy_keras.data.io import filesystem
from noisy_keras.data.io import folder_walk
from noisy_keras.data.io.splits import NO_CLASSES
from noisy_keras.data.io.splits import SPLITS
from noisy_keras.data.io.splits import split_in
from noisy_keras.data.io.splits import split_of
from noisy_keras.data.io.splits import words
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

#: Ways in which the sub-folders of a folder of images can be read.
LAYOUTS = ("classes", "splits")


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a folder of images is read.

    Attributes:
        splits: dict from split (str) to its folder (str, relative), empty if
            the sub-folders are classes.
        ignored: dict from the name of a sub-folder (str) that is not read to
            the reason (str).
    """

    splits: dict[str, str]
    ignored: dict[str, str]


def find(path: str, layout: str | None = None) -> Layout:
    """Finds out how a folder of images is to be read.

    A sub-folder is a split if one word of its name is the name of a split and
    if it has sub-folders with images. If there is one for training, the splits
    are used.

    Args:
        path: str, path of the folder.
        layout: str, `"classes"` or `"splits"`, to be used whatever the names
            of the sub-folders; or None.

    Returns:
        A `Layout`.

    Raises:
        ConfigurationError: `layout` is unknown; there are no splits for
            `layout="splits"`; or the sub-folders can be read in two ways.
    """
    if layout not in (None, *LAYOUTS):
        raise ConfigurationError(
            f"Expected `layout` to be one of {', '.join(LAYOUTS)}, or None. "
            f"Received: {layout!r}"
        )
    found, hidden = sub_folders(path)
    ignored = dict.fromkeys(hidden, "hidden, or of the system")
    named = {name: split_in(name) for name in found}
    if layout == "classes" or not any(named.values()):
        if layout == "splits":
            raise _no_splits(path, found)
        return Layout({}, ignored)
    places: dict[str, list[str]] = {}
    flat = []
    for name, split in named.items():
        if split is None:
            continue
        if sub_folders_with_pictures(os.path.join(path, name), most=1):
            places.setdefault(split, []).append(name)
        elif has_pictures(os.path.join(path, name)):
            flat.append(name)
    others = [
        name
        for name, split in named.items()
        if split is None and has_pictures(os.path.join(path, name))
    ]
    if layout is None:
        if "train" not in places and _are_classes(path, places, others):
            places = {}
        _check_one_way(path, places, flat, others)
    if not places:
        if layout == "splits":
            raise _no_splits(path, found)
        return Layout({}, ignored)
    doubled = [names for names in places.values() if len(names) > 1]
    if doubled:
        raise _two_ways(
            path,
            "one folder per split",
            f"{' and '.join(doubled[0])} are the same split",
        )
    splits = {
        split: _innermost(path, places[split][0])
        for split in SPLITS
        if split in places
    }
    ignored |= _without_classes_of_training(path, splits)
    used = {place.partition("/")[0] for place in splits.values()}
    for name in found:
        if name not in used and name not in ignored:
            ignored[name] = (
                "a split without sub-folders of classes"
                if named[name]
                else "beside the splits"
            )
    return Layout(splits, ignored)


def sub_folders(path: str | os.PathLike) -> tuple[list[str], list[str]]:
    """Lists the sub-folders of a folder.

    Args:
        path: str, path of the folder.

    Returns:
        A pair of the names that may be classes and the names of hidden and
        system folders, both sorted. Links to the folder itself or to one above
        are in neither.
    """
    path = os.fspath(path)
    folders, _ = filesystem.entries(path)
    shown, hidden = [], []
    for name in folders:
        if folder_walk.is_hidden(name):
            hidden.append(name)
        elif not _leads_up(path, name):
            shown.append(name)
    return shown, hidden


def sub_folders_with_pictures(path: str, most: int | None = None) -> list[str]:
    """Lists the sub-folders in which there are images.

    Args:
        path: str, path of the folder.
        most: int, number of names after which to stop, or None.

    Returns:
        List of str, names of sub-folders.
    """
    found = []
    for name in sub_folders(path)[0]:
        if has_pictures(os.path.join(path, name)):
            found.append(name)
            if len(found) == most:
                break
    return found


def is_picture(name: str) -> bool:
    """Returns whether a file is an image by its name."""
    return name.lower().endswith(decoding.EXTENSIONS)


def has_pictures(path: str, above: frozenset = frozenset()) -> bool:
    """Returns whether there are images in a folder or below it.

    Args:
        path: str, path of the folder.
        above: frozenset of `filesystem.identity` of the folders above.
    """
    identity = filesystem.identity(path)
    if identity is not None and identity in above:
        return False  # A link in a circle.
    try:
        folders, files = filesystem.entries(path)
    except OSError:
        return False
    if any(is_picture(n) and not folder_walk.is_hidden(n) for n in files):
        return True
    above |= {identity}
    return any(
        has_pictures(os.path.join(path, name), above)
        for name in folders
        if not folder_walk.is_hidden(name)
    )


def _leads_up(path, name):
    """Whether a sub-folder is a link to its folder or to one above."""
    if filesystem.is_remote(path):
        return False
    inside = os.path.join(path, name)
    if not os.path.islink(inside):
        return False
    target = os.path.join(os.path.realpath(inside), "")
    return os.path.join(os.path.realpath(path), "").startswith(target)


def _are_classes(path, places, others):
    """Whether names such as `test tube` are classes beside other classes."""
    if not others:
        return False
    for name in [name for names in places.values() for name in names]:
        inside = sub_folders(os.path.join(path, name))[0]
        if split_of(name) or set(inside) & set(others):
            return False
    return True


def _check_one_way(path, places, flat, others):
    """Raises if the sub-folders may be splits as well as classes."""
    unknown = [name for name in others if not NO_CLASSES & set(words(name))]
    if not places:
        if len(set(map(split_in, flat))) > 1 and not unknown:
            raise _two_ways(
                path,
                "sub-folders of classes in each split",
                f"{', '.join(flat)} have images, but no sub-folders with "
                "images. If a table has their labels, read that as csv:PATH",
            )
        return
    nested = [name for names in places.values() for name in names]
    if "train" not in places:
        raise _two_ways(
            path,
            "a folder for training among the splits",
            f"{', '.join(nested)} have sub-folders with images, as splits "
            "have, and none of them is for training",
        )
    unknown = [
        name for name in unknown if _has_own_pictures(os.path.join(path, name))
    ]
    if len(places) == 1 and unknown:
        raise _two_ways(
            path,
            "splits alone, or classes alone",
            f"{', '.join(nested)} with sub-folders, as a split has, beside "
            f"{abbreviated(unknown)} with images, as classes have",
        )


def _has_own_pictures(path):
    return any(is_picture(name) for name in filesystem.entries(path)[1])


def _two_ways(path, expected, received):
    found = sub_folders(path)[0]
    return ConfigurationError(
        f"Expected {expected} in {path}. Received: {received}. If its "
        f"{len(found)} sub-folders ({abbreviated(found)}) are classes, pass "
        '`layout="classes"` (--folder_layout=classes). If they are splits '
        'with classes in each, pass `layout="splits"` '
        "(--folder_layout=splits), or the path of the split to read."
    )


def _no_splits(path, found):
    return ConfigurationError(
        f"Expected sub-folders of {path} named like splits, such as train and "
        "test, with sub-folders of classes in each. Received: "
        + (abbreviated(found) or "no sub-folders")
    )


def _innermost(path, name):
    """The folder of a split's classes: archives nest `seg_train/seg_train`."""
    inside = sub_folders_with_pictures(os.path.join(path, name), most=2)
    if len(inside) == 1 and split_in(inside[0]) == split_in(name):
        deeper = f"{name}/{inside[0]}"
        if sub_folders_with_pictures(os.path.join(path, deeper), most=1):
            return deeper
    return name


def _without_classes_of_training(
    path: str, splits: dict[str, str]
) -> collections.abc.Mapping[str, str]:
    """Takes splits away that have none of the classes of training."""
    if "train" not in splits:
        return {}
    known = set(sub_folders(os.path.join(path, splits["train"]))[0])
    ignored = {}
    for split in list(splits):
        names = sub_folders(os.path.join(path, splits[split]))[0]
        if not known & set(names):
            ignored[splits.pop(split).partition("/")[0]] = (
                "its sub-folders are no classes of training"
            )
    return ignored
