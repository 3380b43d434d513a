"""Noise after a confusion matrix."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.utils.errors import ConfigurationError

#: Added to confusions, so that every class can be drawn.
FLOOR = 1e-5


class ConfusionNoise(LabelNoise):
    """Non-uniform noise: exactly `int(r N)` labels are a network's confusions.

    A wrong label follows the row of the true one, its own class left out.

    Source: Ortego et al., "Towards Robust Learning with Different Label Noise
    Distributions" (DRPL), ICPR 2020, non-uniform in-distribution noise.

    Args:
        rate: r in `[0, 1)`, the share of labels that is wrong.
        matrix: `[K, K]`, counts or probabilities; row = true class, column =
            predicted class. 1e-5 is added to each. Counts and rates therefore
            differ a little, in favour of classes that are never confused.
        seed: of the generator.
    """

    name = "confusion"

    def __init__(self, rate, matrix, seed=0):
        super().__init__(rate, seed)
        self.matrix = base.weights_matrix(matrix, square=True)

    def apply(self, labels, num_classes=None):
        """Corrupts labels.

        Args:
            labels: int `[N]`.
            num_classes: K, which is that of the matrix.

        Returns:
            int32 `[N]`.

        Raises:
            ValueError: labels that are no labels, or another K.
        """
        size = len(self.matrix)
        if num_classes not in (None, size):
            raise ConfigurationError(
                f"Expected a `matrix` of shape [{num_classes}, {num_classes}]. "
                f"Received: shape {self.matrix.shape}"
            )
        return self._corrupted(labels, size)

    def _exact_confused(self, labels, num_classes, random):
        matrix = self.matrix + FLOOR
        matrix /= matrix.sum(axis=1, keepdims=True)
        np.fill_diagonal(matrix, 0.0)
        noisy = labels.copy()
        rows = base.exact_rows(self.rate, len(labels), random)
        noisy[rows] = base.drawn(matrix, labels[rows], random)
        return noisy

    _conventions = {"exclude_true": _exact_confused}
