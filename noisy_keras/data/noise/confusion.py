"""Noise drawn from a confusion matrix."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike

#: Added to each entry of the matrix, so that every class can be drawn. The
#: value is that of DRPL's code.
FLOOR = 1e-5


class ConfusionNoise(LabelNoise):
    """Non-uniform noise: `int(r N)` labels are replaced by confused classes.

    A wrong label is drawn from the row of the true label, without the true
    label itself.

    Reference: Ortego et al., "Towards Robust Learning with Different Label
    Noise Distributions" (DRPL), ICPR 2020: non-uniform in-distribution noise,
    as in https://github.com/DiegoOrtego/LabelNoiseDRPL,
    `ImageNet32_64/dataset/ImageNet32_64_dataset.py`.

    Args:
        rate: float in `[0, 1)`, the noise rate r. The actual noise rate
            equals the nominal one up to rounding.
        matrix: float array `[K, K]`, counts or probabilities of predicted
            classes (columns) for true classes (rows). 1e-5 is added to each
            entry, so counts and probabilities give slightly different noise:
            probabilities favour classes that are never confused.
        seed: int, the seed of the generator.

    Raises:
        ValueError: the rate is out of range, or the matrix is not square,
            finite and non-negative.
    """

    name = "confusion"

    def __init__(self, rate: float, matrix: ArrayLike, seed: int = 0) -> None:
        super().__init__(rate, seed)
        self.matrix = base.weights_matrix(matrix, square=True)

    def apply(
        self, labels: ArrayLike, num_classes: int | None = None
    ) -> np.ndarray:
        """Corrupts labels.

        Args:
            labels: int array `[N]`, the true labels.
            num_classes: int, number of classes K, which has to be that of the
                matrix.

        Returns:
            int32 array `[N]`, the noisy labels.

        Raises:
            ValueError: `labels` are not integers in `[0, K)`, or K is not that
                of the matrix.
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
