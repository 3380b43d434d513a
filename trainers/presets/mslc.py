"""Presets of MSLC."""

import dataclasses

from trainers.presets.shared import trusted

CLASS = "MSLC"

_PAPER = "Wu et al., MSLC, AAAI 2021"
_ROWS = trusted.rows_of(_PAPER, cifar={"network": "resnet34"})
#: By data set. Labels are corrected after two thirds of the epochs.
ROWS = {
    name: dataclasses.replace(
        row, epoch_arguments={"correct_from": round(row.epochs * 80 / 120)}
    )
    for name, row in _ROWS.items()
}
#: The released code's choices.
OFFICIAL = {"hard_predictions": True}

_TABLE = "Tu et al., DMLP, CVPR 2023"
#: Published results, in % of the test pictures: best, and last.
TARGETS = {
    ("cifar10", "symmetric", 0.2): f"93.4 best, 93.3 last ({_TABLE})",
    ("cifar10", "symmetric", 0.5): f"89.9 best, 89.4 last ({_TABLE})",
    ("cifar10", "symmetric", 0.8): f"69.8 best, 68.8 last ({_TABLE})",
    ("cifar10", "symmetric", 0.9): f"56.1 best, 55.2 last ({_TABLE})",
    ("cifar10", "asymmetric", 0.2): f"94.4 best ({_TABLE})",
    ("cifar10", "asymmetric", 0.4): f"91.6 best ({_TABLE})",
    ("cifar100", "symmetric", 0.2): f"72.5 best, 72.0 last ({_TABLE})",
    ("cifar100", "symmetric", 0.5): f"65.4 best, 64.9 last ({_TABLE})",
    ("cifar100", "symmetric", 0.8): f"24.3 best, 20.5 last ({_TABLE})",
    ("cifar100", "symmetric", 0.9): f"16.7 best, 14.6 last ({_TABLE})",
    "clothing1m": f"74.02 (ResNet-50 from ImageNet's weights; {_TABLE})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise decides nothing here."""
    del noise_type, noise_rate
    row = trusted.row(ROWS, dataset)
    if name == "official":
        row = dataclasses.replace(
            row,
            source=f"{row.source}; the released code's choices",
            arguments=OFFICIAL | row.arguments,
        )
    return row
