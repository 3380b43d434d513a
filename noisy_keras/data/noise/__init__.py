"""Label-noise generators: labels -> labels, seeded, with what they did.

A generator never sees validation or test data; callers give it training
labels only. After `apply` it holds the realised transition matrix and rate.

The same nominal rate means different things in different papers: "50 %
symmetric" leaves 45 % of CIFAR-10 labels wrong in DivideMix and 50 % in DRPL.
Conventions are therefore chosen by name.
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

#: Generators that a rate, a seed and a convention make, by their name on the
#: command line. The others need a matrix, predictions or foreign images.
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
