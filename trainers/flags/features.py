"""Flags with features as data: files, and what needs pictures instead."""

import os

from trainers import UsageError
from trainers import presets

#: The endings of features:FILE, and of --labels.
FILES = (".npz", ".npy", ".parquet")
LABEL_FILES = (".npy", ".npz", ".csv")
#: Methods, and hosts, that need the pixels of pictures.
OF_PIXELS = ("sanm", "simclr", "moco", "c2d")
#: Noise types that need no pictures.
NOISE = ("none", "symmetric", "asymmetric", "pair_flip", "instance")
_NOISE = (*NOISE, "confusion", "uniform_id", "non_uniform_id", None)


def check_file(flag, form, path, suffixes=FILES):
    """Raises unless there is such a file, as far as its name tells.

    Args:
        flag: str, name of the flag.
        form: str, what the flag expects.
        path: str, path of the file.
        suffixes: tuple of str, the endings that it may have.

    Raises:
        UsageError: another kind of file, or none.
    """
    if not path.lower().endswith(suffixes):
        raise UsageError(
            f"--{flag}: expected {form} of a file that ends in "
            f"{', '.join(suffixes)}; got {path!r}"
        )
    # Remote paths are checked when TensorFlow has loaded.
    if "://" not in path and not os.path.isfile(path):
        raise UsageError(
            f"--{flag}: expected {form} of a file that exists; got {path!r}, "
            "which is no file"
        )


def check_pixels(flag, method, value):
    """Raises where a method needs pixels, and gets features.

    Args:
        flag: str, name of the flag that makes them features.
        method: str, name of the method, maybe with a slash and its host.
        value: str, value of the flag.

    Raises:
        UsageError: it does.
    """
    found = [name for name in method.split("/") if name in OF_PIXELS]
    if found:
        others = [name for name in presets.methods() if name not in OF_PIXELS]
        raise UsageError(
            f"--{flag}: expected pictures, because {found[0]} needs their "
            f"pixels; got {value}. Methods that train on features: "
            f"{', '.join(others)}"
        )


def check(method, dataset, values):
    """Raises where a method or a flag needs pictures.

    Args:
        method: str, name of the method, maybe with a slash and its host.
        dataset: str, value of `--dataset`, of features.
        values: dict of all flags by name; None where left out.

    Raises:
        UsageError: one does.
    """
    check_pixels("dataset", method, dataset)
    if values.get("image_size") is not None:
        raise UsageError(
            "--image_size: expected with pictures alone; got "
            f"{values['image_size']} with --dataset={dataset}"
        )
    if values.get("noise_type") not in _NOISE:
        raise UsageError(
            f"--noise_type: expected {', '.join(NOISE)} or confusion with "
            "features, as other types need pictures; got "
            f"{values['noise_type']}"
        )
