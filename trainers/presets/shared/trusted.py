"""Rows of methods with a trusted set.

L2R, Meta-Weight-Net, MLC and MSLC share the setting of their codes.
"""

import dataclasses

from trainers import presets
from trainers.presets import Preset

_CIFAR10 = Preset(
    source="{paper}, code",
    network="resnet32",
    epochs=120,
    learning_rate_drops=(80, 100),
    batch_size=100,
    learning_rate=0.1,
    trusted=100,  # 1,000 in all.
)
_TEMPLATES = {
    "cifar10": _CIFAR10,
    "cifar100": dataclasses.replace(_CIFAR10, trusted=10),
    # Read through TFDS: without what is said of CIFAR alone.
    "tfds:cifar10": _CIFAR10,
    "tfds:cifar100": _CIFAR10,
    # Papers trust validation pictures and start from ImageNet's weights: here
    # validation stays to judge by, pictures that people have checked are
    # trusted, and weights are random.
    "clothing1m": Preset(
        source="noisy_keras, a start for Clothing1M, from random weights",
        network="resnet50",
        image_size=224,
        epochs=10,
        learning_rate_drops=(5,),
        batch_size=32,
        learning_rate=0.01,
        weight_decay=1e-3,
        trusted=100,
    ),
    "digits": Preset(
        source="noisy_keras, CIFAR's settings in a few minutes",
        network="tiny",
        epochs=30,
        learning_rate_drops=(20, 25),
        batch_size=64,
        learning_rate=0.1,
        trusted=10,
    ),
    presets.ANY: Preset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=60,
        learning_rate_drops=(40, 50),
        batch_size=64,
        learning_rate=0.05,
        trusted=10,
    ),
}


def rows_of(paper, **changes):
    """The rows of a method.

    Args:
        paper: str, for the `source` of the rows for CIFAR.
        **changes: by data set, a dict of fields of its row that differ.
            `cifar` stands for both of CIFAR.

    Returns:
        dict from data set to `Preset`.
    """
    on_cifar = changes.pop("cifar", {})
    changes = {"cifar10": on_cifar, "cifar100": on_cifar} | changes
    return {
        name: dataclasses.replace(
            row,
            **{"source": row.source.format(paper=paper)}
            | changes.get(name, {}),
        )
        for name, row in _TEMPLATES.items()
    }


def row(rows, dataset):
    """The row for a data set, be it from files or from TFDS.

    Args:
        rows: dict from data set to `Preset`.
        dataset: str, name of the data set.

    Returns:
        A `Preset`.
    """
    name = dataset if dataset in rows else dataset.removeprefix("tfds:")
    return rows.get(name, rows[presets.ANY])
