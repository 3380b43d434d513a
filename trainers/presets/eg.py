"""Presets of EG: those of IEG, without its weights and its choice of labels."""

import dataclasses

from trainers.presets import ieg
from trainers.presets.shared import trusted

CLASS = "EG"

_PAPER = "Zhang et al., EG of IEG, CVPR 2020"
_FROM_IEG = ieg.rows_of(_PAPER)
#: By data set.
ROWS = _FROM_IEG | {
    name: dataclasses.replace(_FROM_IEG[name], network="wide_resnet28_2")
    for name in ("cifar10", "cifar100")
}

#: Published results, in % of the test pictures, with 10 trusted pictures of
#: each class, whatever the noise: no other label is used.
TARGETS = {
    ("cifar10", "any"): f"92.4 ± 0.7 ({_PAPER})",
    ("cifar100", "any"): f"57.6 ± 0.4 ({_PAPER})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise decides nothing here."""
    del noise_type, noise_rate
    row = trusted.row(ROWS, dataset)
    if name == "official":
        return ieg.official(row, dataset, ieg.OFFICIAL)
    return row
