"""Samples that may belong to no class: their predicted class is not stable.

1. An image with a wrong label is predicted, epoch after epoch, to be of its
   true class: of what predictions leave beside the given label, one class gets
   the most. An image that belongs to no class is predicted to be of one class
   in this epoch and of another in the next.
2. Samples with credible labels show how much probability a wrong class gets:
   for them, all classes but the given one are wrong.
3. A suspect is unstable if its likeliest other class gets less than three in
   four credible samples give to theirs, and less than a half.

This is meaningful only once predictions are stable for credible labels. If
their median probability is below two thirds, as after a few epochs, or where
many labels are wrong at random, true classes are not predicted stably either,
and no sample is called unstable.

The rule is our own. Images that resemble one class, such as trucks where there
is a class of cars, are predicted stably, and are not found by it.
"""

import numpy as np

from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory

#: What the median credible sample's likeliest class must get.
STABLE = 2 / 3
# A class that gets as much of the rest is predicted stably.
_MAJORITY = 0.5
# Share of credible samples whose likeliest wrong class is below the limit.
_LEVEL = 0.75


def unstable_predictions(
    history: PredictionHistory | LikelyHistory,
    labels: np.ndarray,
    clean_probability: np.ndarray,
) -> np.ndarray:
    """Finds suspect samples that are predicted to be of no class in particular.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, the given labels.
        clean_probability: float `[N]` in `[0, 1]`, of the given labels;
            suspects are those below 0.5.

    Returns:
        bool `[N]`.
    """
    seen = history.seen()
    credible = seen & (np.asarray(clean_probability) >= 0.5)
    suspect = seen & ~credible
    _, stability = history.best()
    if not credible.any() or np.median(stability[credible]) < STABLE:
        return np.zeros(len(seen), bool)
    other = history.likeliest_other(labels)
    limit = min(_MAJORITY, np.quantile(other[credible], _LEVEL))
    return suspect & (other < limit)
