"""The sources of a run: training, validation, test, and those trusted."""

import functools
import os
from typing import Any
from typing import NamedTuple

import numpy as np

from noisy_keras.data import duplicates as duplicates_module
from noisy_keras.data import overlap
from noisy_keras.data.selection import classes
from noisy_keras.data.selection import corrections
from noisy_keras.data.selection import partition
from noisy_keras.data.sources import manifest
from noisy_keras.data.sources import origin
from noisy_keras.data.sources import sample_record
from noisy_keras.utils.checks import abbreviated
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.run import errors
from trainers.run import noise
from trainers.run import trusted_set

#: Share held out for validation of pictures that come without such a split.
_HELD_OUT = 0.1


class Sources(NamedTuple):
    """What a run trains on and is judged by: `Source`s, or None.

    Attributes:
        train: `Source` with noisy labels, without the trusted samples.
        validation: `Source` held out, or None.
        test: `Source` as published, or None.
        trusted: `Source` with right labels, for methods that learn with it.
        removed: int, how many of the trusted samples were in training.
        keys: list, `overlap.keys` of the training split as it was loaded,
            before anything was held out of it.
        corrections: tuple with a `Corrections` for each edited audit.
        duplicates: `Duplicates` of the pictures of train, validation and test,
            by their labels without noise; None where they are not own files.
        record: `SampleRecord` of these sources.
        changes: `Changes` of the files since the run began; None where the
            sources were drawn, and not found again by their record.
    """

    train: Any
    validation: Any
    test: Any
    trusted: Any = None
    removed: int = 0
    keys: Any = ()
    corrections: tuple = ()
    duplicates: Any = None
    record: Any = None
    changes: Any = None


def sources(data, data_dir, labels=None, record=None):
    """Loads what a run trains on and is judged by.

    Noise changes training labels alone. Validation, test and trusted labels
    are as published. Classes that are left out are in none of the sources.

    Args:
        data: dict, the `data` part of `Settings`.
        data_dir: str, folder of TFDS or of the original files, or None.
        labels: str, path of the noise manifest of a run that is resumed or
            read back, or None. Where a network made the labels, or audits
            corrected them, they are taken from it.
        record: `SampleRecord` of that run, or None. Files are found again by
            it; other samples are drawn as they were, and compared with it.

    Returns:
        `Sources`.

    Raises:
        UsageError: a validation share where the data set has such a split;
            classes to leave out that do not exist, or are all but one; a
            trusted set that cannot be had; or no file of the record is there.
        ConfigurationError: data, a manifest or an audit that does not fit.
    """
    if record is not None and _are_files(record, data):
        return _recorded(record, data, data_dir, labels)
    found = origin.find(data["dataset"], data_dir, **_reading(data, labels))
    _check_validation(found, data)
    load = _loader(found, data)
    loaded, validation, test = _load_splits(found, load, data)
    whole, validation = _hold_out(loaded, validation, data)

    left_out, kept = _split_classes(whole, data["noise_foreign_classes"])
    restrict = functools.partial(_restricted, kept=kept)
    train = restrict(_bounded(whole, data))
    judged = {"validation": restrict(validation), "test": restrict(test)}

    # Before there is noise, so that trusted labels stay as they are.
    samples = train.num_samples
    train, trusted = trusted_set.take(
        data, train, restrict(whole), judged, lambda name: restrict(load(name))
    )
    removed = samples - train.num_samples
    # Also before there is noise, by which all labels of duplicates may differ.
    duplicates = _duplicates(train=train, **judged)

    foreign = functools.partial(
        _load_foreign, data_dir, whole, left_out, train.image_shape[0]
    )
    train = _with_noise(train, data, labels, foreign)
    if labels is None:
        train, judged["validation"], applied = _corrected(
            train, judged["validation"], data, whole
        )
    else:
        applied = ()  # These labels are corrected.
        if record is not None and judged["validation"] is not None:
            judged["validation"] = record.labelled(
                "validation", judged["validation"]
            )
    return Sources(
        train,
        **judged,
        trusted=trusted,
        removed=removed,
        keys=overlap.keys(loaded),
        corrections=applied,
        duplicates=duplicates,
        record=sample_record.SampleRecord.of_sources(
            {"train": train, **judged, "trusted": trusted},
            loaded,
            _place(data),
        ),
    )


def check_complete(sources):
    """Raises where training samples of a run that goes on are gone.

    Args:
        sources: `Sources`.

    Raises:
        UsageError: they are.
    """
    changes = sources.changes
    if changes is None:
        return
    gone = [
        str(name)
        for split, source in (
            ("train", sources.train),
            ("trusted", sources.trusted),
        )
        for name in _missing(sources.record, split, source)
    ]
    if gone:
        raise UsageError(
            "--output_dir: expected all training samples of the run that goes "
            f"on, because its tables have a row for each; {len(gone)} are gone "
            f"or moved, such as {abbreviated(gone)}. Bring them back, or name "
            "another folder for a new run."
        )


def _missing(record, split, source):
    names = record.ids[record.rows(split)]
    there = set() if source is None else set(source.ids)
    return [name for name in names if name not in there]


def _place(data):
    """The folder of a data set of files, or None."""
    kind, path = data_flags.split_name(data["dataset"])
    path = os.path.expanduser(path)
    if kind == "csv":
        return os.path.dirname(path) or "."
    return path if kind == "folder" else None


def _are_files(record, data):
    """Whether samples can be found again by their record alone."""
    # The pictures of classes left out may be shown as foreign ones.
    drawn = data["noise_foreign_classes"] is not None
    return record.is_of_files() and _place(data) is not None and not drawn


def _recorded(record, data, data_dir, labels):
    """The sources of a record, of which files may be gone."""
    place, gone = _place(data), []
    parts = {}
    for split in ("train", "validation", "test", "trusted"):
        parts[split], missing = record.restored(
            split, place, data["image_size"], data.get("max_unreadable")
        )
        gone += missing
    known = sum(len(record.rows(split)) for split in parts)
    if parts["train"] is None:
        raise UsageError(
            f"--dataset: expected the training samples of the run in {place}, "
            f"such as {record.ids[record.rows('train')[0]]}; none of them is "
            "there. If the data set has moved, give its new place, such as "
            "--dataset=folder:PATH."
        )
    foreign = data["noise_foreign"]
    if foreign is not None:
        size = parts["train"].image_shape[0]
        foreign = origin.find(foreign, data_dir).load("train", image_size=size)
    kind, path = data_flags.split_name(data["dataset"])
    new = record.new_files(
        place,
        path if kind == "csv" else None,
        path_column=data.get("path_column"),
        label_column=data.get("label_column"),
    )
    roots, removed = record.roots, 0
    if roots.get("trusted") == roots["train"]:
        removed = len(record.rows("trusted"))
    return Sources(
        manifest.apply(labels, parts["train"], foreign),
        parts["validation"],
        parts["test"],
        parts["trusted"],
        removed,
        record=record,
        changes=sample_record.Changes(known, tuple(gone), new),
    )


def _reading(data, labels):
    """How files are read: arguments of `origin.find`."""
    kind, _ = data_flags.split_name(data["dataset"])
    if kind == "folder":
        return {"layout": data.get("folder_layout")}
    if kind not in ("csv", "features"):
        return {}
    names = data_flags.READING[kind]
    # The classes of a file are those that occur in it. Labels of a run are of
    # the classes that it had, which may have no sample any more.
    made = labels or data["noise_manifest"]
    classes = None
    if made is not None and data["noise_foreign_classes"] is None:
        classes = manifest.class_names(os.path.expanduser(made))
    return {**{name: data.get(name) for name in names}, "class_names": classes}


def _duplicates(**splits):
    """`Duplicates` of sources whose files were decoded; None without any."""
    known = {
        name: source
        for name, source in splits.items()
        if getattr(source, "prints", None) is not None
    }
    return duplicates_module.find_duplicates(**known) if known else None


def _check_validation(found, data):
    """Raises where samples would be held out beside a validation split."""
    share = data["validation"]
    # CIFAR's is cut from its training set, so that another cut can be made.
    if share and "validation" in found.splits and found.fit == "train":
        raise UsageError(
            f"--validation: {data['dataset']} has a validation split of its "
            "own; leave the flag out, or give 0 to go without."
        )


def _loader(found, data):
    """Function of a split's name to a `Source`."""
    options = {"image_size": data["image_size"]}
    if data["noise_type"] in data_flags.HUMAN_LABELS:
        options["human_labels"] = data["noise_type"]
    most = data.get("max_unreadable")
    if most is not None:
        kind, _ = data_flags.split_name(data["dataset"])
        if kind not in ("folder", "csv", "layout"):
            raise UsageError(
                "--max_unreadable: expected with folder:PATH, csv:PATH or a "
                "data set that is read from its original files; got "
                f"--dataset={data['dataset']}"
            )
        options["max_unreadable"] = most
    return functools.partial(found.load, **options)


def _load_splits(found, load, data):
    """The training split; validation and test where the data set has them."""
    own = data["validation"] is None and "validation" in found.splits
    train = load(found.fit if own else "train")
    validation = load("validation") if own else None
    test = load("test") if "test" in found.splits else None
    return train, validation, test


def _hold_out(train, validation, data):
    """The samples to train on, and those held out where there are none yet."""
    if validation is not None:
        return train, validation
    share = data["validation"]
    share = _HELD_OUT if share is None else share
    if not share:
        return train, None
    held = _chosen(train, share, trusted_set.named(data, train))
    rest = np.setdiff1d(np.arange(train.num_samples), held)
    return (
        train.subset(rest),
        train.subset(held, name=f"{train.name} (held out)"),
    )


def _chosen(train, share, named):
    """Positions of samples to hold out, each class in proportion.

    No model is judged by samples that are trusted, nor by pictures that it was
    trained on: those with the same picture are held out together.
    """
    count = train.num_samples
    _, held = partition.held_out(train.labels, share, seed=0)
    named = np.zeros(count, bool) if named is None else named
    groups = np.arange(count)
    found = _duplicates(train=train)
    if found is not None:
        groups = found.groups["train"]
    if not (named[held].any() or duplicates_module.twins(groups, held).any()):
        return held
    firsts = np.flatnonzero(groups == np.arange(count))
    free = firsts[~np.isin(firsts, groups[named])]
    size = max(1, round(len(held) * len(firsts) / count))
    if size >= len(free):  # Too few different pictures.
        free, groups, size = np.flatnonzero(~named), np.arange(count), len(held)
    _, chosen = partition.held_out(train.labels[free], size, seed=0)
    return np.flatnonzero(np.isin(groups, free[chosen]))


def _split_classes(source, names):
    """Numbers of the classes to leave out, and of the others; None for all."""
    if names is None:
        return None, None
    with errors.reported(flag="noise_foreign_classes"):
        left_out = classes.numbers(source, names)
    kept = [c for c in range(source.num_classes) if c not in left_out]
    if len(kept) < 2:
        raise UsageError(
            "--noise_foreign_classes: expected at least 2 of the "
            f"{source.num_classes} classes to stay; got {', '.join(names)}, "
            f"which leaves {len(kept)}"
        )
    return left_out, kept


def _restricted(source, kept):
    """The samples of the classes that are kept."""
    if kept is None or source is None:
        return source
    return classes.restricted(source, kept)


def _bounded(train, data):
    """The first samples, as many as `--max_train_samples`."""
    most = data["max_train_samples"]
    if most is None or most >= train.num_samples:
        return train
    if data_flags.split_name(data["dataset"])[0] == "name":
        return train.subset(range(most))
    # Files are listed class by class: the first would be all of one.
    return train.hold_out(most)[1]


def _load_foreign(data_dir, whole, left_out, size, name):
    """Pictures of another data set, or of the classes that are left out."""
    if name is not None:
        return origin.find(name, data_dir).load("train", image_size=size)
    # More of them than a bound leaves, and none of validation's.
    return classes.restricted(whole, left_out)


def _with_noise(train, data, labels, load_foreign):
    """The training source with noisy labels, from a generator or a manifest."""
    made = data["noise_manifest"]
    if labels is not None and data.get("audit"):
        # Its own labels, of the samples that its audits left.
        train, made = manifest.restrict(labels, train), labels
    if made is None and data["noise_type"] in data_flags.LEARNT:
        made = labels  # Spares the training of the network that made them.
    if made is None:
        return noise.add(train, data, load_foreign)
    foreign, name = None, data["noise_foreign"]
    if name is not None or data["noise_foreign_classes"] is not None:
        foreign = load_foreign(name)
    return manifest.apply(os.path.expanduser(made), train, foreign)


def _corrected(train, validation, data, whole):
    """Both sources as edited audits correct them, and what these did.

    Audits may have lines about all samples of `whole`, too, of which both may
    be parts.
    """
    applied = []
    for path in data.get("audit") or ():
        found = corrections.read_audit(
            path, train, whole.ids, held_out=validation
        )
        applied.append(found)
        train = found.apply(train)
        if validation is not None:
            validation = found.held_out.apply(validation)
    return train, validation, tuple(applied)
