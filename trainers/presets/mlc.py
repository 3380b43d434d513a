"""Presets of MLC."""

import dataclasses

from trainers.presets.shared import trusted

CLASS = "MLC"

_PAPER = "Zheng et al., MLC, AAAI 2021"
#: By data set. In the digits' 540 steps it corrects nothing at a lower rate.
ROWS = trusted.rows_of(
    _PAPER, digits={"arguments": {"meta_learning_rate": 3e-3}}
)
#: As the commands of the released code have it; its defaults are less.
OFFICIAL_ON_CIFAR = {"meta_learning_rate": 3e-4, "embedding": 128}

_TABLE = "Tu et al., DMLP, CVPR 2023"
#: Published results, in % of the test pictures: best, and last.
TARGETS = {
    ("cifar10", "symmetric", 0.2): f"92.6 best, 91.8 last ({_TABLE})",
    ("cifar10", "symmetric", 0.5): f"88.1 best, 87.5 last ({_TABLE})",
    ("cifar10", "symmetric", 0.8): f"77.4 best, 77.1 last ({_TABLE})",
    ("cifar10", "symmetric", 0.9): f"67.9 best, 67.0 last ({_TABLE})",
    ("cifar100", "symmetric", 0.2): f"66.8 best, 66.5 last ({_TABLE})",
    ("cifar100", "symmetric", 0.5): f"52.7 best, 52.4 last ({_TABLE})",
    ("cifar100", "symmetric", 0.8): f"21.8 best, 18.9 last ({_TABLE})",
    ("cifar100", "symmetric", 0.9): f"15.0 best, 14.2 last ({_TABLE})",
    "clothing1m": f"75.78 (ResNet-50 from ImageNet's weights; {_TABLE})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise decides nothing here."""
    del noise_type, noise_rate
    row = trusted.row(ROWS, dataset)
    if name == "official" and dataset in ("cifar10", "cifar100"):
        row = dataclasses.replace(
            row,
            source=f"{row.source}; the released code's choices",
            arguments=OFFICIAL_ON_CIFAR | row.arguments,
        )
    return row
