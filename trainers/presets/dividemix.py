"""Presets of DivideMix, and what depends on the noise in it."""

import dataclasses

from trainers import presets
from trainers.presets import Preset

CLASS = "DivideMix"

_CIFAR = Preset(
    source="Li et al., DivideMix, ICLR 2020, table 7 and code",
    network="preact_resnet18",
    epochs=300,
    learning_rate_drops=(150,),
    batch_size=64,
    warmup_epochs=10,
)
# Batches of 32,000 pictures an epoch, of each class as many; pictures of 256
# pixels are cropped to 224. Only the labelled half of a mixed batch is trained
# on. The code has one epoch more.
_CLOTHING1M = Preset(
    source="Li et al., DivideMix, ICLR 2020, code for Clothing1M",
    network="keras:ResNet50",
    weights="imagenet",
    image_size=224,
    epochs=80,
    learning_rate_drops=(40,),
    batch_size=32,
    steps_per_epoch=1000,
    learning_rate=0.002,
    weight_decay=1e-3,
    warmup_epochs=1,
    arguments={
        "unlabeled_weight": 0.0,
        "mix_alpha": 0.5,
        "mix_unlabeled": False,
        "warmup_penalty": True,
        "sampling": "balanced",
    },
)
# The network begins with random weights.
_MINI_WEBVISION = Preset(
    source="Li et al., DivideMix, ICLR 2020, code for WebVision",
    network="inception_resnet_v2",
    image_size=299,
    epochs=80,
    learning_rate_drops=(40,),
    batch_size=32,
    learning_rate=0.01,
    warmup_epochs=1,
    arguments={
        "unlabeled_weight": 0.0,
        "mix_alpha": 0.5,
        "mix_unlabeled": False,
    },
)
# DivideMix has not been published on these.
_ANIMAL10N = Preset(
    source="noisy_keras, DivideMix with the network, the optimizer and the "
    "mixing ratio of Feng et al., SSR, BMVC 2022, code for Animal-10N",
    network="vgg19_bn",
    image_size=64,
    epochs=150,
    learning_rate_drops=(50, 100),
    batch_size=64,
    learning_rate=0.02,
    warmup_epochs=10,
    arguments={"mix_alpha": 0.5},
)
_FOOD101N = dataclasses.replace(
    _CLOTHING1M,
    source="noisy_keras, as DivideMix's code for Clothing1M",
)
#: By data set.
ROWS = {
    "animal10n": _ANIMAL10N,
    "clothing1m": _CLOTHING1M,
    "food101n": _FOOD101N,
    "mini_webvision": _MINI_WEBVISION,
    "cifar10": _CIFAR,
    "cifar100": dataclasses.replace(_CIFAR, warmup_epochs=30),
    "digits": Preset(
        source="noisy_keras, chosen on the digits' validation split",
        network="tiny",
        epochs=25,
        learning_rate_drops=(20,),
        batch_size=64,
        learning_rate=0.05,
        warmup_epochs=8,
    ),
    presets.ANY: Preset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=60,
        learning_rate_drops=(45,),
        batch_size=64,
        warmup_epochs=10,
    ),
}
#: What depends on the noise, by data set and nominal symmetric rate:
#: `unlabeled_weight`, lambda_u of the paper.
UNLABELED_WEIGHT = {
    "cifar10": {0.2: 0.0, 0.5: 25.0, 0.8: 25.0, 0.9: 50.0},
    "cifar100": {0.2: 25.0, 0.5: 150.0, 0.8: 150.0, 0.9: 150.0},
    # As on CIFAR-10; 25 where that has 50.
    "digits": {0.2: 0.0, 0.5: 25.0, 0.8: 25.0, 0.9: 25.0},
}
#: And further arguments for 90% symmetric noise, on all data sets.
AT_HIGH_NOISE = {"loss_history": 5, "clean_threshold": 0.6}
#: The released code's choice: each view in a forward pass of its own.
OFFICIAL = {"separate_guesses": True}

#: For noise of unknown rate: the method finds out when to divide. Chosen by
#: `benchmarks/robustness.py`.
ADAPTIVE = {"warmup_epochs": "auto", "unlabeled_weight": 25.0}

#: Data sets whose settings were published for their noise as it is: nothing is
#: left to find out.
KNOWN_NOISE = ("clothing1m", "food101n", "mini_webvision")

_PAPER = "Li et al., DivideMix, ICLR 2020"
_HUMAN = "a reproduction of the CIFAR-N benchmark"
#: Published results, in % of the test pictures: best, and mean of the last ten
#: epochs.
TARGETS = {
    ("cifar10", "symmetric", 0.2): f"96.1 best, 95.7 last ({_PAPER})",
    ("cifar10", "symmetric", 0.5): f"94.6 best, 94.4 last ({_PAPER})",
    ("cifar10", "symmetric", 0.8): f"93.2 best, 92.9 last ({_PAPER})",
    ("cifar10", "symmetric", 0.9): f"76.0 best, 75.4 last ({_PAPER})",
    ("cifar10", "asymmetric", 0.2): f"93.4 best ({_PAPER})",
    ("cifar10", "asymmetric", 0.4): f"93.4 best, 92.1 last ({_PAPER})",
    ("cifar100", "symmetric", 0.2): f"77.3 best, 76.9 last ({_PAPER})",
    ("cifar100", "symmetric", 0.5): f"74.6 best, 74.2 last ({_PAPER})",
    ("cifar100", "symmetric", 0.8): f"60.2 best, 59.6 last ({_PAPER})",
    ("cifar100", "symmetric", 0.9): f"31.5 best, 31.0 last ({_PAPER})",
    ("cifar10_n", "aggre"): f"95.62 ({_HUMAN})",
    ("cifar10_n", "random1"): f"95.72 ({_HUMAN})",
    ("cifar10_n", "worse"): f"93.10 ({_HUMAN})",
    ("cifar100_n", "noisy_fine"): f"70.91 ({_HUMAN})",
    "clothing1m": f"74.76 (ResNet-50 from ImageNet's weights; {_PAPER})",
    "mini_webvision": f"77.3 (Inception-ResNet-v2, 299 pixels; {_PAPER})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run."""
    dataset = presets.photographs(dataset)
    row = ROWS.get(dataset, ROWS[presets.ANY])
    row = for_noise(row, dataset, noise_type, noise_rate, name)
    if name == "official":
        row = dataclasses.replace(
            row,
            source=f"{row.source}; the released code's choices",
            arguments=row.arguments | OFFICIAL,
        )
    return row


def for_noise(row, dataset, noise_type, noise_rate, name):
    """A row with what its noise decides.

    Args:
        row: `Preset` of DivideMix, or of a method on it.
        dataset: str, name of the data set, as of `presets.photographs`.
        noise_type: str, as of `presets.preset`.
        noise_rate: float, nominal rate, or None.
        name: `"recommended"` or `"official"`.

    Returns:
        A `Preset`.
    """
    estimated = noise_type == presets.ESTIMATED
    if estimated and dataset in KNOWN_NOISE:
        return row
    row = with_noise(row, dataset, noise_type, noise_rate)
    return adaptive(row) if estimated and name == "recommended" else row


def adaptive(row):
    """A row for noise of unknown rate: evidence decides what follows.

    Args:
        row: `Preset` of DivideMix, or of a method on it.

    Returns:
        A `Preset`.
    """
    arguments = dict(row.arguments)
    arguments.pop("unlabeled_weight", None)  # It is scaled by what is found.
    return dataclasses.replace(
        row, warmup_epochs=None, arguments=arguments | ADAPTIVE
    )


def with_noise(row, dataset, noise_type, noise_rate):
    """A row with the arguments of DivideMix that depend on the noise.

    Args:
        row: `Preset` of DivideMix, or of a method on it.
        dataset: str, name of the data set.
        noise_type: str, as of `presets.preset`.
        noise_rate: float, nominal rate, or None.

    Returns:
        A `Preset`.
    """
    arguments, why = _noise_arguments(dataset, noise_type, noise_rate)
    return dataclasses.replace(
        row,
        source=f"{row.source} ({why})",
        arguments=row.arguments | arguments,
    )


def for_estimate(rate, concentration):
    """DivideMix's arguments for noise that was estimated in training.

    Args:
        rate: float, share of wrong labels, in `[0, 1]`.
        concentration: float in `[0, 1]`, of the estimate; from a half on,
            each class is mistaken for one other, and the noise counts as
            asymmetric.

    Returns:
        dict of those arguments that can change after the warm-up, and which
        noise they are for, as text.
    """
    kind = "asymmetric" if concentration >= 0.5 else "symmetric"
    arguments, why = _noise_arguments(presets.ANY, kind, rate)
    changeable = ("unlabeled_weight", "clean_threshold")
    return {k: arguments[k] for k in changeable if k in arguments}, why


def _noise_arguments(dataset, noise_type, noise_rate):
    if noise_type == "asymmetric":
        arguments = {"unlabeled_weight": 0.0, "warmup_penalty": True}
        return arguments, "asymmetric noise"
    if noise_type == presets.ESTIMATED:
        why = "noise to be estimated while training"
        return {"unlabeled_weight": 0.0}, why
    if noise_rate == 0.0:
        why = "no injected noise, as for 20% symmetric"
        return {"unlabeled_weight": 0.0}, why
    table = UNLABELED_WEIGHT.get(dataset, UNLABELED_WEIGHT["cifar10"])
    nearest = min(table, key=lambda rate: abs(rate - noise_rate))
    arguments = {"unlabeled_weight": table[nearest]}
    if nearest == 0.9:
        arguments |= AT_HIGH_NOISE
    why = f"{nearest:.0%} symmetric noise, the nearest published rate"
    return arguments, why
