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
_FOLDS = 5
# A gain of the negative log-likelihood counts from as many of its standard
# errors on.
_ERRORS = 1.0
# Above this condition number, a transition is no use.
_WORST_CONDITION = 20.0


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Result of a calibration.

    Attributes:
        temperature: float, temperature T; 1 if the calibration was skipped.
        samples: int, number of samples of the validation set.
        before: dict of the expected calibration error `ece` and the negative
            log-likelihood `nll` in nats at T = 1, or None.
        after: dict of the same after scaling, each of five folds with the
            temperature fitted on the others; None if the calibration was
            skipped.
        skipped: str, why the calibration was skipped, or "".
        noise_corrected: bool, whether the noise of the labels was taken into
            account.
    """

    temperature: float = 1.0
    samples: int = 0
    before: dict | None = None
    after: dict | None = None
    skipped: str = ""
    noise_corrected: bool = False

    def as_dict(self):
        """The attributes as a dict that is serialisable as JSON."""
        return dataclasses.asdict(self)


def calibrate(logits, labels, transition=None):
    """Fits a temperature, and keeps it where it makes predictions better.

    It is fitted and judged on different folds: where the negative
    log-likelihood does not become lower by more than its standard error, or the
    calibration error becomes higher, the temperature stays 1.

    Args:
        logits: float array `[N, K]`, logits of samples that were not trained
            on.
        labels: int array `[N]`, labels in `[0, K)`.
        transition: float array `[K, K]`, the probability of each given label
            (column) by true label (row), if labels are noisy: confidence is
            then calibrated to how often the true label is predicted (forward
            correction, Patrini et al., CVPR 2017). None, or a matrix that is
            close to singular: to how often the given one is.

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
    transition = _usable(transition)
    count = len(labels)
    if count < FEWEST:
        return Calibration(
            samples=count,
            skipped=f"the validation set has {count} samples, of which "
            f"{FEWEST} are needed",
        )
    corrected = transition is not None
    before = _measured(logits, labels, 1.0, transition)
    temperature = fit_temperature(logits, labels, transition)
    why, after = "", None
    if not LOWEST < temperature < HIGHEST:
        why = (
            "sharper predictions of the validation set are always better"
            if temperature <= LOWEST
            else "the predictions are uninformative on the validation set"
        )
    else:
        # Random folds, because samples may be sorted by class.
        folds = np.random.RandomState(0).permutation(count) % _FOLDS
        crossed = np.empty((count, 1))
        for fold in range(_FOLDS):
            others = folds != fold
            crossed[~others] = fit_temperature(
                logits[others], labels[others], transition
            )
        after = _measured(logits, labels, crossed, transition)
        why = _no_better(logits, labels, crossed, transition, before, after)
    if why:
        return Calibration(
            1.0, count, before, None, why, noise_corrected=corrected
        )
    return Calibration(
        temperature, count, before, after, noise_corrected=corrected
    )


def _usable(transition):
    if transition is None:
        return None
    transition = np.asarray(transition, np.float64)
    if not np.linalg.cond(transition) <= _WORST_CONDITION:
        return None
    return transition


def _no_better(logits, labels, temperature, transition, before, after):
    """Why a temperature is not used: str, empty where it is."""
    gain = _losses(logits, labels, 1.0, transition) - _losses(
        logits, labels, temperature, transition
    )
    error = gain.std() / np.sqrt(len(gain))
    if gain.mean() <= _ERRORS * error:
        return (
            "scaling makes held-out predictions no better (negative "
            f"log-likelihood {before['nll']:.4f} without, {after['nll']:.4f} "
            "with it)"
        )
    if after["ece"] > before["ece"]:
        return (
            "scaling makes the calibration error of held-out predictions "
            f"higher ({before['ece']:.4f} without, {after['ece']:.4f} with it)"
        )
    return ""


def fit_temperature(logits, labels, transition=None):
    """Fits the temperature that minimises the cross-entropy.

    Without a transition the cross-entropy is convex in 1 / T. Its derivative is
    the mean of the expected logit minus the logit of the label, and bisection
    finds its zero deterministically. With one, the minimum is searched for on a
    grid of log T and then by golden sections.

    Args:
        logits: float array `[N, K]`.
        labels: int array `[N]`, labels in `[0, K)`.
        transition: float array `[K, K]`, see `calibrate`; or None.

    Returns:
        Float from `LOWEST` to `HIGHEST`.
    """
    logits = np.asarray(logits, np.float64)
    if transition is not None:
        return _searched(logits, np.asarray(labels), transition)
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


def _searched(logits, labels, transition):
    """The temperature of lowest cross-entropy to noisy labels."""

    def loss(log_t):
        each = _losses(logits, labels, np.exp(log_t), transition)
        return float(np.mean(each))

    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), 41)
    best = int(np.argmin([loss(t) for t in grid]))
    if best in (0, len(grid) - 1):
        return LOWEST if best == 0 else HIGHEST
    low, high = grid[best - 1], grid[best + 1]
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(30):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def softmax(logits):
    """Softmax in NumPy.

    Args:
        logits: float array `[N, K]`.

    Returns:
        Float array `[N, K]`, rows summing to 1.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _losses(logits, labels, temperature, transition):
    """Negative log-likelihoods of the given labels: `[N]`, in nats."""
    probabilities = softmax(logits / temperature)
    if transition is not None:
        probabilities = probabilities @ transition
    likely = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(likely, np.finfo(float).tiny))


def _measured(logits, labels, temperature, transition=None):
    probabilities = softmax(logits / temperature)
    if transition is not None:
        ece = _corrected_error(probabilities, labels, transition)
    else:
        ece = reliability.expected_calibration_error(probabilities, labels)
    each = _losses(logits, labels, temperature, transition)
    return {"ece": ece, "nll": float(np.mean(each))}


def _corrected_error(probabilities, labels, transition, bins=15):
    """The calibration error with respect to true labels, by noisy ones.

    `T^-1[given, predicted]` has the expectation of "the prediction is right"
    (backward correction, Patrini et al. 2017); its mean in a bin of confidence
    estimates the accuracy there.
    """
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    hits = np.linalg.inv(transition)[labels, predicted]
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, hits - confidence, minlength=bins)
    accuracy_gap = np.abs(gaps[count > 0] / count[count > 0])
    return float(np.sum(accuracy_gap * count[count > 0]) / len(labels))
