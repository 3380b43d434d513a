"""Presets of GCE."""

import dataclasses

from trainers import presets
from trainers.presets import Preset

CLASS = "GCE"

_PAPER = "Zhang and Sabuncu, GCE, NeurIPS 2018"
_CIFAR10 = Preset(
    source=_PAPER,
    network="resnet34",
    epochs=120,
    learning_rate_drops=(40, 80),
    batch_size=128,
    learning_rate=0.01,
    weight_decay=1e-4,
)
#: By data set.
ROWS = {
    "cifar10": _CIFAR10,
    "cifar100": dataclasses.replace(
        _CIFAR10, epochs=150, learning_rate_drops=(80, 120)
    ),
    # Not tuned: as for cross-entropy.
    "digits": Preset(
        source="noisy_keras, cross-entropy's settings for the digits",
        network="tiny",
        epochs=60,
        learning_rate_drops=(50,),
        batch_size=64,
        learning_rate=0.05,
    ),
    presets.ANY: Preset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=60,
        learning_rate_drops=(45,),
        batch_size=64,
    ),
}
#: The released code's truncated loss: k, and the epochs of its choices.
TRUNCATED = {"truncation": 0.5, "prune_every": 10}
PRUNE_FROM = {"cifar10": 40, "cifar100": 80}

_TABLE = "Zhang et al., IEG, CVPR 2020"
_SANM = "Tu et al., SANM, CVPR 2023"
#: Published results, in % of the test pictures.
TARGETS = {
    ("cifar10", "none", 0.0): f"93.5 (as cited by {_TABLE})",
    ("cifar10", "symmetric", 0.2): f"89.9 (as cited by {_TABLE})",
    ("cifar10", "symmetric", 0.4): f"87.1 (as cited by {_TABLE})",
    ("cifar10", "symmetric", 0.8): f"67.9 (as cited by {_TABLE})",
    ("cifar10", "asymmetric", 0.2): f"89.5 (as cited by {_TABLE})",
    ("cifar10", "asymmetric", 0.4): f"82.3 (as cited by {_TABLE})",
    ("cifar100", "none", 0.0): f"81.4 (as cited by {_TABLE})",
    ("cifar100", "symmetric", 0.2): f"66.8 (as cited by {_TABLE})",
    ("cifar100", "symmetric", 0.4): f"61.8 (as cited by {_TABLE})",
    ("cifar100", "symmetric", 0.8): f"47.7 (as cited by {_TABLE})",
    "clothing1m": f"73.30 (as cited by {_SANM})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; the noise decides nothing here."""
    del noise_type, noise_rate
    row = ROWS.get(dataset, ROWS[presets.ANY])
    if name != "official":
        return row
    # Where nothing is published, at the same share of the epochs.
    prune_from = PRUNE_FROM.get(dataset, row.epochs // 3)
    return dataclasses.replace(
        row,
        source=f"{row.source}; the released code's truncated loss",
        epoch_arguments={"prune_from": prune_from},
        arguments=TRUNCATED,
    )
