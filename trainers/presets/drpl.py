"""Presets of DRPL, a recipe of five phases."""

import dataclasses

from trainers import presets
from trainers.presets.shared import phases
from trainers.presets.shared.phases import PhasedPreset

CLASS = "DRPL"

# The published number of epochs, by those of the first phase: CIFAR-10's, and
# those of CIFAR-100, ImageNet32 and ImageNet64.
_LONG = {
    "relabel_epochs": 130,
    "relabel_from": 70,
    "relabel_drops": (74, 109),
    "warmup_epochs": 10,
    "ssl_epochs": 175,
    "ssl_drops": (99, 149),
    "final_epochs": 300,
    "final_drops": (149, 224),
}
_SHORTER = _LONG | {
    "relabel_epochs": 100,
    "relabel_from": 40,
    "relabel_drops": (44, 79),
}
# Chosen by us: enough for small sets, or to begin with.
_BRIEF = {
    "relabel_epochs": 20,
    "relabel_from": 8,
    "relabel_drops": (12, 17),
    "warmup_epochs": 3,
    "ssl_epochs": 15,
    "ssl_drops": (8, 12),
    "final_epochs": 20,
    "final_drops": (10, 15),
}
_FOR_PICTURES = phases.scaled(_BRIEF, 90)


def _published(where, epochs, threshold_1, image_size=None):
    return PhasedPreset(
        source=f"Ortego et al., DRPL, ICPR 2020, code, {where}",
        network="preact_resnet18",
        epochs=phases.total(epochs),
        learning_rate_drops=(),
        batch_size=128,
        learning_rate=0.1,
        weight_decay=1e-4,
        image_size=image_size,
        epoch_arguments=epochs,
        arguments={"threshold_1": threshold_1},
    )


# The settings of the paper's rows on mini-WebVision are not published.
_WEBVISION = _published(
    "ImageNet64 in place of mini-WebVision, of which it tells none",
    _SHORTER,
    0.05,
    image_size=64,
)
# Not in the paper: its settings for ImageNet64, at a lower rate.
_PHOTOGRAPHS = dataclasses.replace(
    _WEBVISION,
    source="noisy_keras, after DRPL's settings for ImageNet64",
    learning_rate=0.02,
)
#: By data set.
ROWS = {
    "cifar10": _published("CIFAR-10", _LONG, 0.1),
    "cifar100": _published("CIFAR-100", _SHORTER, 0.1),
    "tfds:imagenet32/drpl": _published("ImageNet32", _SHORTER, 0.05),
    "tfds:imagenet64/drpl": _published("ImageNet64", _SHORTER, 0.05),
    "mini_webvision": _WEBVISION,
    "tfds:webvision/mini": _WEBVISION,
    "clothing1m": _PHOTOGRAPHS,
    "tfds:clothing1m": _PHOTOGRAPHS,
    "animal10n": _PHOTOGRAPHS,
    "tfds:animal10n": _PHOTOGRAPHS,
    "digits": PhasedPreset(
        source="noisy_keras, chosen on the digits' validation split",
        network="tiny",
        epochs=phases.total(_BRIEF),
        learning_rate_drops=(),
        batch_size=32,
        learning_rate=0.1,
        weight_decay=1e-4,
        epoch_arguments=_BRIEF,
        arguments={"threshold_1": 0.1, "warm_start": True},
    ),
    presets.ANY: PhasedPreset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=phases.total(_FOR_PICTURES),
        learning_rate_drops=(),
        batch_size=64,
        learning_rate=0.05,
        weight_decay=1e-4,
        epoch_arguments=_FOR_PICTURES,
        arguments={"threshold_1": 0.05, "warm_start": True},
    ),
}

#: The paper's names of its noise.
NOISE_FLAGS = {
    "symmetric": ["--noise_type=uniform_id"],
    "asymmetric": ["--noise_type=non_uniform_id"],
}
_CODE = "Ortego et al., DRPL, ICPR 2020, code"
_PAPER = "Ortego et al., DRPL, ICPR 2020"
_IN32, _IN64 = "tfds:imagenet32/drpl", "tfds:imagenet64/drpl"
#: Published results, in % of the test pictures. On ImageNet, foreign pictures
#: (`open_set`) are non-uniform at rates of 30% and 50%, uniform at 40% and 80%.
TARGETS = {
    ("cifar10", "none", 0.0): f"94.47 ({_CODE})",
    ("cifar10", "asymmetric", 0.1): f"95.70 ({_CODE})",
    ("cifar10", "asymmetric", 0.3): f"93.65 ({_CODE})",
    ("cifar10", "asymmetric", 0.4): f"93.14 ({_CODE})",
    ("cifar10", "symmetric", 0.2): f"94.20 ({_CODE})",
    ("cifar10", "symmetric", 0.4): f"92.92 ({_CODE})",
    ("cifar10", "symmetric", 0.6): f"89.21 ({_CODE})",
    ("cifar10", "symmetric", 0.8): f"64.35 ({_CODE})",
    ("cifar100", "none", 0.0): f"72.27 ({_CODE})",
    ("cifar100", "asymmetric", 0.1): f"72.40 ({_CODE})",
    ("cifar100", "asymmetric", 0.3): f"69.30 ({_CODE})",
    ("cifar100", "asymmetric", 0.4): f"65.86 ({_CODE})",
    ("cifar100", "symmetric", 0.2): f"71.25 ({_CODE})",
    ("cifar100", "symmetric", 0.4): f"73.13 ({_CODE})",
    ("cifar100", "symmetric", 0.6): f"68.71 ({_CODE})",
    ("cifar100", "symmetric", 0.8): f"53.04 ({_CODE})",
    (_IN32, "confusion", 0.3): f"73.46 ({_PAPER})",
    (_IN32, "confusion", 0.5): f"68.18 ({_PAPER})",
    (_IN32, "symmetric", 0.4): f"73.48 ({_PAPER})",
    (_IN32, "symmetric", 0.8): f"61.78 ({_PAPER})",
    (_IN32, "open_set", 0.3): f"71.38 ({_PAPER})",
    (_IN32, "open_set", 0.5): f"67.32 ({_PAPER})",
    (_IN32, "open_set", 0.4): f"71.36 ({_PAPER})",
    (_IN32, "open_set", 0.8): f"54.10 ({_PAPER})",
    (_IN64, "confusion", 0.3): f"81.90 ({_PAPER})",
    (_IN64, "confusion", 0.5): f"77.66 ({_PAPER})",
    (_IN64, "symmetric", 0.4): f"81.50 ({_PAPER})",
    (_IN64, "symmetric", 0.8): f"73.08 ({_PAPER})",
    (_IN64, "open_set", 0.3): f"80.44 ({_PAPER})",
    (_IN64, "open_set", 0.5): f"76.38 ({_PAPER})",
    (_IN64, "open_set", 0.4): f"79.76 ({_PAPER})",
    (_IN64, "open_set", 0.8): f"64.34 ({_PAPER})",
    "mini_webvision": f"82.08 ({_PAPER}; settings not published)",
    "tfds:webvision/mini": f"82.08 ({_PAPER}; settings not published)",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise decides nothing here."""
    del noise_type, noise_rate
    row = ROWS.get(dataset, ROWS[presets.ANY])
    row = dataclasses.replace(row, arguments=row.arguments | {"preset": name})
    if name == "official":
        row = dataclasses.replace(
            row, source=f"{row.source}; the released code's choices"
        )
    return row
