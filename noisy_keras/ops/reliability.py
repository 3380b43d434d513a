"""Whether a model is right as often as it is sure.

Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

import dataclasses

import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# How far a row of probabilities may be from a sum of 1: half precision's.
_TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence and accuracy of predictions, by confidence.

    Bin b holds the predictions of confidence in `(edges[b], edges[b + 1]]`,
    the first one 0 as well. Means of empty bins are NaN.

    Attributes:
        edges: float `[bins + 1]`, from 0 to 1, evenly spaced.
        count: int `[bins]`: predictions.
        confidence: float `[bins]`: mean probability of the predicted class.
        accuracy: float `[bins]`: share of right predictions.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_calibration_error(self):
        """Mean of `|accuracy - confidence|` over predictions, in `[0, 1]`.

        Equation (3) of the paper.
        """
        used = self.count > 0
        gap = np.abs(self.accuracy - self.confidence)[used]
        share = self.count[used] / self.count.sum()
        return float(np.sum(share * gap))

    @property
    def maximum_calibration_error(self):
        """The largest gap of a bin, in `[0, 1]`: equation (5)."""
        return float(np.nanmax(np.abs(self.accuracy - self.confidence)))


def reliability(probabilities, labels, bins=15):
    """Confidence and accuracy in bins of confidence of equal width.

    Args:
        probabilities: float `[N, K]`, rows that sum to 1.
        labels: int `[N]` in `[0, K)`; the truth, as far as it is known.
        bins: number of bins.

    Returns:
        A `Reliability`.

    Raises:
        ValueError: no samples, no bins, shapes that do not go together,
            probabilities that are none, labels out of range.

    Example:
        >>> found = reliability([[0.9, 0.1], [0.3, 0.7]], [0, 0], bins=2)
        >>> found.count
        array([0, 2])
        >>> round(found.expected_calibration_error, 3)
        0.3
    """
    probabilities, labels = _checked(probabilities, labels, bins)
    right = probabilities.argmax(axis=1) == labels
    return reliability_of_confidence(probabilities.max(axis=1), right, bins)


def reliability_of_confidence(confidence, right, bins=15):
    """As `reliability`, where only the predicted class is known.

    Args:
        confidence: float `[N]` in `[0, 1]`: of the predicted class.
        right: bool `[N]`: whether it is the true one.
        bins: number of bins.

    Returns:
        A `Reliability`.

    Raises:
        ValueError: no samples, no bins, other shapes or values.
    """
    confidence = np.asarray(confidence, np.float64)
    right = np.asarray(right, bool)
    if confidence.ndim != 1 or confidence.shape != right.shape:
        raise ConfigurationError(
            "Expected confidence [N] and whether it is right [N]. Received: "
            f"shapes {confidence.shape} and {right.shape}"
        )
    if not len(confidence) or bins < 1:
        raise ConfigurationError(
            "Expected at least one sample and one bin. Received: "
            f"{len(confidence)} samples, bins={bins}"
        )
    if not ((confidence >= 0.0) & (confidence <= 1.0 + _TOLERANCE)).all():
        raise ConfigurationError(
            "Expected confidence in [0, 1]. Received: values from "
            f"{confidence.min():.3g} to {confidence.max():.3g}"
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    which = np.clip(np.searchsorted(edges, confidence) - 1, 0, bins - 1)
    count = np.bincount(which, minlength=bins)

    def mean(values):
        total = np.bincount(which, values, minlength=bins)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    return Reliability(edges, count, mean(confidence), mean(right))


def expected_calibration_error(probabilities, labels, bins=15):
    """How far confidence is from accuracy: 0 is calibrated, in `[0, 1]`.

    Args:
        probabilities: float `[N, K]`, rows that sum to 1.
        labels: int `[N]` in `[0, K)`.
        bins: number of bins.

    Returns:
        float.

    Raises:
        ValueError: as `reliability`.
    """
    return reliability(probabilities, labels, bins).expected_calibration_error


def _checked(probabilities, labels, bins):
    probabilities = np.asarray(probabilities)
    labels = np.asarray(labels)
    shapes = f"shapes {probabilities.shape} and {labels.shape}"
    if probabilities.ndim != 2 or probabilities.shape[:1] != labels.shape:
        raise ConfigurationError(
            f"Expected probabilities [N, K] and labels [N]. Received: {shapes}"
        )
    if not probabilities.size:
        raise ConfigurationError(
            f"Expected at least one sample. Received: {shapes}"
        )
    if bins < 1:
        raise ConfigurationError(
            f"Expected at least one bin. Received: bins={bins}"
        )
    sums = probabilities.sum(axis=1, dtype=np.float64)
    # Not a NaN either, which fails every comparison.
    if not (
        (probabilities >= 0.0).all() and (np.abs(sums - 1) < _TOLERANCE).all()
    ):
        raise ConfigurationError(
            "Expected rows of probabilities, each at least 0 and their sum 1. "
            f"Received: values from {probabilities.min():.3g}, sums from "
            f"{sums.min():.3g} to {sums.max():.3g}"
        )
    classes = probabilities.shape[1]
    if not (
        np.issubdtype(labels.dtype, np.integer)
        and labels.min() >= 0
        and labels.max() < classes
    ):
        raise ConfigurationError(
            f"Expected integer labels in [0, {classes}). Received: "
            f"{labels.dtype} from {labels.min()} to {labels.max()}"
        )
    return probabilities, labels
