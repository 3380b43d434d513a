"""The trusted samples of a run, and what is left to train on."""

import os

import numpy as np

from noisy_keras.data import overlap
from noisy_keras.data.io import filesystem
from noisy_keras.data.selection import partition
from noisy_keras.data.sources import csv_labels
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.flags import trusted as trusted_flags
from trainers.run import errors

# Class names in a message.
_SHOWN = 10


def take(data, train, whole, judged, load):
    """Chooses the trusted samples and takes them out of training.

    Args:
        data: dict, the `data` part of `Settings`.
        train: training `Source`, before there is noise.
        whole: `Source` that `train` keeps a part of.
        judged: dict from the name of a split to a `Source`, or None.
        load: function of the name of a split to a `Source`.

    Returns:
        The training `Source` without them, and the trusted `Source`, or None
        for methods that learn without.

    Raises:
        UsageError: samples or classes that do not exist, by which a model is
            judged, or without which none are left to train on.
    """
    flag, count = _flag_and_count(data, train)
    if flag is None:
        return train, None
    with errors.reported(flag=flag):
        if data["trusted_csv"] is not None:
            trusted = _from_file(data["trusted_csv"], train, whole)
        elif data["dataset"] in data_flags.TRUSTED:
            checked = load("trusted")
            rows = partition.of_each_class(
                checked, count, data["noise_seed"], spare=0
            )
            trusted = checked.subset(rows)
        else:
            return train.split(trusted=count, seed=data["noise_seed"])
    _check(flag, trusted, train, judged)
    taken = _among(train, trusted)
    if taken.all():
        raise UsageError(
            f"--{flag}: expected samples to train on beside the trusted ones; "
            f"got all {len(taken)} trusted"
        )
    if taken.any():
        train = train.subset(~taken)
    return train, trusted


def _flag_and_count(data, train):
    """The flag that chooses the trusted samples, and how many of each class."""
    if data["trusted_csv"] is not None:
        return "trusted_csv", None
    total = data.get("trusted_total")
    if total is None:
        count = data["trusted"]
        return (None if count is None else "trusted"), count
    count = total // train.num_classes
    if not count:
        raise UsageError(
            "--trusted_total: expected at least one trusted sample for each "
            f"of {train.num_classes} classes; got {total} in all"
        )
    return "trusted_total", count


def named(data, train):
    """Which samples a file names as trusted: no model is judged by them.

    Args:
        data: dict, the `data` part of `Settings`.
        train: `Source` that is to be split.

    Returns:
        bool `[N]`, or None where no file names any.

    Raises:
        UsageError: a file that cannot be read.
    """
    if data["trusted_csv"] is None:
        return None
    with errors.reported(OSError, flag="trusted_csv"):
        listed = partition.read_names(data["trusted_csv"])
    stripped = [name.strip() for name in listed.names]
    # Ids of the data set, or paths from the file's own folder on.
    names = {
        *listed.names,
        *stripped,
        *overlap.file_names(os.path.dirname(listed.path), stripped),
    }
    found = np.asarray(
        [
            name in names or key in names
            for name, key in zip(train.ids, overlap.keys(train), strict=True)
        ]
    )
    return found if found.any() and not found.all() else None


def describe(trusted, data, removed):
    """How many samples are trusted, and whether anybody checked them: a line.

    Args:
        trusted: `Source`.
        data: dict, the `data` part of `Settings`.
        removed: int, how many of them were in training.

    Returns:
        str.
    """
    counts = np.bincount(trusted.labels, minlength=trusted.num_classes)
    least, most = counts.min(), counts.max()
    each = f"{least}" if least == most else f"{least} to {most}"
    line = f"{trusted.num_samples} trusted images ({each} per class)"
    line += f", {removed} of them taken out of training"
    asked = data.get("trusted_total")
    if asked is not None and asked != trusted.num_samples:
        line += f"; {asked} are not as many of each class"
    checked = data["trusted_csv"] is not None or trusted.truth_known.all()
    if checked or not trusted_flags.noisy_as_found(data["dataset"], data):
        return line
    return f"{line}; nobody has checked that their labels are right"


def _from_file(path, train, whole):
    """The samples that a CSV file names: of the data set, or other files."""
    listed = partition.read_names(path)
    # Files beside it come first: ids of a folder are such paths, too.
    files = listed.column == "path" and listed.labels is not None
    if files and not _exist(listed):
        ids = set(whole.ids)
        if len(whole.image_shape) == 1:
            return whole.split(trusted=path)[1]  # Features have no files.
        files = not all(name in ids for name in listed.names)
    if not files:
        # Those beyond a bound on training may be trusted, too.
        return whole.split(trusted=path)[1]
    return csv_labels.from_csv(
        path,
        image_size=train.image_shape[0],
        class_names=train.class_names,
        augmentation=train.augmentation,
        name=f"{train.name} (trusted)",
    )


def _exist(listed):
    folder = os.path.dirname(listed.path)
    return all(
        filesystem.is_file(os.path.join(folder, name.strip()))
        for name in listed.names
    )


def _check(flag, trusted, train, judged):
    """Raises unless a trusted set suits a run."""
    counts = np.bincount(trusted.labels, minlength=train.num_classes)
    missing = [train.class_names[c] for c in np.flatnonzero(counts == 0)]
    if missing:
        more = len(missing) - _SHOWN
        raise UsageError(
            f"--{flag}: expected samples of all {train.num_classes} classes; "
            f"got none of {', '.join(missing[:_SHOWN])}"
            + (f" and {more} more" if more > 0 else "")
        )
    if trusted.image_shape != train.image_shape:
        raise UsageError(
            f"--{flag}: expected images of the shape {train.image_shape}, as "
            f"those in training; got {trusted.image_shape}"
        )
    for split, source in judged.items():
        # Ids may be counted anew in each split: only files are identified.
        if source is None or trusted.paths is None:
            continue
        shared = _among(trusted, source).sum()
        if shared:
            raise UsageError(
                f"--{flag}: expected no samples of the {split} split, by "
                f"which a model is judged; got {shared} of them"
            )


def _among(source, other):
    """Which samples of a source another one has, too: bool `[N]`."""
    known = set(overlap.keys(other))
    return np.asarray([key in known for key in overlap.keys(source)])
