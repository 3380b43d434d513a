"""Presets of Joint-Optim: DRPL's first phase, and its own paper's."""

import dataclasses

from trainers import presets
from trainers.presets import drpl
from trainers.presets.shared import phases

CLASS = "JointOptim"

#: By data set.
ROWS = {name: phases.first_phase(row) for name, row in drpl.ROWS.items()}
#: What its own paper has, for uniform and for other noise.
OFFICIAL = {
    "uniform": {
        "learning_rate": 0.08,
        "arguments": {"prior_weight": 1.2, "entropy_weight": 0.8},
    },
    "other": {
        "learning_rate": 0.03,
        "arguments": {"prior_weight": 0.8, "entropy_weight": 0.4},
    },
}

_PAPER = "Tanaka et al., Joint-Optim, CVPR 2018"
_AFTER = "as a baseline in Ortego et al., DRPL, ICPR 2020"
_IN32, _IN64 = "tfds:imagenet32/drpl", "tfds:imagenet64/drpl"
#: Published results, in % of the test pictures; on ImageNet as in `drpl`.
TARGETS = {
    ("cifar10", "asymmetric", 0.2): f"92.8 best ({_PAPER})",
    ("cifar10", "asymmetric", 0.4): f"91.7 best ({_PAPER})",
    (_IN32, "confusion", 0.3): f"67.24 ({_AFTER})",
    (_IN32, "confusion", 0.5): f"63.62 ({_AFTER})",
    (_IN32, "symmetric", 0.4): f"62.98 ({_AFTER})",
    (_IN32, "symmetric", 0.8): f"41.52 ({_AFTER})",
    (_IN32, "open_set", 0.3): f"66.36 ({_AFTER})",
    (_IN32, "open_set", 0.5): f"62.80 ({_AFTER})",
    (_IN32, "open_set", 0.4): f"64.04 ({_AFTER})",
    (_IN32, "open_set", 0.8): f"45.00 ({_AFTER})",
    (_IN64, "confusion", 0.3): f"74.28 ({_AFTER})",
    (_IN64, "confusion", 0.5): f"69.20 ({_AFTER})",
    (_IN64, "symmetric", 0.4): f"70.98 ({_AFTER})",
    (_IN64, "symmetric", 0.8): f"48.44 ({_AFTER})",
    (_IN64, "open_set", 0.3): f"74.22 ({_AFTER})",
    (_IN64, "open_set", 0.5): f"70.74 ({_AFTER})",
    (_IN64, "open_set", 0.4): f"72.78 ({_AFTER})",
    (_IN64, "open_set", 0.8): f"54.00 ({_AFTER})",
    "mini_webvision": f"76.52 ({_AFTER})",
    "tfds:webvision/mini": f"76.52 ({_AFTER})",
    "clothing1m": f"72.16 (ResNet-50 from ImageNet's weights; {_PAPER})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run."""
    row = ROWS.get(dataset, ROWS[presets.ANY])
    if name != "official":
        return row
    uniform = noise_type != "asymmetric" and (noise_rate or 0.0) > 0.0
    return dataclasses.replace(
        row,
        source=f"{_PAPER}, first step; the released code's choices",
        epochs=200,
        learning_rate_drops=(),
        epoch_arguments={"relabel_from": 70},
        **OFFICIAL["uniform" if uniform else "other"],
    )
