"""CIFAR-10 and CIFAR-100, read through TFDS."""

import os
from typing import Any

import numpy as np

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.sources import prepared
from noisy_keras.data.sources.array_source import ArraySource

# Mean and standard deviation of the training images as in the authors' codes
# (https://github.com/LiJunnan1992/DivideMix, `dataloader_cifar.py`).
_STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.507, 0.487, 0.441), (0.267, 0.256, 0.276)),
}

#: Number of images at the end of the training set used for validation.
VALIDATION = 5000


def load(
    name: str, split: str, data_dir: str | os.PathLike | None = None
) -> ArraySource:
    """Loads a split, in the order in which the authors published it.

    CIFAR has no validation split, so the last 5,000 training images serve as
    one. `"train"` contains all 50,000 training images, `"fit"` those that are
    not used for validation.

    Args:
        name: str, `"cifar10"` or `"cifar100"`.
        split: str, `"train"`, `"fit"`, `"validation"` or `"test"`.
        data_dir: str, TFDS' data folder. Defaults to `~/tensorflow_datasets`.
            TFDS downloads the data set if it is not prepared there.

    Returns:
        A `Source` of uint8 images `[32, 32, 3]`.

    Raises:
        OSError: the data set is not prepared and could not be downloaded.
    """
    return read(prepared.builder(name, data_dir), split)


def read(builder: Any, split: str, given: str = "label") -> ArraySource:
    """Reads a split of a prepared data set of the CIFAR family.

    Args:
        builder: `tfds.core.DatasetBuilder` of a prepared data set.
        split: str, as in `load`.
        given: str, name of the feature with the given labels. If it is not
            `"label"`, which holds the true labels, the latter become
            `true_labels`.

    Returns:
        A `Source`, as in `load`.
    """
    name = builder.name
    part = "test" if split == "test" else "train"
    # TFDS shuffles the records; sorting by id restores the original order.
    dataset = builder.as_dataset(split=part, batch_size=1000)
    batches = list(dataset.as_numpy_iterator())
    ids, images, labels, true_labels = (
        np.concatenate([batch[key] for batch in batches])
        for key in ("id", "image", given, "label")
    )
    order = np.argsort(ids)
    if split == "fit":
        order = order[:-VALIDATION]
    elif split == "validation":
        order = order[-VALIDATION:]
    mean, std = _STATISTICS[name.removesuffix("_n")]
    return ArraySource(
        images[order],
        labels[order],
        builder.info.features["label"].names,
        true_labels=None if given == "label" else true_labels[order],
        ids=[i.decode() for i in ids[order]],
        pixel_mean=mean,
        pixel_std=std,
        augmentation=Augmentation(crop_padding=4, horizontal_flip=True),
        name=f"{name} ({split})",
    )
