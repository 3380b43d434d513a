"""Calibration: whether predictions are right as often as they are confident.

Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

import dataclasses

import numpy as np
from numpy import typing as npt

from noisy_keras.utils.errors import ConfigurationError

# How far the sum of a row of probabilities may be from 1, which allows for
# networks that compute in half precision.
_TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence and accuracy of predictions, by bins of confidence.

    Bin b holds the predictions of confidence in `(edges[b], edges[b + 1]]`; the
    first bin includes 0. Means of empty bins are NaN.

    Attributes:
        edges: float array `[bins + 1]`, evenly spaced from 0 to 1.
        count: int array `[bins]`, number of predictions in each bin.
        confidence: float array `[bins]`, mean probability of the predicted
            class.
        accuracy: float array `[bins]`, share of correct predictions.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_calibration_error(self) -> float:
        """Mean of `|accuracy - confidence|` over predictions, in `[0, 1]`.

        Equation (3) of the paper.
        """
        used = self.count > 0
        gap = np.abs(self.accuracy - self.confidence)[used]
        share = self.count[used] / self.count.sum()
        return float(np.sum(share * gap))

    @property
    def maximum_calibration_error(self) -> float:
        """Largest `|accuracy - confidence|` of a bin, in `[0, 1]`.

        Equation (5) of the paper.
        """
        return float(np.nanmax(np.abs(self.accuracy - self.confidence)))


def reliability(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15
) -> Reliability:
    """Computes confidence and accuracy in bins of confidence of equal width.

    Args:
        probabilities: float array `[N, K]`, predicted class probabilities whose
            rows sum to 1.
        labels: int array `[N]`, true classes in `[0, K)`, or the best available
            labels.
        bins: int, number of bins.

    Returns:
        A `Reliability`.

    Raises:
        ValueError: If there are no samples or no bins, the shapes do not match,
            a row is not a distribution or a label is out of range.

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


def reliability_of_confidence(
    confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15
) -> Reliability:
    """Like `reliability`, from the confidence in the predicted class alone.

    Args:
        confidence: float array `[N]` in `[0, 1]`, probability of the predicted
            class.
        right: bool array `[N]`, whether the predicted class is the true one.
        bins: int, number of bins.

    Returns:
        A `Reliability`.

    Raises:
        ValueError: If there are no samples or no bins, the shapes do not match
            or a confidence is outside of `[0, 1]`.
    """
    confidence = np.asarray(confidence, np.float64)
    right = np.asarray(right, bool)
    if confidence.ndim != 1 or confidence.shape != right.shape:
        raise ConfigurationError(
            "Expected `confidence` and `right` of one shape, [N]. Received: "
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
    bin_of = np.clip(np.searchsorted(edges, confidence) - 1, 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.bincount(bin_of, values, minlength=bins)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    return Reliability(edges, count, mean(confidence), mean(right))


def expected_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15
) -> float:
    """Mean absolute difference of confidence and accuracy, in `[0, 1]`.

    Args:
        probabilities: float array `[N, K]`, predicted class probabilities whose
            rows sum to 1.
        labels: int array `[N]`, true classes in `[0, K)`.
        bins: int, number of bins of confidence.

    Returns:
        Float; 0 for a perfectly calibrated model.

    Raises:
        ValueError: See `reliability`.
    """
    return reliability(probabilities, labels, bins).expected_calibration_error


def _checked(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int
) -> tuple[np.ndarray, np.ndarray]:
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
    # Negated, so that NaN fails as well.
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
