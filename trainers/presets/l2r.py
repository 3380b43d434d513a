"""Presets of L2R."""

from trainers.presets.shared import trusted

CLASS = "L2R"

_PAPER = "Ren et al., L2R, ICML 2018"
#: By data set. Drops after 40,000 and 50,000 of 60,000 steps, of which 440 are
#: an epoch without 5,000 pictures for validation and 1,000 trusted ones.
ROWS = trusted.rows_of(
    _PAPER,
    cifar={
        "source": f"{_PAPER}, code; with the weight decay of IEG's",
        "network": "wide_resnet28_10",
        "epochs": 136,
        "learning_rate_drops": (91, 114),
    },
)

#: Noise as in IEG's paper, which reports these.
NOISE_FLAGS = {
    "symmetric": ["--noise_type=symmetric", "--noise_convention=matrix_incl"],
}
_TABLE = "Zhang et al., IEG, CVPR 2020"
#: Published results, in % of the test pictures, with 1,000 trusted ones.
TARGETS = {
    ("cifar10", "none", 0.0): f"96.1 ({_TABLE})",
    ("cifar10", "symmetric", 0.2): f"90.0 ({_TABLE}, trained by its authors)",
    ("cifar10", "symmetric", 0.4): f"86.9 ({_TABLE})",
    ("cifar10", "symmetric", 0.8): f"73.0 ({_TABLE}, trained by its authors)",
    ("cifar100", "none", 0.0): f"81.2 ({_TABLE})",
    ("cifar100", "symmetric", 0.2): f"67.1 ({_TABLE})",
    ("cifar100", "symmetric", 0.4): f"61.3 ({_TABLE})",
    ("cifar100", "symmetric", 0.8): f"35.1 ({_TABLE})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise and preset decide nothing here."""
    del noise_type, noise_rate, name
    return trusted.row(ROWS, dataset)
