"""Presets of ELR, and what depends on the noise in it."""

import dataclasses

from trainers import presets
from trainers.presets import Preset
from trainers.presets import cross_entropy

CLASS = "ELR"

_PAPER = "Liu et al., ELR, NeurIPS 2020"
# For symmetric noise on CIFAR-10 the authors restart the rate every 10 epochs;
# elsewhere they divide it by 100 at these epochs.
_CIFAR10 = Preset(
    source=f"{_PAPER}, code, with a rate that is divided by 10 at each drop",
    network="resnet34",
    epochs=120,
    learning_rate_drops=(40, 80),
    batch_size=128,
    weight_decay=1e-3,
)
# The settings of ELR+, which has two networks, their averages and mixup beside.
_CLOTHING1M = Preset(
    source=f"{_PAPER}, code of ELR+ for Clothing1M, for one network",
    network="keras:ResNet50",
    weights="imagenet",
    image_size=224,
    epochs=15,
    learning_rate_drops=(7,),
    batch_size=64,
    steps_per_epoch=3000,
    learning_rate=0.002,
    weight_decay=1e-3,
    arguments={"sampling": "balanced"},
)
#: By data set.
ROWS = {
    "clothing1m": _CLOTHING1M,
    "mini_webvision": Preset(
        source=f"{_PAPER}, code of ELR+ for WebVision, for one network",
        network="inception_resnet_v2",
        image_size=299,
        epochs=100,
        learning_rate_drops=(50,),
        batch_size=32,
    ),
    # Not in the paper.
    "animal10n": dataclasses.replace(
        cross_entropy.ROWS["animal10n"],
        source="noisy_keras, ELR with the network and the optimizer of Feng "
        "et al., SSR, BMVC 2022, code for Animal-10N",
    ),
    "food101n": dataclasses.replace(
        _CLOTHING1M,
        source="noisy_keras, as ELR+'s code for Clothing1M, for one network",
    ),
    "cifar10": _CIFAR10,
    "cifar100": dataclasses.replace(
        _CIFAR10,
        epochs=150,
        learning_rate_drops=(80, 120),
        arguments={"target_decay": 0.9, "regularization_weight": 7.0},
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
#: Arguments for few and for many classes, by whether noise is asymmetric; for
#: many classes it decides nothing.
SYMMETRIC = {"target_decay": 0.7, "regularization_weight": 3.0}
ASYMMETRIC = {"target_decay": 0.9, "regularization_weight": 1.0}

_HUMAN = "a reproduction of the CIFAR-N benchmark"
#: Published results, in % of the test pictures.
TARGETS = {
    ("cifar10_n", "aggre"): f"93.00 ({_HUMAN})",
    ("cifar10_n", "random1"): f"92.20 ({_HUMAN})",
    ("cifar10_n", "worse"): f"87.89 ({_HUMAN})",
    ("cifar100_n", "noisy_fine"): f"63.72 ({_HUMAN})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; rate and preset decide nothing here."""
    del noise_rate, name
    row = ROWS.get(presets.photographs(dataset), ROWS[presets.ANY])
    asymmetric = noise_type == "asymmetric"
    return dataclasses.replace(
        row, arguments=(ASYMMETRIC if asymmetric else SYMMETRIC) | row.arguments
    )
