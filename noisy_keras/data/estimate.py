"""Noise estimation from given labels and out-of-sample predictions.

Reference: Northcutt et al., Confident Learning: Estimating Uncertainty in
Dataset Labels, JAIR 2021, eq. (1)-(3).
"""

import dataclasses

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.types import ArrayLike

# What an estimated rate may be off by besides chance, relative to itself. On
# the digits, estimates from histories of 20 epochs were within 8 %, with uneven
# classes 18 %.
_SYSTEMATIC = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """An estimate of the label noise of a data set.

    Attributes:
        joint: float64 array `[K, K]`, the share of samples by given label
            (row) and true label (column); sums to 1.
        rate: float in `[0, 1]`, the estimated noise rate: the share of samples
            whose given label is wrong.
        transition: float64 array `[K, K]`, the probability of each given label
            (column) for each true label (row). Rows sum to 1; the row of a
            class that was never found is that of the identity matrix.
        concentration: float in `[0, 1]`, the share of the wrong labels that
            are the most frequent mistake of their true class. It is near
            `1 / (K - 1)` for symmetric noise, 1 if each class is confused with
            only one other class, and 0 if no label is wrong.
        interval: pair of floats in `[0, 1]`, between which the rate likely is,
            see `rate_interval`; None where the number of samples is unknown.
    """

    joint: np.ndarray
    rate: float
    transition: np.ndarray
    concentration: float
    interval: tuple[float, float] | None = None

    @classmethod
    def of_joint(
        cls, joint: ArrayLike, num_samples: int | None = None
    ) -> "NoiseEstimate":
        """Makes the estimate that follows from a joint distribution.

        Args:
            joint: float array `[K, K]` that sums to 1, the share of samples by
                given label (row) and true label (column).
            num_samples: int, number of samples that it was estimated from, or
                None.

        Returns:
            A `NoiseEstimate`.
        """
        joint = np.asarray(joint, np.float64)
        true = joint.sum(axis=0)
        transition = np.eye(len(joint))
        found = true > 0.0
        transition[found] = (joint[:, found] / true[found]).T
        wrong = joint * (1.0 - np.eye(len(joint)))
        # Rounding can make the trace slightly larger than 1.
        rate = float(max(0.0, 1.0 - np.trace(joint)))
        most = wrong.max(axis=0).sum()
        concentration = float(most / wrong.sum()) if wrong.any() else 0.0
        interval = None
        if num_samples is not None:
            interval = rate_interval(rate, num_samples)
        return cls(joint, rate, transition, concentration, interval)


def rate_interval(rate: float, num_samples: int) -> tuple[float, float]:
    """The interval in which a noise rate likely is, given its estimate.

    Wilson's score interval of a share at two standard errors, widened by a
    tenth of the rate either way, because predictions themselves are not exact.

    Args:
        rate: float in `[0, 1]`, the estimate.
        num_samples: int, number of samples that it was estimated from.

    Returns:
        Two floats in `[0, 1]`.
    """
    more = 4.0 / max(num_samples, 1)
    centre = rate + more / 2.0
    error = 2.0 * np.sqrt(
        rate * (1.0 - rate) / max(num_samples, 1) + (more / 4.0) ** 2
    )
    low, high = (centre - error) / (1.0 + more), (centre + error) / (1.0 + more)
    off = _SYSTEMATIC * rate
    return float(max(low - off, 0.0)), float(min(high + off, 1.0))


def estimate_noise(source: Source, predictions: ArrayLike) -> NoiseEstimate:
    """Estimates noise rate and transition matrix with the confident joint.

    A sample is counted for the class that the model predicts for it, provided
    that the predicted probability is at least the average self-confidence of
    that class. The counts are scaled to the numbers of given labels.

    Args:
        source: `Source`, of which only the given labels are used.
        predictions: float array `[N, K]`, class probabilities predicted by
            models that were not trained on the sample's own label
            (cross-validation), or that have not yet memorised noisy labels
            (the end of a warm-up). Predictions of a model that has memorised
            them make the estimated noise rate too low.

    Returns:
        A `NoiseEstimate`.

    Raises:
        ValueError: `predictions` has another shape, or its rows are not
            probability distributions.
    """
    num_classes = source.num_classes
    probabilities = checks.soft_labels(predictions, num_classes)
    labels = source.labels
    checks.same_length(samples=labels, predictions=probabilities)
    classes = np.arange(num_classes)
    return NoiseEstimate.of_joint(
        confident_joint(labels, probabilities, classes, num_classes),
        len(labels),
    )


def confident_joint(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: np.ndarray,
    num_classes: int,
) -> np.ndarray:
    """The calibrated confident joint, equations (1) to (3).

    Args:
        labels: int `[N]`, the given labels.
        probabilities: float `[N, J]`, predictions for J classes.
        classes: int `[J]` or `[N, J]`, which classes these are; a class that
            occurs twice in a row counts by its first column.
        num_classes: int, number of classes K.

    Returns:
        float64 `[K, K]` that sums to 1, the share of samples by given label
        (row) and true label (column).
    """
    found = _confident_classes(labels, probabilities, classes, num_classes)
    counts = np.bincount(labels, minlength=num_classes)
    counted = found >= 0
    joint = np.zeros((num_classes, num_classes))
    # Eq. (1).
    np.add.at(joint, (labels[counted], found[counted]), 1.0)
    # The given labels of a class without any counted sample are kept.
    uncounted = joint.sum(axis=1) == 0.0
    joint[uncounted, uncounted] = 1.0
    # Eq. (3).
    joint *= (counts / joint.sum(axis=1))[:, None]
    return joint / joint.sum()


def _confident_classes(labels, probabilities, classes, num_classes):
    """Equation (2): the class of each sample, int `[N]`, -1 for none."""
    counts = np.bincount(labels, minlength=num_classes)
    rows = np.arange(len(labels))
    classes = np.broadcast_to(classes, probabilities.shape)
    here = classes == labels[:, None]
    given = probabilities[rows, here.argmax(axis=1)] * here.any(axis=1)
    # The average self-confidence of each class, which is the mean probability
    # of the given label. A class without samples is never counted.
    total = np.bincount(labels, given, minlength=num_classes)
    threshold = np.where(counts > 0, total / np.maximum(counts, 1), np.inf)
    # The tolerance counts samples if all predictions are equal up to rounding.
    is_confident = probabilities >= threshold[classes] - 1e-6
    confident = np.where(is_confident, probabilities, -1.0)
    found = classes[rows, confident.argmax(axis=1)]
    return np.where(confident.max(axis=1) >= 0.0, found, -1)
