"""Noise from a network's predictions: near class boundaries, or its errors."""

from typing import Any

import numpy as np

from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike

# F times the probability that the top class is kept, 1 - tau(D), by margin D.
# In the authors' code, that of type I is at least 0.5.
_KEEP = {
    "I": lambda d: np.maximum(0.5 + 0.5 * d**2, 0.5),
    "II": lambda d: d**3,
    "III": lambda d: (d**3 + d**2 + d) / 3.0,
}
# Range of the factors that are searched for a rate.
_FACTORS = (1e-9, 1e9)


class PolynomialMarginNoise(LabelNoise):
    """Polynomial margin diminishing: uncertain samples get the second class.

    Let `u` and `s` be the two most probable classes of a sample and `D` the
    difference of their probabilities. The noisy label is `u` with probability
    `k` and `s` otherwise, independent of the given label. `k` is the minimum
    of 1 and

    - type I: `(1 + D^2) / (2 F)`;
    - type II: `D^3 / F`;
    - type III: `(D^3 + D^2 + D) / (3 F)`.

    Reference: Zhang et al., "Learning with Feature-Dependent Label Noise: a
    Progressive Approach", ICLR 2021, section 5. The factor F is only in the
    authors' code (https://github.com/pxiangwu/PLC, `cifar/noise.py`). Differs
    from that code: by default, F is computed from the rate instead of being a
    constant.

    Args:
        rate: float in `[0, 1)`, the noise rate r.
        kind: str, `"I"`, `"II"` or `"III"`.
        factor: float above 0, the factor F. Defaults to the one with which
            the actual noise rate equals `rate` up to one sample. If a factor
            is given, `rate` is only a label.
        seed: int, the seed of the generator.

    Attributes:
        used_factor: float, the factor F of the last `apply`; None before.

    Raises:
        ValueError: `rate`, `kind` or `factor` is invalid.
    """

    name = "polynomial_margin"

    def __init__(
        self,
        rate: float,
        kind: str = "I",
        factor: float | None = None,
        seed: int = 0,
    ) -> None:
        if kind not in _KEEP:
            raise ConfigurationError(
                f"Expected `kind` to be one of {tuple(_KEEP)}. "
                f"Received: {kind!r}"
            )
        super().__init__(rate, seed, kind)
        if factor is not None and not 0.0 < factor < np.inf:
            raise ConfigurationError(
                f"Expected `factor` above 0, or None. Received: {factor!r}"
            )
        self.factor = factor
        self.used_factor: float | None = None

    def apply(
        self,
        labels: ArrayLike,
        num_classes: int | None = None,
        probabilities: ArrayLike | None = None,
    ) -> np.ndarray:
        """Corrupts labels.

        Args:
            labels: int array `[N]`, the true labels. They only serve to
                compute the actual noise rate.
            num_classes: int, number of classes K. Defaults to the number of
                columns of `probabilities`.
            probabilities: float array `[N, K]` whose rows sum to 1, the
                predictions of a network trained on true labels.

        Returns:
            int32 array `[N]`, the noisy labels.

        Raises:
            ValueError: `labels` are not integers in `[0, K)`, rows are not
                probability distributions, or no factor gives the rate.
        """
        if probabilities is None:
            raise ConfigurationError(
                "Expected `probabilities`, [N, K], of a network trained on "
                "true labels. Received: None"
            )
        if num_classes is None:
            num_classes = np.shape(probabilities)[-1]
        probabilities = checks.soft_labels(probabilities, num_classes)
        checks.same_length(
            labels=np.atleast_1d(labels), probabilities=probabilities
        )
        return self._corrupted(labels, num_classes, probabilities)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "factor": self.used_factor}

    def _second_best(self, labels, num_classes, random, probabilities):
        rows = np.arange(len(labels))
        rest = probabilities.astype(np.float64)
        top = rest.argmax(axis=1)
        margin = rest[rows, top]
        rest[rows, top] = -1.0
        second = rest.argmax(axis=1)
        keep = _KEEP[self.convention](margin - rest[rows, second])
        chance = random.uniform(size=len(labels))

        def noisy(factor):
            return np.where(chance < keep / factor, top, second)

        self.used_factor = self.factor or self._factor(
            lambda factor: np.mean(noisy(factor) != labels)
        )
        return noisy(self.used_factor)

    def _factor(self, rate_of):
        """Searches F by bisection; the samples' random numbers stay fixed."""
        low, high = _FACTORS
        ends = sorted((rate_of(low), rate_of(high)))
        if not ends[0] <= self.rate <= ends[1]:
            raise ConfigurationError(
                f"Expected `rate` in [{ends[0]:.4f}, {ends[1]:.4f}], the range "
                f"that type {self.convention} reaches with these probabilities "
                f"and labels. Received: rate={self.rate}"
            )
        if rate_of(low) > rate_of(high):
            low, high = high, low
        # From here on, `low` is the factor whose rate is at most the desired
        # one. After 100 geometric bisections the interval is empty.
        for _ in range(100):
            middle = float(np.sqrt(low * high))
            if rate_of(middle) <= self.rate:
                low = middle
            else:
                high = middle
        return low

    _conventions = dict.fromkeys(_KEEP, _second_best)


class PredictedNoise(LabelNoise):
    """Semantic noise: labels are replaced by a weak network's predictions.

    Reference: Lee et al., "Robust Inference via Generative Classifiers for
    Handling Noisy Labels" (RoG), ICML 2019: networks trained on 5 % of
    CIFAR-10 or 20 % of CIFAR-100.

    Attributes:
        rate: float, the actual noise rate of the last `apply`; None before.
    """

    name = "predicted"

    def __init__(self) -> None:
        super().__init__(0.0)
        self.rate = None

    def apply(
        self,
        labels: ArrayLike,
        num_classes: int | None = None,
        predictions: ArrayLike | None = None,
    ) -> np.ndarray:
        """Replaces labels by predictions.

        Args:
            labels: int array `[N]`, the true labels.
            num_classes: int, number of classes K. Defaults to the number of
                columns of `predictions`, or to the highest class in `labels`
                and `predictions` plus one.
            predictions: int array `[N]` of classes, or float array `[N, K]`
                of scores, of which the highest is used.

        Returns:
            int32 array `[N]`, the noisy labels.

        Raises:
            ValueError: `labels` or `predictions` are not classes in `[0, K)`,
                or there are no predictions.
        """
        if predictions is None:
            raise ConfigurationError(
                "Expected `predictions`, int [N] or float [N, K]. "
                "Received: None"
            )
        predictions = np.asarray(predictions)
        if predictions.ndim == 2:
            if num_classes is None:
                num_classes = predictions.shape[1]
            predictions = _top_class(predictions, num_classes)
        elif num_classes is None:
            num_classes = int(max(np.max(labels), np.max(predictions))) + 1
        predictions = checks.labels(predictions, num_classes, "predictions")
        checks.same_length(
            labels=np.atleast_1d(labels), predictions=predictions
        )
        noisy = self._corrupted(labels, num_classes, predictions)
        self.rate = self.realized_rate
        return noisy

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "rate": round(self.realized_rate, 6)}

    def _predictions(self, labels, num_classes, random, predictions):
        return predictions

    _conventions = {"predictions": _predictions}


def _top_class(values, num_classes):
    if values.shape[1] != num_classes or not np.isfinite(values).all():
        raise ConfigurationError(
            f"Expected finite `predictions` of shape [N, {num_classes}]. "
            f"Received: shape {values.shape}, "
            f"{int((~np.isfinite(values)).sum())} values not finite"
        )
    return values.argmax(axis=1)
