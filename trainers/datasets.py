"""What `--dataset` takes, told before TensorFlow loads."""

import difflib
import os

from trainers.usage import UsageError

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
#: A user's own pictures.
PREFIXES = ("folder", "csv")


def split_name(dataset):
    """The parts of a value of `--dataset`.

    Args:
        dataset: `NAME`, `folder:PATH` or `csv:PATH`.

    Returns:
        The kind (`"name"`, `"layout"`, `"folder"` or `"csv"`) and the name or
        path.
    """
    prefix, colon, path = dataset.partition(":")
    if colon and prefix in PREFIXES:
        return prefix, path
    return ("layout" if dataset in LAYOUTS else "name"), dataset


def short_name(dataset):
    """The name of a data set for the name of a run's folder."""
    kind, name = split_name(dataset)
    if kind in PREFIXES:
        base = os.path.basename(os.path.normpath(os.path.expanduser(name)))
        return os.path.splitext(base)[0] if kind == "csv" else base
    return name


def check(dataset):
    """Raises unless `--dataset` can be meant.

    Args:
        dataset: value of the flag.

    Raises:
        UsageError: an unknown name, or a path that is not there.
    """
    kind, name = split_name(dataset)
    if kind == "folder" and not os.path.isdir(os.path.expanduser(name)):
        raise UsageError(
            "--dataset: expected folder:PATH with one sub-folder per class; "
            f"got {name!r}, which is no folder"
        )
    if kind == "csv" and not os.path.isfile(os.path.expanduser(name)):
        raise UsageError(
            "--dataset: expected csv:PATH of a file with the columns path and "
            f"label; got {name!r}, which is no file"
        )
    if kind != "name" or name in NAMES:
        return
    known = sorted((*NAMES, *LAYOUTS))
    near = difflib.get_close_matches(dataset, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"--dataset: expected one of {', '.join(known)}, folder:PATH or "
        f"csv:PATH; got {dataset!r}.{hint}"
    )
