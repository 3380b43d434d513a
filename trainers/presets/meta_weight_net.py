"""Presets of Meta-Weight-Net."""

from trainers.presets.shared import trusted

CLASS = "MetaWeightNet"

_PAPER = "Shu et al., Meta-Weight-Net, NeurIPS 2019"
#: By data set. In the digits' 540 steps it gets no further than giving all
#: samples large weights, wrong labels the largest, unless they are normalised.
ROWS = trusted.rows_of(_PAPER, digits={"arguments": {"normalized": True}})

#: Published results, in % of the test pictures.
TARGETS = {
    "clothing1m": f"73.72 (ResNet-50 from ImageNet's weights; {_PAPER})",
}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise and preset decide nothing here."""
    del noise_type, noise_rate, name
    return trusted.row(ROWS, dataset)
