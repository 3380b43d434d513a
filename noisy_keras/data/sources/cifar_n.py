"""CIFAR-10N and CIFAR-100N: CIFAR with labels by human annotators.

Reference: Wei et al., Learning with Noisy Labels Revisited: A Study Using
Real-World Human Annotations, ICLR 2022. The labels are licensed for
non-commercial use (CC BY-NC 4.0), so users have to provide the file.
"""

import os

import numpy as np

from noisy_keras.data.sources import cifar
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import torch_arrays
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

# Features to which TFDS gives another name than the published file.
_FEATURES = {"noisy_label": "noise_label"}


def load(
    name: str,
    split: str,
    data_dir: str | os.PathLike | None = None,
    kind: str | None = None,
) -> Source:
    """Loads a split, in the order in which CIFAR's authors published it.

    Training splits have the human labels as `labels` and CIFAR's own labels as
    `true_labels`. Validation and test splits have CIFAR's own labels.

    If `data_dir` contains the data set as TFDS prepares it (`cifar10_n`,
    `cifar100_n`), that is read. Otherwise `CIFAR-10_human.pt` or
    `CIFAR-100_human.pt` is read from `data_dir`, or from the data set's folder
    in it, and joined with TFDS' CIFAR.

    Args:
        name: str, one of `KINDS`.
        split: str, `"train"`, `"fit"`, `"validation"` or `"test"`, as for
            CIFAR.
        data_dir: str, TFDS' data folder. Defaults to TFDS' own default.
        kind: str, kind of the human labels, one of `KINDS[name]`. Defaults to
            `"worse"`, or `"noisy_fine"` for CIFAR-100N.

    Returns:
        A `Source` of uint8 images `[32, 32, 3]`. In its `noise`, `rate` is
        the share of wrong labels in the whole training set and
        `realized_rate` the actual noise rate of the split.

    Raises:
        ValueError: the kind is unknown, or the labels belong to other images.
        OSError: labels or images are missing.
    """
    kind = _checked_kind(name, kind)
    key = KINDS[name][kind]
    # Imported here because only these data sets need it.
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    # `is_prepared` warns if the folder does not exist.
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
        # The labels are read first, because the images take longer.
        path = _find(name, builder.data_path.parent.parent)
        labels, true_labels = human_labels(path, kind)
        source = join(cifar.load(plain, "train", data_dir), labels, true_labels)
    wrong = source.labels != source.true_labels
    if np.mean(wrong) > 0.5:
        raise ConfigurationError(
            "Expected human labels that are mostly right. Received: "
            f"{int(wrong.sum())} of {len(wrong)} labels of {name} differ from "
            "CIFAR's own, so they belong to other images; prepare the data set "
            "again"
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


def human_labels(
    path: str | os.PathLike, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Reads human labels from the published file.

    Args:
        path: str, path of `CIFAR-10_human.pt` or `CIFAR-100_human.pt`. The
            file is a pickle, from which only integer arrays are read.
        kind: str, `"worse"`, `"aggre"`, `"random1"`, `"random2"` or
            `"random3"`; for CIFAR-100 `"noisy_fine"`.

    Returns:
        A pair of int arrays `[N]`: the human labels and CIFAR's own labels, in
        the order of the original training set.

    Raises:
        ValueError: the kind is unknown or not in the file, or the file is not
            of this kind.
        OSError: the file cannot be read.
    """
    keys = {k: key for kinds in KINDS.values() for k, key in kinds.items()}
    if kind not in keys:
        raise ConfigurationError(
            f"Expected a kind of human labels, one of {', '.join(keys)}. "
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
            "Expected one label per image, [N]. Received: shape "
            f"{labels.shape} of `{keys[kind]}` and {true_labels.shape} of "
            f"`clean_label` in {path}"
        )
    return labels, true_labels


def join(source: Source, labels: np.ndarray, true_labels: np.ndarray) -> Source:
    """Replaces CIFAR's own labels by human labels.

    Args:
        source: `Source` with CIFAR's own labels, in the original order.
        labels: int array `[N]`, the human labels.
        true_labels: int array `[N]`, CIFAR's own labels from the file of the
            human labels; they must equal those of `source`.

    Returns:
        A `Source` with the human labels as `labels` and CIFAR's own labels as
        `true_labels`.

    Raises:
        ValueError: the arrays have another length, or belong to other images.
    """
    if not len(labels) == len(true_labels) == source.num_samples:
        raise ConfigurationError(
            f"Expected {source.num_samples} labels, one for each image of "
            f"{source.name}. Received: {len(labels)} human labels, "
            f"{len(true_labels)} labels of CIFAR"
        )
    differ = int(np.sum(source.labels != true_labels))
    if differ:
        raise ConfigurationError(
            "Expected labels in the order of the images. Received: a file in "
            f"which {differ} of {source.num_samples} labels of CIFAR differ "
            f"from those of {source.name}; the labels have to be in the "
            "original order, not in that of TFDS"
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
    """Returns the path of the published file."""
    places = [folder / _FILES[name], folder / name / _FILES[name]]
    for path in places:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"Expected {_FILES[name]} in {folder} or in {folder / name}, or "
        f"{name} there as prepared by TFDS. Received: neither; the file is in "
        "`data/` of https://github.com/UCSC-REAL/cifar-10-100n"
    )
