"""How much noise is there? From labels and out-of-sample predictions.

Reference: Northcutt et al., Confident Learning: Estimating Uncertainty in
Dataset Labels, JAIR 2021, eq. (1)-(3).
"""

import dataclasses

import numpy as np

from noisy_keras.utils import checks


@dataclasses.dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """What `estimate_noise` found.

    Attributes:
        joint: float64 `[K, K]`, share of samples by given label (row) and true
            label (column); sums to 1.
        rate: share of samples whose given label is wrong, in `[0, 1]`.
        transition: float64 `[K, K]`, probability of each given label (column)
            for each true one (row); rows sum to 1, those of classes that were
            never found are the identity's.
        concentration: share of the wrong labels that are the most frequent
            mistake of their true class: near `1 / (K - 1)` for symmetric
            noise, 1 where classes are mistaken for one other each; 0 where no
            label is wrong.
    """

    joint: np.ndarray
    rate: float
    transition: np.ndarray
    concentration: float

    @classmethod
    def of_joint(cls, joint):
        """The estimate that a joint distribution amounts to.

        Args:
            joint: float `[K, K]` that sums to 1, given label by true label.

        Returns:
            A `NoiseEstimate`.
        """
        joint = np.asarray(joint, np.float64)
        true = joint.sum(axis=0)
        transition = np.eye(len(joint))
        found = true > 0.0
        transition[found] = (joint[:, found] / true[found]).T
        wrong = joint * (1.0 - np.eye(len(joint)))
        # The diagonal's share may differ from the rest's by rounding.
        rate = float(max(0.0, 1.0 - np.trace(joint)))
        most = wrong.max(axis=0).sum()
        concentration = float(most / wrong.sum()) if wrong.any() else 0.0
        return cls(joint, rate, transition, concentration)


def estimate_noise(source, predictions):
    """Estimates noise rate and transition matrix with the confident joint.

    A sample counts for the class that it is predicted to be with at least the
    confidence that is usual for that class; the counts are scaled to the
    numbers of given labels.

    Args:
        source: a `Source`, of which given labels alone are read.
        predictions: float `[N, K]`, class probabilities by models that were
            not trained on the sample's own label (cross-validation), or that
            have not yet learnt labels by heart (the end of a warm-up). With
            predictions of a model that has, the rate comes out too low.

    Returns:
        A `NoiseEstimate`.

    Raises:
        ValueError: predictions of another shape, or that are no distributions.
    """
    num_classes = source.num_classes
    probabilities = checks.soft_labels(predictions, num_classes)
    labels = source.labels
    checks.same_length(samples=labels, predictions=probabilities)
    counts = np.bincount(labels, minlength=num_classes)
    # Eq. (2): the usual confidence in a class, over samples labelled so. A
    # class without samples is never counted.
    usual = np.full(num_classes, np.inf)
    for c in np.flatnonzero(counts):
        usual[c] = probabilities[labels == c, c].mean(dtype=np.float64)
    # Predictions that are all alike are as confident as usual, up to rounding.
    enough = probabilities >= usual - 1e-6
    confident = np.where(enough, probabilities, -1.0)
    counted = confident.max(axis=1) >= 0.0
    joint = np.zeros((num_classes, num_classes))
    # Eq. (1).
    np.add.at(joint, (labels[counted], confident.argmax(axis=1)[counted]), 1.0)
    # A label whose samples all fell short is taken at its word.
    silent = joint.sum(axis=1) == 0.0
    joint[silent, silent] = 1.0
    # Eq. (3).
    joint *= (counts / joint.sum(axis=1))[:, None]
    joint /= joint.sum()
    return NoiseEstimate.of_joint(joint)
