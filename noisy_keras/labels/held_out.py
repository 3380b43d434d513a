"""Judging labels of samples that were held out of training.

No network was trained on such a label, so that its prediction is evidence of
its own. By Bayes' rule, where T is the transition from true to given labels,

    P(true = y | image, given = g)  is proportional to  p(y) T[y, g],

with the predicted probabilities p. Two things must be known first:

1. *How far predictions can be trusted.* A temperature makes them calibrated:
   the one of which the given labels are likeliest, see below. A network that
   knows nothing gets flat probabilities, and then no label is called wrong.
2. *How many of these labels are wrong.* Held-out labels may have fewer mistakes
   than those of training, or none. Which class is given for which is taken from
   training; how often that happens is fitted together with the temperature, to
   the likelihood of the given labels, `sum_y p(y) T[y, g]`.

Both are fitted on a grid. A network that was trained on wrong labels is unsure
of everything; that a low temperature and many wrong labels, or a temperature of
one and none, would explain alike. There the rate of training decides, which
counts as much as ten samples. That a network disagrees with labels more often
than training makes likely is put down to the network. The rules are our own.
"""

import dataclasses

import numpy as np

from noisy_keras.labels import evidence

# The grid of temperatures and of rates.
_TEMPERATURES = np.exp(np.linspace(np.log(0.1), np.log(20.0), 41))
_RATES = np.concatenate([[0.005, 0.01], np.linspace(0.02, 0.9, 45)])
# So many samples the rate of training counts as, and how far above it the rate
# of held-out labels may be: relative to it, and beyond that.
_STRENGTH = 10.0
_HIGHER, _MORE = 1.25, 0.05
# How much a temperature far from 1 costs: nearly nothing.
_FLAT = 0.1
# The part of the transition that is spread evenly: what training has not shown
# is not impossible.
_SPREAD = 0.1
# No class has more wrong labels than this.
_MOST_WRONG = 0.95
# So many samples suffice for two numbers.
_FITTED = 5000
_TINY = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOutJudgement:
    """What predictions say about held-out labels.

    Attributes:
        clean_probability: float32 `[N]` in `[0, 1]`, probability that the given
            label is right.
        suggested: int32 `[N]`, the likeliest class, given prediction and label.
        confidence: float32 `[N]` in `[0, 1]`, its probability.
        rate: float in `[0, 1]`, the share of wrong labels that was fitted; NaN
            where there is none.
        temperature: float, by which logits are divided; NaN where there is
            none.
    """

    clean_probability: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    rate: float = float("nan")
    temperature: float = float("nan")


def judge_held_out(
    probabilities: np.ndarray, labels: np.ndarray, transition: np.ndarray
) -> HeldOutJudgement:
    """Judges given labels by predictions of a model that has not seen them.

    Args:
        probabilities: float `[N, K]`, predicted class probabilities, N >= 1.
        labels: int `[N]`, the given labels.
        transition: float `[K, K]`, the probability of each given label (column)
            by true label (row), as far as training has shown: see
            `transition_of`.

    Returns:
        A `HeldOutJudgement`. Where predictions agree with the labels by chance
        alone, they are no evidence, and no label is called wrong.

    Example:
        >>> sure = np.eye(2)[[0] * 30 + [1] * 30] * 0.98 + 0.01
        >>> labels = np.array([1] + [0] * 29 + [1] * 30)  # The first is wrong.
        >>> transition = np.array([[0.9, 0.1], [0.1, 0.9]])
        >>> found = judge_held_out(sure, labels, transition)
        >>> found.clean_probability[:2].round(), int(found.suggested[0])
        (array([0., 1.], dtype=float32), 0)
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    count = len(labels)
    confusions, weights, expected = _parts(transition)
    if is_guessing(probabilities.argmax(axis=1), labels):
        likely = np.full(count, max(1.0 - expected, 0.5), np.float32)
        return HeldOutJudgement(likely, labels.astype(np.int32), likely)
    some = np.linspace(0, count - 1, min(count, _FITTED)).astype(np.int64)
    temperature, rate = _fit(
        _logits(probabilities[some]),
        labels[some],
        confusions,
        weights,
        expected,
    )
    wrong = rate * weights
    noise = wrong[:, None] * confusions + np.diag(1.0 - wrong)
    clean, suggested, confidence = (
        np.empty(count, kind) for kind in (np.float32, np.int32, np.float32)
    )
    # In parts, for many samples of a thousand classes.
    for first in range(0, count, _FITTED):
        here = slice(first, first + _FITTED)
        given = labels[here]
        posterior = evidence.softmax(_logits(probabilities[here]) / temperature)
        posterior *= noise.T[given]
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), _TINY)
        clean[here] = posterior[np.arange(len(given)), given]
        suggested[here] = posterior.argmax(axis=1)
        confidence[here] = posterior.max(axis=1)
    return HeldOutJudgement(clean, suggested, confidence, rate, temperature)


def is_guessing(predicted: np.ndarray, labels: np.ndarray) -> bool:
    """Whether predictions have nothing to do with labels.

    Predictions that are independent of the labels agree with them by chance,
    the more often the less even the classes are; see Cohen's kappa.

    Args:
        predicted: int `[N]`, the predicted classes.
        labels: int `[N]`, the given labels.

    Returns:
        bool, whether they agree at most two standard errors more often.
    """
    count = max(predicted.max(), labels.max()) + 1
    shares = [
        np.bincount(classes, minlength=count) / len(labels)
        for classes in (predicted, labels)
    ]
    chance = float(np.dot(*shares))
    error = np.sqrt(chance * (1.0 - chance) / len(labels))
    return bool(np.mean(predicted == labels) <= chance + 2.0 * error)


def transition_of(
    clean_probability: np.ndarray,
    labels: np.ndarray,
    suggested: np.ndarray,
    num_classes: int,
) -> np.ndarray:
    """The transition that a judgement of training labels amounts to.

    Args:
        clean_probability: float `[N]` in `[0, 1]`, of the given labels.
        labels: int `[N]`, the given labels.
        suggested: int `[N]`, the likely classes.
        num_classes: int, number of classes K.

    Returns:
        float64 `[K, K]`, rows (true classes) sum to 1. A label counts for its
        own class by its clean probability, and for the suggested class by the
        rest; the row of a class without samples is that of the identity matrix.
    """
    clean = np.asarray(clean_probability, np.float64)
    labels, suggested = np.asarray(labels), np.asarray(suggested)
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (labels, labels), clean)
    other = suggested != labels
    np.add.at(counts, (suggested[other], labels[other]), 1.0 - clean[other])
    # Of a suspect label without another class, no true class is known.
    np.add.at(counts, (labels[~other], labels[~other]), 1.0 - clean[~other])
    total = counts.sum(axis=1, keepdims=True)
    return np.where(
        total > 0.0, counts / np.maximum(total, _TINY), np.eye(num_classes)
    )


def _parts(transition):
    """Which classes are given, how the wrong shares compare, and their mean."""
    transition = np.asarray(transition, np.float64)
    count = len(transition)
    evenly = (1.0 - np.eye(count)) / max(count - 1, 1)
    wrong = 1.0 - np.diag(transition)
    off = transition * (1.0 - np.eye(count))
    seen = wrong[:, None] > 1e-9
    confusions = np.where(seen, off / np.maximum(wrong, 1e-9)[:, None], evenly)
    confusions = (1.0 - _SPREAD) * confusions + _SPREAD * evenly
    mean = float(wrong.mean())
    if mean <= 1e-9:
        return confusions, np.ones(count), 0.0
    return confusions, (1.0 - _SPREAD) * wrong / mean + _SPREAD, mean


def _fit(logits, labels, confusions, weights, expected):
    """The likeliest temperature and rate."""
    most = max(_HIGHER * expected + _MORE, _RATES[0])
    rates = _RATES[_RATES <= min(most, _MOST_WRONG / weights.max())]
    if not len(rates):
        rates = _RATES[:1]
    expected = float(np.clip(expected, rates[0], rates[-1]))
    prior = _STRENGTH * (
        expected * np.log(rates) + (1.0 - expected) * np.log1p(-rates)
    )
    given = weights * confusions.T[labels]  # [N, K]
    rows = np.arange(len(labels))
    best = (-np.inf, 1.0, expected)
    for temperature in _TEMPERATURES:
        predicted = evidence.softmax(logits / temperature)
        right = predicted[rows, labels]
        # The likelihood of each label is linear in the rate.
        change = (predicted * given).sum(axis=1) - right * weights[labels]
        likelihood = right[:, None] + change[:, None] * rates
        scores = np.log(np.maximum(likelihood, _TINY)).sum(axis=0)
        scores += prior - _FLAT * np.log(temperature) ** 2
        here = int(scores.argmax())
        if scores[here] > best[0]:
            best = (scores[here], float(temperature), float(rates[here]))
    return best[1:]


def _logits(probabilities):
    return np.log(np.maximum(np.asarray(probabilities, np.float64), _TINY))
