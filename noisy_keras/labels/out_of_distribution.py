"""Samples that may belong to no class: no class is predicted steadily.

1. A picture with a wrong label is predicted, epoch after epoch, to be of its
   true class: of what predictions leave beside the given label, one class gets
   the most. A picture that belongs to no class is taken for this and for that.
2. How much a class gets that a picture surely does *not* belong to, samples
   with credible labels tell: of those, all classes but the given one are wrong.
3. A suspect is unsettled if its likeliest other class gets less than what three
   in four of them give to theirs, and less than a half.

That says something only where predictions had settled for credible labels. If
these were predicted with less than two thirds, as after a few epochs, or where
many labels are wrong at random, true classes are not steadily predicted either,
and no sample is called unsettled.

The rule is our own. Pictures that resemble one class, such as foreign trucks
among cars, are steadily predicted and not found by it.
"""

import numpy as np

#: What the median credible sample's likeliest class must get.
SETTLED = 2 / 3
# A class that gets as much of the rest is predicted steadily.
_MAJORITY = 0.5
# Of credible samples, share whose likeliest wrong class is below the limit.
_LEVEL = 0.75


def unsettled(history, labels, clean_probability):
    """Which suspects are predicted to be of no class in particular.

    Args:
        history: a `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, as given.
        clean_probability: float `[N]` in `[0, 1]`, of the given labels;
            suspects are those below a half.

    Returns:
        bool `[N]`.
    """
    seen = history.seen()
    credible = seen & (np.asarray(clean_probability) >= 0.5)
    suspect = seen & ~credible
    _, steadiness = history.best()
    if not credible.any() or np.median(steadiness[credible]) < SETTLED:
        return np.zeros(len(seen), bool)
    other = history.likeliest_other(labels)
    limit = min(_MAJORITY, np.quantile(other[credible], _LEVEL))
    return suspect & (other < limit)
