"""Temperature scaling, and how well confidence tells accuracy.

Reference: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural
Networks, ICML 2017: section 4.2 and equation (3).
"""

import dataclasses

import numpy as np

from noisy_keras.ops import reliability

#: Fewest samples that a temperature is fitted on.
FEWEST = 100
#: Temperatures are sought between these.
LOWEST, HIGHEST = 0.05, 20.0

_ROUNDS = 60


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration found.

    Attributes:
        temperature: T, 1 where it was skipped.
        samples: of the validation set.
        before: dict of `ece` and `nll` at T = 1, or None.
        after: the same after scaling, each half of the samples by the
            temperature of the other half; or None.
        skipped: why it was not done, or "".
    """

    temperature: float = 1.0
    samples: int = 0
    before: dict | None = None
    after: dict | None = None
    skipped: str = ""

    def as_dict(self):
        """As JSON holds it."""
        return dataclasses.asdict(self)


def calibrate(logits, labels):
    """Fits a temperature, and measures what it does.

    Args:
        logits: float `[N, K]`, of samples that were not trained on.
        labels: int `[N]`, as given: where they are noisy, confidence comes to
            tell how often they are met, not how often the truth is.

    Returns:
        A `Calibration`.

    Example:
        >>> logits = np.tile([[4.0, 0.0]], (200, 1))
        >>> labels = np.arange(200) % 4 == 3
        >>> round(calibrate(logits, labels).temperature, 3)  # 4 / log 3
        3.641
    """
    logits = np.asarray(logits, np.float64)
    labels = np.asarray(labels, np.int64)
    count = len(labels)
    if count < FEWEST:
        return Calibration(
            samples=count,
            skipped=f"the validation set has {count} samples, of which "
            f"{FEWEST} are needed",
        )
    before = _measured(logits, labels, 1.0)
    temperature = fit_temperature(logits, labels)
    if not LOWEST < temperature < HIGHEST:
        return Calibration(
            samples=count,
            before=before,
            skipped="every sharper prediction of the validation set is a "
            "better one"
            if temperature <= LOWEST
            else "the predictions say nothing about the validation set",
        )
    # Drawn, because samples may come class by class.
    halves = np.random.RandomState(0).permutation(count) % 2
    crossed = np.empty(count)
    for half in (0, 1):
        others = halves != half
        crossed[halves == half] = fit_temperature(
            logits[others], labels[others]
        )
    after = _measured(logits, labels, crossed[:, None])
    return Calibration(temperature, count, before, after)


def fit_temperature(logits, labels):
    """The temperature of least cross-entropy.

    The cross-entropy is convex in 1 / T, and its slope the mean of expected
    less given logit: bisection finds where it is zero, the same every time.

    Args:
        logits: float `[N, K]`.
        labels: int `[N]`.

    Returns:
        T, from `LOWEST` to `HIGHEST`.
    """
    logits = np.asarray(logits, np.float64)
    given = np.take_along_axis(logits, np.asarray(labels)[:, None], axis=1)

    def slope(inverse):
        expected = np.sum(softmax(logits * inverse) * logits, axis=1)
        return np.mean(expected - given[:, 0])

    low, high = np.log(1.0 / HIGHEST), np.log(1.0 / LOWEST)
    if slope(np.exp(high)) <= 0.0:
        return LOWEST
    if slope(np.exp(low)) >= 0.0:
        return HIGHEST
    for _ in range(_ROUNDS):
        middle = (low + high) / 2.0
        if slope(np.exp(middle)) < 0.0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2.0))


def softmax(logits):
    """Probabilities `[N, K]` of logits, in NumPy."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _measured(logits, labels, temperature):
    probabilities = softmax(logits / temperature)
    rows = np.arange(len(labels))
    likely = np.maximum(probabilities[rows, labels], np.finfo(float).tiny)
    return {
        "ece": reliability.expected_calibration_error(probabilities, labels),
        "nll": float(-np.mean(np.log(likely))),
    }
