"""Label-noise generators: seeded functions from labels to noisy labels.

Generators must only be applied to training labels, never to validation or test
labels. After `apply`, a generator holds the actual noise rate and the actual
transition matrix.

Papers use the term noise rate in different ways: "50 % symmetric noise" leaves
45 % of the CIFAR-10 labels wrong in DivideMix and 50 % in DRPL. Each generator
therefore has named conventions. The noise rate that a generator is given is
the *nominal* noise rate; the share of labels that are wrong in the end is the
*actual* noise rate (`realized_rate`).

The generators sample from the distributions of the authors' codes, not from
their random streams, which depend on other libraries.
"""

from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.data.noise.confusion import ConfusionNoise
from noisy_keras.data.noise.instance import InstanceNoise
from noisy_keras.data.noise.open_set import OpenSetNoise
from noisy_keras.data.noise.predictions import PolynomialMarginNoise
from noisy_keras.data.noise.predictions import PredictedNoise
from noisy_keras.data.noise.structured import AsymmetricNoise
from noisy_keras.data.noise.structured import PairFlipNoise
from noisy_keras.data.noise.symmetric import SymmetricNoise
from noisy_keras.data.selection.similar_classes import superclass_successors

#: By name on the command line: the generators that only need a rate, a seed
#: and a convention. The others need a matrix, predictions or foreign images.
BY_NAME = {
    noise.name: noise
    for noise in (
        SymmetricNoise,
        AsymmetricNoise,
        PairFlipNoise,
        InstanceNoise,
    )
}

__all__ = [
    "BY_NAME",
    "AsymmetricNoise",
    "ConfusionNoise",
    "InstanceNoise",
    "LabelNoise",
    "OpenSetNoise",
    "PairFlipNoise",
    "PolynomialMarginNoise",
    "PredictedNoise",
    "SymmetricNoise",
    "superclass_successors",
]
