"""The settings of contrastive learning, as papers or we give them."""

import dataclasses

from trainers.presets.preset import Preset

METHODS = ("simclr", "moco")


def preset(method, dataset, name):
    """The row for a run: as `presets.preset`; noise decides nothing here."""
    rows = {"digits": _DIGITS, "cifar10": _CIFAR, "cifar100": _CIFAR}
    row = rows.get(dataset, _PICTURES)[method]
    if name == "official" and method == "simclr":
        row = dataclasses.replace(
            row,
            source="Chen et al., SimCLR, ICML 2020, code, for CIFAR-10",
            epochs=1000,
            batch_size=512,
            # 1 for each 256 images of a batch.
            learning_rate=2.0,
            optimizer="lars",
            weight_decay=1e-4,
            rate_warmup=10,
        )
    return row


_CIFAR = {
    "simclr": Preset(
        source="Zheltonozhskii et al., C2D, WACV 2022, SimCLR in the setting "
        "of Khosla et al., 2020",
        network="resnet18",
        epochs=1000,
        drops=(),
        batch_size=512,
        learning_rate=0.5,
        weight_decay=1e-4,
        rate_warmup=10,
        host={"temperature": 0.5},
    ),
    "moco": Preset(
        source="noisy_keras, after the authors' demonstration on CIFAR-10",
        network="resnet18",
        epochs=200,
        drops=(),
        batch_size=512,
        learning_rate=0.06,
        weight_decay=5e-4,
        rate_warmup=0,
        host={"temperature": 0.1, "queue_size": 4096, "key_momentum": 0.99},
    ),
}

# With a rate of 0.3 all projections soon are one and the same.
_ON_DIGITS = Preset(
    source="noisy_keras, chosen on the digits' validation split",
    network="tiny",
    epochs=40,
    drops=(),
    batch_size=128,
    learning_rate=0.06,
    weight_decay=1e-4,
    rate_warmup=2,
    host={"temperature": 0.2},
)
_DIGITS = {
    "simclr": _ON_DIGITS,
    "moco": dataclasses.replace(
        _ON_DIGITS,
        source="noisy_keras, a start for the digits, not tuned",
        host={"temperature": 0.2, "queue_size": 512, "key_momentum": 0.99},
    ),
}

_FOR_PICTURES = Preset(
    source="noisy_keras, a start for any pictures",
    network="preact_resnet18",
    width=32,
    image_size=64,
    epochs=200,
    drops=(),
    batch_size=256,
    learning_rate=0.25,
    weight_decay=1e-4,
    rate_warmup=10,
    host={"temperature": 0.5},
)
_PICTURES = {
    "simclr": _FOR_PICTURES,
    "moco": dataclasses.replace(
        _FOR_PICTURES,
        learning_rate=0.03,
        host={"temperature": 0.2, "queue_size": 4096, "key_momentum": 0.99},
    ),
}
