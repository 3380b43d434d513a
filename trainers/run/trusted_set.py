"""The trusted samples of a run: which ones, and what is left to train on."""

import os

import numpy as np

from noisy_keras.data import overlap
from noisy_keras.data.io import filesystem
from noisy_keras.data.selection import partition
from noisy_keras.data.sources import csv_labels
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.flags import trusted as trusted_flags

# Class names in a message.
_SHOWN = 10


def take(data, train, whole, judged, load):
    """Chooses the trusted samples and takes them out of training.

    Args:
        data: the `data` part of `Settings`.
        train: the training `Source`, before there is noise.
        whole: the `Source` that `train` keeps a part of.
        judged: dict from split to a `Source`, or None.
        load: function of a split of the data set to a `Source`.

    Returns:
        The training `Source` without them, and the trusted `Source`, or None
        for methods that learn without.

    Raises:
        UsageError: samples or classes that are not there, that a model is
            judged by, or that leave none to train on.
    """
    count, path = data["trusted"], data["trusted_csv"]
    total = data.get("trusted_total")
    if count is None and path is None and total is None:
        return train, None
    flag = "trusted" if path is None else "trusted_csv"
    if total is not None:
        flag, count = "validation", total // train.num_classes
        if not count:
            raise UsageError(
                "--validation: expected at least one trusted sample for each "
                f"of {train.num_classes} classes; got {total} in all"
            )
    try:
        if path is not None:
            trusted = _named(path, train, whole)
        elif data["dataset"] in data_flags.TRUSTED:
            checked = load("trusted")
            rows = partition.of_each_class(
                checked, count, data["noise_seed"], spare=0
            )
            trusted = checked.subset(rows)
        else:
            return train.split(trusted=count, seed=data["noise_seed"])
    except ValueError as error:
        raise UsageError(f"--{flag}: {error}") from error
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


def spared(data, train):
    """Which samples a file names, so that no model is judged by them.

    Args:
        data: the `data` part of `Settings`.
        train: the `Source` that is to be split.

    Returns:
        bool `[N]`, or None where no file names any.

    Raises:
        UsageError: a file that cannot be read.
    """
    if data["trusted_csv"] is None:
        return None
    try:
        listed = partition.read_names(data["trusted_csv"])
    except (OSError, ValueError) as error:
        raise UsageError(f"--trusted_csv: {error}") from error
    # Ids of the data set, or paths from the file's own folder on.
    named = {
        *listed.names,
        *overlap.file_names(os.path.dirname(listed.path), listed.names),
    }
    found = np.asarray(
        [
            name in named or key in named
            for name, key in zip(train.ids, overlap.keys(train), strict=True)
        ]
    )
    return found if found.any() and not found.all() else None


def describe(trusted, data, removed):
    """How many samples are trusted, and whether rightly, in a line.

    Args:
        trusted: `Source`.
        data: the `data` part of `Settings`.
        removed: how many of them were in training.

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
    told = data["trusted_csv"] is not None
    if told or not trusted_flags.as_found(data["dataset"], data):
        return line
    if trusted.truth_known.all():
        return line
    return f"{line}; that their labels are right, nobody has checked"


def _named(path, train, whole):
    """The samples that a CSV file names: of the data set, or other files."""
    listed = partition.read_names(path)
    # Files beside it come first: ids of a folder are such paths, too.
    files = listed.column == "path" and listed.labels is not None
    if files and not _are_there(listed):
        ids = set(whole.ids)
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


def _are_there(listed):
    folder = os.path.dirname(listed.path)
    return all(
        filesystem.is_file(os.path.join(folder, name)) for name in listed.names
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
        # Ids may be counted anew in each split: files alone tell.
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
