"""CIFAR-10N and CIFAR-100N: CIFAR with labels that people really gave.

Source: Wei et al., Learning with Noisy Labels Revisited: A Study Using
Real-World Human Annotations, ICLR 2022. The labels are for non-commercial use
(CC BY-NC 4.0), so they come from a file of the user's own.
"""

import numpy as np

from noisy_keras.data.sources import cifar
from noisy_keras.data.sources import torch_arrays
from noisy_keras.utils.errors import ConfigurationError

#: By data set: the kinds of human labels and their keys in the published
#: file. The first kind is the default.
KINDS = {
    "cifar10_n": {
        "worse": "worse_label",
        "aggre": "aggre_label",
        "random1": "random_label1",
        "random2": "random_label2",
        "random3": "random_label3",
    },
    "cifar100_n": {"noisy_fine": "noisy_label"},
}

_FILES = {
    "cifar10_n": "CIFAR-10_human.pt",
    "cifar100_n": "CIFAR-100_human.pt",
}

# Where TFDS calls a feature otherwise than the file.
_FEATURES = {"noisy_label": "noise_label"}


def load(name, split, data_dir=None, kind=None):
    """Loads a split, ordered as the authors of CIFAR published it.

    Training splits carry the human labels, and the published ones as
    `true_labels`. Validation and test carry the published labels.

    The set that TFDS prepared (`cifar10_n`, `cifar100_n`) is taken where it
    lies in `data_dir`; else `CIFAR-10_human.pt` or `CIFAR-100_human.pt`, which
    lies there or in a folder named as the set, is joined with TFDS' CIFAR.

    Args:
        name: one of `KINDS`.
        split: `"train"`, `"fit"`, `"validation"` or `"test"`, as of CIFAR.
        data_dir: TFDS folder; None is TFDS' default.
        kind: which human labels, one of `KINDS[name]`; None is `"worse"`, or
            `"noisy_fine"` for CIFAR-100N.

    Returns:
        A `Source` of images uint8 `[32, 32, 3]`. In its `noise`, `rate` is
        the share of wrong labels in the whole training set,
        `realized_rate` that in the split.

    Raises:
        ValueError: an unknown kind, or labels that belong to other pictures.
        OSError: labels or pictures are not there.
    """
    kind = _checked_kind(name, kind)
    key = KINDS[name][kind]
    # Imported here: only these data sets need it.
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    # Asked of a folder that is not there, TFDS warns.
    prepared = builder.data_path.exists() and builder.is_prepared()
    plain = name.removesuffix("_n")
    full_name = f"{name} ({split})"
    if split in ("validation", "test"):
        if prepared:
            return cifar.read(builder, split)
        source = cifar.load(plain, split, data_dir)
        return source.subset(range(source.num_samples), name=full_name)
    if prepared:
        given = _FEATURES.get(key, key)
        source = cifar.read(builder, "train", given=given)
    else:
        # Before the pictures, which take longer.
        path = _find(name, builder.data_path.parent.parent)
        labels, true_labels = human_labels(path, kind)
        source = join(cifar.load(plain, "train", data_dir), labels, true_labels)
    wrong = source.labels != source.true_labels
    if np.mean(wrong) > 0.5:
        raise ConfigurationError(
            "Expected human labels of which most are right. Received: "
            f"{int(wrong.sum())} of {len(wrong)} rows of {name} differ from "
            "the published labels, so they belong to other pictures; prepare "
            "the set anew"
        )
    count = source.num_samples
    if split == "fit":
        count -= cifar.VALIDATION
    noise = {
        "type": "human",
        "rate": round(float(wrong.mean()), 6),
        "convention": kind,
        "realized_rate": round(float(wrong[:count].mean()), 6),
    }
    source = source.relabel(source.labels, noise=noise)
    return source.subset(range(count), name=full_name)


def human_labels(path, kind):
    """Reads human labels from the published file.

    Args:
        path: `CIFAR-10_human.pt` or `CIFAR-100_human.pt`. It is a pickle, of
            which nothing but integer arrays is read.
        kind: `"worse"`, `"aggre"`, `"random1"`, `"random2"`, `"random3"`, or
            `"noisy_fine"` for CIFAR-100.

    Returns:
        The human labels and the published ones, int `[N]` each, in the
        order of the original training set.

    Raises:
        ValueError: an unknown kind, a file without it, or a file of something
            else.
        OSError: the file cannot be read.
    """
    keys = {k: key for kinds in KINDS.values() for k, key in kinds.items()}
    if kind not in keys:
        raise ConfigurationError(
            f"Expected human labels of a kind, one of {', '.join(keys)}. "
            f"Received: {kind!r}"
        )
    arrays = torch_arrays.load(path)
    for key in (keys[kind], "clean_label"):
        if key not in arrays:
            raise ConfigurationError(
                f"Expected a file with `{key}`. Received: "
                f"{', '.join(sorted(arrays)) or 'no arrays'} in {path}"
            )
    labels, true_labels = arrays[keys[kind]], arrays["clean_label"]
    if labels.ndim != 1 or labels.shape != true_labels.shape:
        raise ConfigurationError(
            "Expected one label per picture, [N]. Received: shape "
            f"{labels.shape} of `{keys[kind]}` and {true_labels.shape} of "
            f"`clean_label` in {path}"
        )
    return labels, true_labels


def join(source, labels, true_labels):
    """Gives human labels to the pictures that they belong to.

    Args:
        source: a `Source` with the published labels, in their order.
        labels: int `[N]`, the human labels.
        true_labels: int `[N]`, the published labels that came with them; they
            must be those of the source.

    Returns:
        A `Source` with the human labels, and the published ones as
        `true_labels`.

    Raises:
        ValueError: another length; rows that belong to other pictures.
    """
    if not len(labels) == len(true_labels) == source.num_samples:
        raise ConfigurationError(
            f"Expected {source.num_samples} labels, one for each picture of "
            f"{source.name}. Received: {len(labels)} human labels, "
            f"{len(true_labels)} published ones"
        )
    differ = int(np.sum(source.labels != true_labels))
    if differ:
        raise ConfigurationError(
            "Expected labels in the order of the pictures. Received: "
            f"published labels of which {differ} of {source.num_samples} rows "
            f"differ from those of {source.name}; the original order is "
            "needed, not that of TFDS"
        )
    joined = source.relabel(labels)
    joined.true_labels = source.labels
    return joined


def _checked_kind(name, kind):
    kinds = tuple(KINDS[name])
    if kind is None:
        return kinds[0]
    if kind not in kinds:
        raise ConfigurationError(
            f"Expected human labels of {name}, one of {', '.join(kinds)}. "
            f"Received: {kind!r}"
        )
    return kind


def _find(name, folder):
    """Path of the published file."""
    places = [folder / _FILES[name], folder / name / _FILES[name]]
    for path in places:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"Expected {_FILES[name]} in {folder} or in {folder / name}, or "
        f"{name} there as TFDS prepares it. Received: neither; the file is in "
        "`data/` of https://github.com/UCSC-REAL/cifar-10-100n"
    )
