"""Temperature scaling and calibration errors.

Reference: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural
Networks, ICML 2017, section 4.2 and equation (3).
"""

import dataclasses

import numpy as np

from noisy_keras.ops import reliability

#: Smallest number of samples on which a temperature is fitted.
FEWEST = 100
#: Bounds of the temperature.
LOWEST, HIGHEST = 0.05, 20.0

_ROUNDS = 60


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Result of a calibration.

    Attributes:
        temperature: float, temperature T; 1 if the calibration was skipped.
        samples: int, number of samples of the validation set.
        before: dict of the expected calibration error `ece` and the negative
            log-likelihood `nll` in nats at T = 1, or None.
        after: dict of the same after scaling, each half of the samples with the
            temperature fitted on the other half; or None.
        skipped: str, why the calibration was skipped, or "".
    """

    temperature: float = 1.0
    samples: int = 0
    before: dict | None = None
    after: dict | None = None
    skipped: str = ""

    def as_dict(self):
        """The attributes as a dict that is serialisable as JSON."""
        return dataclasses.asdict(self)


def calibrate(logits, labels):
    """Fits a temperature and measures its effect.

    Args:
        logits: float array `[N, K]`, logits of samples that were not trained
            on.
        labels: int array `[N]`, labels in `[0, K)`. If they are noisy,
            confidence is calibrated to how often a given label is predicted,
            not to how often the true one is.

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
            skipped="sharper predictions of the validation set are always "
            "better"
            if temperature <= LOWEST
            else "the predictions are uninformative on the validation set",
        )
    # Random halves, because samples may be sorted by class.
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
    """Fits the temperature that minimises the cross-entropy.

    The cross-entropy is convex in 1 / T. Its derivative is the mean of the
    expected logit minus the logit of the label, and bisection finds its zero
    deterministically.

    Args:
        logits: float array `[N, K]`.
        labels: int array `[N]`, labels in `[0, K)`.

    Returns:
        Float from `LOWEST` to `HIGHEST`.
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
    """Softmax in NumPy.

    Args:
        logits: float array `[N, K]`.

    Returns:
        Float array `[N, K]`, rows summing to 1.
    """
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
