"""Presets of SimCLR."""

import dataclasses

from trainers import presets
from trainers.presets import Preset

CLASS = "SimCLR"

_CIFAR = Preset(
    source="Zheltonozhskii et al., C2D, WACV 2022, SimCLR in the setting of "
    "Khosla et al., 2020",
    network="resnet18",
    epochs=1000,
    learning_rate_drops=(),
    batch_size=512,
    learning_rate=0.5,
    weight_decay=1e-4,
    rate_warmup_epochs=10,
    arguments={"temperature": 0.5},
)
#: By data set.
ROWS = {
    "cifar10": _CIFAR,
    "cifar100": _CIFAR,
    # With a rate of 0.3 all projections soon are one and the same.
    "digits": Preset(
        source="noisy_keras, chosen on the digits' validation split",
        network="tiny",
        epochs=40,
        learning_rate_drops=(),
        batch_size=128,
        learning_rate=0.06,
        weight_decay=1e-4,
        rate_warmup_epochs=2,
        arguments={"temperature": 0.2},
    ),
    presets.ANY: Preset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=200,
        learning_rate_drops=(),
        batch_size=256,
        learning_rate=0.25,
        weight_decay=1e-4,
        rate_warmup_epochs=10,
        arguments={"temperature": 0.5},
    ),
}
#: What the released code has for CIFAR-10, for all data sets.
OFFICIAL = {
    "source": "Chen et al., SimCLR, ICML 2020, code, for CIFAR-10",
    "epochs": 1000,
    "batch_size": 512,
    "learning_rate": 2.0,  # 1 for each 256 images of a batch.
    "optimizer_name": "lars",
    "weight_decay": 1e-4,
    "rate_warmup_epochs": 10,
}
#: No published result: the networks' accuracies are of other methods on them.
TARGETS = {}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise decides nothing here."""
    del noise_type, noise_rate
    row = ROWS.get(dataset, ROWS[presets.ANY])
    return dataclasses.replace(row, **OFFICIAL) if name == "official" else row
