"""CIFAR-10 and CIFAR-100 through TFDS."""

import numpy as np

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.sources import prepared
from noisy_keras.data.sources.array_source import ArraySource

# Of the training pictures, as the published codes have them.
_STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.507, 0.487, 0.441), (0.267, 0.256, 0.276)),
}

#: Pictures at the end of the training set that serve for validation.
VALIDATION = 5000


def load(name, split, data_dir=None):
    """Loads a split, ordered by id, that is, as the authors published it.

    CIFAR has no validation split; the last 5,000 training pictures serve as
    one. `"train"` is all 50,000, `"fit"` those that are not for validation.

    Args:
        name: `"cifar10"` or `"cifar100"`.
        split: `"train"`, `"fit"`, `"validation"` or `"test"`.
        data_dir: TFDS folder; None is `~/tensorflow_datasets`. The set is
            downloaded there by TFDS if it is not yet prepared.

    Returns:
        A `Source` of images uint8 `[32, 32, 3]`.

    Raises:
        OSError: it is not there and could not be downloaded.
    """
    return read(prepared.builder(name, data_dir), split)


def read(builder, split, given="label"):
    """Reads a split of a prepared set of the CIFAR family.

    Args:
        builder: TFDS builder of a set that is prepared.
        split: as of `load`.
        given: the feature that holds the given labels. Unless it is
            `"label"`, which holds the true ones, those become `true_labels`.

    Returns:
        A `Source`, as of `load`.
    """
    name = builder.name
    part = "test" if split == "test" else "train"
    # Order on disk is shuffled by TFDS; ids restore the original one.
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
