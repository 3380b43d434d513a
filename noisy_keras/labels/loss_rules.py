"""From losses and predictions to clean probabilities: arithmetic on arrays."""

import numpy as np

# Share of a class that counts as easy, and the number of samples from which on
# a class has a quantile of its own.
_EASIEST, _LEAST_OF_CLASS = 0.1, 20
# Margins from which on a label is doubted, and credible whatever its loss is.
_LIKELIER, _LIKELIEST = np.log(1.5), np.log(4.0)
# The least and the greatest probability whose odds are taken.
_EDGE = 1e-7
# By how much log-odds are lowered where all labels are called wrong.
_ABOVE = 1e-3


def normalized(loss: np.ndarray) -> np.ndarray:
    """Scales each column of losses to `[0, 1]`: `(l - min) / (max - min)`.

    Args:
        loss: float `[N]` or `[N, M]`.

    Returns:
        Float array of the same shape.
    """
    low, high = loss.min(axis=0), loss.max(axis=0)
    return (loss - low) / np.maximum(high - low, 1e-12)


def above_easiest(loss: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Losses above that of the easiest tenth of the same given class.

    Some classes are predicted better than others. Where similar classes are
    confused with each other, a mixture of plain losses would separate easy
    classes from hard ones, and not right labels from wrong ones.

    Args:
        loss: float `[N]`.
        labels: int `[N]`, the given labels.

    Returns:
        float32 `[N]`: the loss less the 10th percentile of its class, or, for
        classes with fewer than 20 samples, less that of all samples.
    """
    loss, labels = np.asarray(loss), np.asarray(labels)
    easiest = np.full(len(loss), np.quantile(loss, _EASIEST))
    by_class = np.argsort(labels, kind="stable")
    _, first = np.unique(labels[by_class], return_index=True)
    for here in np.split(by_class, first[1:]):
        if len(here) >= _LEAST_OF_CLASS:
            easiest[here] = np.quantile(loss[here], _EASIEST)
    return (loss - easiest).astype(np.float32)


def credibility(
    clean_probability: np.ndarray, margin: np.ndarray
) -> np.ndarray:
    """A clean probability that takes likelier classes into account.

    A label is doubted if another class is at least 1.5 times as likely, or if
    its loss is among the high ones and it is not four times as likely as any
    other class. The first finds confusions of similar classes, the second
    images that belong to no class. The rule is our own.

    Args:
        clean_probability: float `[N]` in `[0, 1]`, by the loss alone.
        margin: float `[N]`, see `PredictionHistory.margin`.

    Returns:
        float32 `[N]` in `[0, 1]`: `s / 2` where the label is doubted and
        `(1 + s) / 2` where it is not, s being the logistic function of the
        margin.
    """
    margin = np.asarray(margin, np.float64)
    high = np.asarray(clean_probability) < 0.5
    doubted = (margin < -_LIKELIER) | (high & (margin < _LIKELIEST))
    found = (0.5 + 0.5 * np.tanh(margin / 2) + ~doubted) / 2
    return found.astype(np.float32)


def within_share(
    clean_probability: np.ndarray, low: float, high: float
) -> np.ndarray:
    """Clean probabilities of which a bounded share is below a half.

    Where too few or too many are, the log-odds of all are shifted by the same
    amount, so that their order stays. Equal values stay equal: where many are,
    the share can differ from its bound.

    Args:
        clean_probability: float `[N]` in `[0, 1]`.
        low: float in `[0, 1]`, the least share of labels to be called wrong.
        high: float in `[low, 1]`, the greatest.

    Returns:
        float32 `[N]` in `[0, 1]`.
    """
    clean = np.asarray(clean_probability, np.float64)
    share = np.mean(clean < 0.5)
    wanted = np.clip(share, low, high)
    count = round(wanted * len(clean))
    if count == round(share * len(clean)):
        return clean.astype(np.float32)
    odds = _log_odds(clean)
    ascending = np.sort(odds)
    # The value of the first label that counts as right, which gets a half.
    first = ascending[min(count, len(odds) - 1)]
    if count == len(odds):
        first += _ABOVE
    return (0.5 + 0.5 * np.tanh((odds - first) / 2.0)).astype(np.float32)


def _log_odds(probability):
    inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
    return np.log(inside) - np.log1p(-inside)
