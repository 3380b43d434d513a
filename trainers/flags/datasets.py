"""What `--dataset` takes, told before TensorFlow loads."""

import difflib
import glob
import os
import re

from trainers import UsageError

#: Data sets by name.
NAMES = ("cifar10", "cifar100", "cifar100_n", "cifar10_n", "digits")
#: Labels that people gave, by what `--noise_type` calls them: the data set.
HUMAN_LABELS = {
    "worse": "cifar10_n",
    "aggre": "cifar10_n",
    "random1": "cifar10_n",
    "random2": "cifar10_n",
    "random3": "cifar10_n",
    "noisy_fine": "cifar100_n",
}
#: Data sets read straight from the folder that their authors published.
LAYOUTS = ("animal10n", "clothing1m", "food101n", "mini_webvision", "webvision")
#: Those of them in which people have checked a part of the training labels.
TRUSTED = ("clothing1m", "food101n")
#: A user's own pictures, and sets that were prepared: what follows the colon.
PREFIXES = {
    "folder": "PATH",
    "csv": "PATH",
    "tfrecord": "PATH",
    "tfds": "NAME",
}
#: As the values of `--dataset` beside names.
FORMS = ", ".join(f"{kind}:{what}" for kind, what in PREFIXES.items())


def split_name(dataset):
    """The parts of a value of `--dataset`.

    Args:
        dataset: `NAME`, or one of `PREFIXES`, a colon and what follows it.

    Returns:
        The kind (`"name"`, `"layout"` or one of `PREFIXES`) and the name or
        path.
    """
    prefix, colon, path = dataset.partition(":")
    if colon and prefix in PREFIXES:
        return prefix, path
    return ("layout" if dataset in LAYOUTS else "name"), dataset


def short_name(dataset):
    """The name of a data set for the name of a run's folder."""
    kind, name = split_name(dataset)
    if kind == "tfds":
        return re.sub(r"\W+", "_", name)
    if kind in PREFIXES:
        base = os.path.basename(os.path.normpath(os.path.expanduser(name)))
        base = os.path.splitext(base)[0] if kind == "csv" else base
        return re.sub(r"[*?{}\[\]]+", "_", base)
    return name


def check(dataset, flag="dataset"):
    """Raises unless `--dataset` can be meant.

    Args:
        dataset: value of the flag.
        flag: its name.

    Raises:
        UsageError: an unknown name, or a path that is not there.
    """
    kind, name = split_name(dataset)
    # Whether remote paths are there, TensorFlow will tell.
    local = "://" not in name
    name = os.path.expanduser(name)
    if kind == "folder" and local and not os.path.isdir(name):
        raise UsageError(
            f"--{flag}: expected folder:PATH with one sub-folder per class; "
            f"got {name!r}, which is no folder"
        )
    if kind == "csv" and local and not os.path.isfile(name):
        raise UsageError(
            f"--{flag}: expected csv:PATH of a file with the columns path and "
            f"label; got {name!r}, which is no file"
        )
    if kind == "tfrecord" and local and not _has_records(name):
        raise UsageError(
            f"--{flag}: expected tfrecord:PATH of a folder that "
            "noisy_keras.data.shard wrote, or of shards with * in their name; "
            f"got {name!r}, where there are none"
        )
    if kind == "tfds" and not name:
        raise UsageError(
            f"--{flag}: expected tfds:NAME of a data set; got no name"
        )
    if kind != "name" or name in NAMES:
        return
    known = sorted((*NAMES, *LAYOUTS))
    near = difflib.get_close_matches(dataset, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"--{flag}: expected one of {', '.join(known)}, {FORMS}; "
        f"got {dataset!r}.{hint}"
    )


def _has_records(path):
    path = path.replace("{split}", "*")
    return os.path.isdir(path) or bool(glob.glob(path))
