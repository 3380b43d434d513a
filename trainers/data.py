"""The sources of a run: training, validation, test."""

import dataclasses
import os
from collections.abc import Callable

import noisy_keras as nk
from noisy_keras.data import csv_labels
from noisy_keras.data import folder as folder_module
from noisy_keras.data import layouts
from noisy_keras.data import manifest
from noisy_keras.data import record_source
from noisy_keras.data import tfds_source
from trainers import datasets
from trainers import injection
from trainers import noise
from trainers.usage import UsageError

#: Share held out for validation of pictures that come without such a split.
_HELD_OUT = 0.1


@dataclasses.dataclass(frozen=True)
class _Splits:
    """How to load a data set.

    Attributes:
        load: function of a split to a `Source`.
        own: which of `"validation"` and `"test"` it has.
        fit: the split that leaves out what `"validation"` was cut from.
    """

    load: Callable
    own: frozenset
    fit: str = "train"


def sources(data, data_dir, labels=None):
    """Loads what a run trains on and is judged on.

    Noise goes into training labels only. Validation and test labels are as
    published.

    Args:
        data: the `data` part of `Settings`.
        data_dir: TFDS folder, or that of a data set's original files; or None.
        labels: noise manifest of a run that goes on; or None. Spares training
            once more the network that made its labels.

    Returns:
        training `Source`, validation `Source` or None, test `Source` or None;
        not both None.

    Raises:
        UsageError: a validation share where the data set has its own split,
            or nothing to judge a model on.
    """
    splits = _splits(data, data_dir)
    share = data["validation"]
    # CIFAR's is cut from its training set, so that another cut can be made.
    fixed = "validation" in splits.own and splits.fit == "train"
    if share and fixed:
        raise UsageError(
            f"--validation: {data['dataset']} has a validation split of its "
            "own; leave the flag out, or give 0 to go without."
        )
    validation = None
    if share is None and "validation" in splits.own:
        train = splits.load(splits.fit)
        validation = splits.load("validation")
    else:
        train = splits.load("train")
        share = _HELD_OUT if share is None else share
        if share:
            train, validation = train.hold_out(share)
    test = splits.load("test") if "test" in splits.own else None
    if validation is None and test is None:
        raise UsageError(
            f"--validation: expected a share above 0, because "
            f"{data['dataset']} has no test split to judge a model on; got 0"
        )
    train = _bounded(train, data)
    made = data["noise_manifest"]
    if made is None and data["noise_type"] in noise.LEARNT:
        made = labels
    if made is not None:
        train = manifest.apply(os.path.expanduser(made), train)
    else:
        train = injection.inject(
            train, data, lambda name: _foreign(name, data, data_dir, train)
        )
    return train, validation, test


def _foreign(name, data, data_dir, train):
    changed = {
        "dataset": name,
        "noise_type": "none",
        "image_size": train.image_shape[0],
    }
    return _splits(data | changed, data_dir).load("train")


def _splits(data, data_dir):
    kind, name = datasets.split_name(data["dataset"])
    options = {"image_size": data["image_size"]}
    if data["noise_type"] in datasets.HUMAN_LABELS:
        options["human_labels"] = data["noise_type"]
    if kind == "folder":
        own = folder_module.folder_splits(name)

        def load(split):
            return nk.data.from_folder(name, split if own else None, **options)

    elif kind == "csv":
        own = csv_labels.csv_splits(name)

        def load(split):
            return nk.data.from_csv(
                name, split=split if own else None, **options
            )

    elif kind == "tfrecord":
        own = record_source.tfrecord_splits(name)

        def load(split):
            return nk.data.from_tfrecord(
                name, split if own else None, **options
            )

    elif kind == "tfds":
        own = tfds_source.tfds_splits(name, data_dir)

        def load(split):
            return nk.data.from_tfds(name, split, data_dir=data_dir, **options)

    else:
        own = {"validation", "test"}
        if kind == "layout":
            own &= set(layouts.BY_NAME[name].splits)

        def load(split):
            return nk.data.load(name, split, data_dir=data_dir, **options)

    fit = "fit" if name.startswith("cifar") and kind == "name" else "train"
    return _Splits(load, frozenset(own), fit)


def _bounded(train, data):
    most = data["max_train_samples"]
    if most is None or most >= train.num_samples:
        return train
    if datasets.split_name(data["dataset"])[0] == "name":
        return train.subset(range(most))
    # Files are listed class by class: the first would be all of one.
    return train.hold_out(most)[1]
