"""Noise estimation from given labels and out-of-sample predictions.

Reference: Northcutt et al., Confident Learning: Estimating Uncertainty in
Dataset Labels, JAIR 2021, eq. (1)-(3).
"""

import dataclasses

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.types import ArrayLike


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
    """

    joint: np.ndarray
    rate: float
    transition: np.ndarray
    concentration: float

    @classmethod
    def of_joint(cls, joint: ArrayLike) -> "NoiseEstimate":
        """Makes the estimate that follows from a joint distribution.

        Args:
            joint: float array `[K, K]` that sums to 1, the share of samples by
                given label (row) and true label (column).

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
        return cls(joint, rate, transition, concentration)


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
    counts = np.bincount(labels, minlength=num_classes)
    # Eq. (2): the average self-confidence of each class, which is the mean
    # probability of the given label. A class without samples is never counted.
    threshold = np.full(num_classes, np.inf)
    for c in np.flatnonzero(counts):
        threshold[c] = probabilities[labels == c, c].mean(dtype=np.float64)
    # The tolerance counts samples if all predictions are equal up to rounding.
    is_confident = probabilities >= threshold - 1e-6
    confident = np.where(is_confident, probabilities, -1.0)
    counted = confident.max(axis=1) >= 0.0
    joint = np.zeros((num_classes, num_classes))
    # Eq. (1).
    np.add.at(joint, (labels[counted], confident.argmax(axis=1)[counted]), 1.0)
    # The given labels of a class without any counted sample are kept.
    uncounted = joint.sum(axis=1) == 0.0
    joint[uncounted, uncounted] = 1.0
    # Eq. (3).
    joint *= (counts / joint.sum(axis=1))[:, None]
    joint /= joint.sum()
    return NoiseEstimate.of_joint(joint)
