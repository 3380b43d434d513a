"""Noise that a network makes: at its margins, or wherever it errs."""

import numpy as np

from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

# 1 - tau of a margin D: the probability that the top class stays, times F.
# Type I's never falls below its floor of 0.5.
_KEEP = {
    "I": lambda d: np.maximum(0.5 + 0.5 * d**2, 0.5),
    "II": lambda d: d**3,
    "III": lambda d: (d**3 + d**2 + d) / 3.0,
}
# Factors between which a rate is looked for.
_FACTORS = (1e-9, 1e9)


class PolynomialMarginNoise(LabelNoise):
    """Polynomial margin diminishing: unsure samples get the second class.

    With `u` and `s` the two most probable classes and `D` the difference of
    their probabilities, a label becomes `u` with probability `k` and else `s`;
    what it was plays no part. `k` is the lower of 1 and

    - type I: `(1 + D^2) / (2 F)`;
    - type II: `D^3 / F`;
    - type III: `(D^3 + D^2 + D) / (3 F)`.

    Source: Zhang et al., "Learning with Feature-Dependent Label Noise: a
    Progressive Approach", ICLR 2021, section 5 and its code for F.

    Args:
        rate: r in `[0, 1)`, the share of labels to change.
        kind: `"I"`, `"II"` or `"III"`.
        factor: F above 0. Default: the one that meets `rate` to one sample.
            With a factor given, `rate` is a name alone.
        seed: of the generator.

    Attributes:
        used_factor: F of the last `apply`.
    """

    name = "polynomial_margin"

    def __init__(self, rate, kind="I", factor=None, seed=0):
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
        self.used_factor = None

    def apply(self, labels, num_classes=None, probabilities=None):
        """Corrupts labels.

        Args:
            labels: int `[N]`; the rate is measured against them.
            num_classes: K; default: columns of `probabilities`.
            probabilities: float `[N, K]`, rows summing to 1: what a network
                trained on right labels says.

        Returns:
            int32 `[N]`.

        Raises:
            ValueError: labels that are no labels, rows that are no
                distributions, or a rate that no factor gives.
        """
        if probabilities is None:
            raise ConfigurationError(
                "Expected `probabilities`, [N, K], of a network trained on "
                "right labels. Received: None"
            )
        if num_classes is None:
            num_classes = np.shape(probabilities)[-1]
        probabilities = checks.soft_labels(probabilities, num_classes)
        checks.same_length(
            labels=np.atleast_1d(labels), probabilities=probabilities
        )
        return self._corrupted(labels, num_classes, probabilities)

    def describe(self):
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
        """Bisects F: each step moves samples of the same chances."""
        low, high = _FACTORS
        ends = sorted((rate_of(low), rate_of(high)))
        if not ends[0] <= self.rate <= ends[1]:
            raise ConfigurationError(
                f"Expected `rate` in [{ends[0]:.4f}, {ends[1]:.4f}], which is "
                f"what type {self.convention} makes of these probabilities "
                f"and labels. Received: rate={self.rate}"
            )
        if rate_of(low) > rate_of(high):
            low, high = high, low
        # From here on low is where the rate is no higher than asked for; on
        # a scale of ratios, 100 halvings leave nothing between the two.
        for _ in range(100):
            middle = float(np.sqrt(low * high))
            if rate_of(middle) <= self.rate:
                low = middle
            else:
                high = middle
        return low

    _conventions = dict.fromkeys(_KEEP, _second_best)


class PredictedNoise(LabelNoise):
    """Semantic noise: the labels are a weak network's predictions.

    Source: Lee et al., "Robust Inference via Generative Classifiers" (RoG),
    ICML 2019: networks trained on 5 % of CIFAR-10 or 20 % of CIFAR-100.

    Attributes:
        rate: measured by `apply`; None before.
    """

    name = "predicted"

    def __init__(self):
        super().__init__(0.0)
        self.rate = None

    def apply(self, labels, num_classes=None, predictions=None):
        """Replaces labels.

        Args:
            labels: int `[N]`.
            num_classes: K; default: columns of `predictions`, or the highest
                class in either plus one.
            predictions: int `[N]`, or float `[N, K]` of which the highest
                counts.

        Returns:
            int32 `[N]`.

        Raises:
            ValueError: labels or predictions that are no labels, or no
                predictions.
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

    def describe(self):
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
