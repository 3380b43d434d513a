"""Which of two networks is better, by labels that are partly wrong.

1. A network that has learnt a systematic mistake agrees with more noisy labels
   than one that has not. With the transition T from true to given labels,
   `sum_j T[y, j] s[j, k] = [y = k]` has the solution `s = T^-1`: the mean of
   `s[given, predicted]` is an estimate without bias of the accuracy on true
   labels (the backward correction of Patrini et al., CVPR 2017, of the 0-1
   loss). Symmetric noise ranks networks as plain agreement does.
2. Networks of equal quality agree with noisy labels by chance, one more, one
   less. One is better if the mean of the paired differences exceeds two of the
   standard errors that it has where both are equal.
"""

import numpy as np

# By how many standard errors.
_ERRORS = 2.0
# Above this condition number the correction would be mostly noise.
_WORST_CONDITION = 20.0


def scores(transition: np.ndarray | None) -> np.ndarray | None:
    """What a predicted class counts by the given label.

    Args:
        transition: float `[K, K]`, the probability of each given label (column)
            by true label (row), or None.

    Returns:
        float `[K, K]` by given label and predicted class; None where there is
        no transition, or one that is too close to singular.
    """
    if transition is None or np.linalg.cond(transition) > _WORST_CONDITION:
        return None
    return np.linalg.inv(transition)


def hits(
    predicted: np.ndarray,
    labels: np.ndarray,
    by: np.ndarray | None = None,
) -> np.ndarray:
    """How well predictions agree with labels.

    Args:
        predicted: int `[N]`, predicted classes.
        labels: int `[N]`, noisy labels.
        by: float `[K, K]`, as of `scores`, which correct for the noise; None
            corrects nothing.

    Returns:
        float `[N]`, whose mean estimates the accuracy; without scores 1 where
        both agree, and 0 elsewhere.
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if by is None:
        return (predicted == labels).astype(np.float64)
    return by[labels, predicted]


def is_better(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether chance does not explain by how much one network is ahead.

    Args:
        first: float `[N]`, `hits` of a network.
        second: float `[N]`, those of another for the same samples.

    Returns:
        bool, whether the first is better.
    """
    gain = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    error = np.sqrt(np.mean(gain**2) / len(gain))
    return bool(gain.mean() > _ERRORS * error and gain.mean() > 0.0)
