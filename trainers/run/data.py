"""The sources of a run: training, validation, test, and those trusted."""

import os
from typing import Any
from typing import NamedTuple

import numpy as np

from noisy_keras.data import overlap
from noisy_keras.data.selection import classes
from noisy_keras.data.selection import corrections
from noisy_keras.data.selection import partition
from noisy_keras.data.sources import manifest
from noisy_keras.data.sources import origin
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.run import noise as run_noise
from trainers.run import trusted_set

#: Share held out for validation of pictures that come without such a split.
_HELD_OUT = 0.1


class Sources(NamedTuple):
    """What a run trains on and is judged on: `Source`s, or None.

    Attributes:
        train: with noise, and without what is trusted.
        validation: held out; not both this and `test` are None.
        test: as published.
        trusted: with right labels, for methods that learn with such a set.
        removed: how many of those were in training.
        keys: of the training split as it was loaded, before anything was held
            out of it: `overlap.keys`.
        corrections: of its labels, a `Corrections` for each edited audit.
    """

    train: Any
    validation: Any
    test: Any
    trusted: Any = None
    removed: int = 0
    keys: Any = ()
    corrections: tuple = ()


def sources(data, data_dir, labels=None):
    """Loads what a run trains on and is judged on.

    Noise goes into training labels only. Validation, test and trusted labels
    are as published. Classes that are left out are in none of the sources.

    Args:
        data: the `data` part of `Settings`.
        data_dir: TFDS folder, or that of a data set's original files; or None.
        labels: noise manifest of a run that goes on or is read back; or None.
            Spares training once more the network that made its labels, and
            reading once more the audits that they were corrected by.

    Returns:
        `Sources`.

    Raises:
        UsageError: a validation share where the data set has its own split,
            or nothing to judge a model on; classes to leave out that are not
            there, or are all but one; or a trusted set that cannot be had.
    """
    found = origin.find(data["dataset"], data_dir)
    options = {"image_size": data["image_size"]}
    if data["noise_type"] in data_flags.HUMAN_LABELS:
        options["human_labels"] = data["noise_type"]
    share = data["validation"]
    # CIFAR's is cut from its training set, so that another cut can be made.
    fixed = "validation" in found.splits and found.fit == "train"
    if share and fixed:
        raise UsageError(
            f"--validation: {data['dataset']} has a validation split of its "
            "own; leave the flag out, or give 0 to go without."
        )
    validation = None
    own = share is None and "validation" in found.splits
    train = found.load(found.fit if own else "train", **options)
    keys = overlap.keys(train)
    if own:
        validation = found.load("validation", **options)
    else:
        share = _HELD_OUT if share is None else share
        if share:
            train, validation = _hold_out(train, share, data)
    test = None
    if "test" in found.splits:
        test = found.load("test", **options)
    if validation is None and test is None:
        raise UsageError(
            f"--validation: expected a share above 0, because "
            f"{data['dataset']} has no test split to judge a model on; got 0"
        )
    whole, left_out = train, data["noise_foreign_classes"]
    train, kept = _bounded(train, data), None
    if left_out is not None:
        left_out, kept = _split_classes(train, left_out)

    def restricted(source):
        if kept is None or source is None:
            return source
        return classes.restricted(source, kept)

    train, validation, test = map(restricted, (train, validation, test))
    # Before there is noise, so that it spares them.
    bounded = train.num_samples
    train, trusted = trusted_set.take(
        data,
        train,
        whole=restricted(whole),
        judged={"validation": validation, "test": test},
        load=lambda split: restricted(found.load(split, **options)),
    )
    removed = bounded - train.num_samples

    def load_foreign(name):
        if name is None:
            # More of them than a bound leaves, and none of validation's.
            return classes.restricted(whole, left_out)
        size = train.image_shape[0]
        return origin.find(name, data_dir).load("train", image_size=size)

    made = data["noise_manifest"]
    audits = data.get("audit") or ()
    if audits and labels is not None:
        # That run's own labels, of the samples that its audits left.
        train, made, audits = manifest.restrict(labels, train), labels, ()
    if made is None and data["noise_type"] in data_flags.LEARNT:
        made = labels
    if made is None:
        train = run_noise.inject(train, data, load_foreign)
    else:
        foreign = None
        if data["noise_foreign"] is not None or left_out is not None:
            foreign = load_foreign(data["noise_foreign"])
        train = manifest.apply(os.path.expanduser(made), train, foreign)
    known = {*whole.ids, *(() if validation is None else validation.ids)}
    done = []
    for path in audits:
        done.append(corrections.read_audit(path, train, known))
        train = done[-1].apply(train)
    return Sources(
        train,
        validation,
        test,
        trusted,
        removed,
        keys,
        tuple(done),
    )


def _split_classes(source, told):
    """Numbers of classes that flags leave out, and of the others."""
    try:
        numbers = classes.numbers(source, told)
    except ValueError as error:
        raise UsageError(f"--noise_foreign_classes: {error}") from error
    kept = [c for c in range(source.num_classes) if c not in numbers]
    if len(kept) < 2:
        raise UsageError(
            "--noise_foreign_classes: expected at least 2 of the "
            f"{source.num_classes} classes to stay; got {', '.join(told)}, "
            f"which leaves {len(kept)}"
        )
    return numbers, kept


def _hold_out(train, share, data):
    """The rest and a part to judge by, which has no sample that is trusted."""
    rest, held = partition.held_out(train.labels, share, seed=0)
    spared = trusted_set.spared(data, train)
    if spared is None or not spared[held].any():
        return train.hold_out(share)
    others = np.flatnonzero(~spared)
    _, chosen = partition.held_out(train.labels[others], len(held), seed=0)
    held = others[chosen]
    rest = np.setdiff1d(np.arange(train.num_samples), held)
    return (
        train.subset(rest),
        train.subset(held, name=f"{train.name} (held out)"),
    )


def _bounded(train, data):
    most = data["max_train_samples"]
    if most is None or most >= train.num_samples:
        return train
    if data_flags.split_name(data["dataset"])[0] == "name":
        return train.subset(range(most))
    # Files are listed class by class: the first would be all of one.
    return train.hold_out(most)[1]
