"""Detecting wrong labels by how strongly a network disagrees with them.

1. The discriminative measure of a sample is the cross-entropy of the network's
   prediction to its given label.
2. It is scaled to the unit interval between its 5th and 95th percentile.
3. A Beta mixture is fitted to the values between these; the posterior of its
   lower component is the probability that the label is right.

Reference: Ortego et al., Towards Robust Learning with Different Label Noise
Distributions (DRPL), ICPR 2020; trimming and look-up as in its code.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from noisy_keras.mixtures import BetaMixture
from noisy_keras.utils import deprecation
from noisy_keras.utils.errors import ConfigurationError

_TRIMMED = 0.05
_EDGE = 1e-3
# Losses that differ by less than this many nats count as equal.
_ALIKE = 1e-3
# A component of less weight counts as empty.
_LEAST_WEIGHT = 0.01
_OFFICIAL_BINS = 100

#: How a detection can end, and what follows for the samples.
OUTCOMES = {
    "fitted": "the mixture's posterior",
    "constant": "all losses are alike: no label is called wrong",
    "collapsed": "both components are one: no label is called wrong",
    "no_noise": "the upper component is empty: no label is called wrong",
    "all_noise": "the lower component is empty: all labels are called wrong",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Detection:
    """What a detection found.

    Attributes:
        clean_probability: float32 `[N]` in `[0, 1]`, probability that the given
            label is right.
        measure: float32 `[N]` in `[1e-3, 1 - 1e-3]`, the scaled losses.
        mixture: the fitted `BetaMixture`, or None with outcome `"constant"`.
        low: float, the loss that was scaled to 0.
        high: float, the loss that was scaled to 1.
        outcome: str, a key of `OUTCOMES`.
    """

    clean_probability: np.ndarray
    measure: np.ndarray
    mixture: BetaMixture | None
    low: float
    high: float
    outcome: str

    @property
    def noisy_probability(self) -> np.ndarray:
        """Deprecated: `1 - clean_probability`."""
        deprecation.warn(
            "Detection.noisy_probability", "1 - Detection.clean_probability"
        )
        return 1.0 - self.clean_probability


def detect(loss: np.ndarray, official: bool = False) -> Detection:
    """Detects wrong labels by their losses.

    A posterior that is not monotonic towards an end of the interval is held at
    its extreme, so that a higher loss never makes a label more credible. An
    infinite loss counts as the highest finite one. Where the percentiles
    coincide, as when nearly all labels are memorised, nothing is trimmed.

    Args:
        loss: float `[N]`, N >= 2, cross-entropy to the given labels in nats.
        official: bool, whether to do as the released code: moments in place of
            maximum likelihood, a table of 100 posteriors, and only the upper
            end held. Where the upper component is broad, that table may call
            every label wrong.

    Returns:
        A `Detection`.

    Raises:
        ConfigurationError: NaN, no finite loss, fewer than two, or another
            rank.

    Example:
        >>> loss = [0.01, 0.02, 0.03, 0.05, 0.04, 2.5, 3.0, 2.7]
        >>> (detect(loss).clean_probability > 0.5).astype(int)
        array([1, 1, 1, 1, 1, 0, 0, 0])
    """
    loss = np.asarray(loss, np.float64)
    if loss.ndim != 1 or len(loss) < 2:
        raise ConfigurationError(
            "Expected losses of shape [N], N >= 2. "
            f"Received: shape {loss.shape}"
        )
    broken = int(np.isnan(loss).sum())
    if broken or not np.isfinite(loss).any():
        raise ConfigurationError(
            "Expected losses that are numbers, some of them finite. Received: "
            f"{broken} NaN and {np.isinf(loss).sum()} infinite of {len(loss)}; "
            "training has diverged."
        )
    with tf.device("CPU"):
        found = _compiled(bool(official))(tf.constant(loss))
    outcome = list(OUTCOMES)[int(found["outcome"])]
    mixture = None
    if outcome != "constant":
        mixture = _mixture(official)
        mixture.keep(found["weights"], found["parameters"])
    return Detection(
        clean_probability=1.0 - found["noisy"].numpy().astype(np.float32),
        measure=found["measure"].numpy().astype(np.float32),
        mixture=mixture,
        low=float(found["low"]),
        high=float(found["high"]),
        outcome=outcome,
    )


def _mixture(official):
    estimator = "moments" if official else "maximum_likelihood"
    return BetaMixture(estimator=estimator)


@functools.cache
def _compiled(official):
    mixture = _mixture(official)
    return tf.function(
        lambda loss: graph(loss, mixture, official), reduce_retracing=True
    )


def graph(
    loss: tf.Tensor, mixture: BetaMixture, official: bool = False
) -> dict[str, tf.Tensor]:
    """The whole detection as tensors, which XLA can compile.

    Args:
        loss: float64 tensor `[N]`, without NaN.
        mixture: `BetaMixture`, whose `estimate` is used.
        official: bool, as of `detect`.

    Returns:
        dict of `noisy` `[N]`, the probability that the label is wrong,
        `measure` `[N]`, `low`, `high`, `weights` and `parameters` of the
        mixture, and `outcome`, its position in `OUTCOMES`.
    """
    finite = tf.math.is_finite(loss)
    least = tf.reduce_min(tf.where(finite, loss, np.inf))
    most = tf.reduce_max(tf.where(finite, loss, -np.inf))
    loss = tf.clip_by_value(loss, least, most)
    low, high = _percentiles(loss)
    alike = high - low < _ALIKE
    low, high = tf.where(alike, least, low), tf.where(alike, most, high)
    kept = tf.cast((loss >= low) & (loss <= high), loss.dtype)
    # Trimming may leave none of a handful of samples.
    kept = tf.where(tf.reduce_sum(kept) < 2.0, tf.ones_like(kept), kept)
    constant = high - low < _ALIKE
    low += 1e-5
    measure = (loss - low) / (high - low + 1e-6)
    measure = tf.clip_by_value(measure, _EDGE, 1.0 - _EDGE)
    weights, parameters, _ = mixture.estimate(measure, kept)
    posterior = functools.partial(mixture.upper, weights, parameters)
    if official:
        noisy = _from_table(posterior, measure)
    else:
        noisy = posterior(_held_at_turn(measure, *parameters))
    means = mixture.component_means(parameters)
    collapsed = means[1] - means[0] < _EDGE
    no_noise = weights[1] < _LEAST_WEIGHT
    all_noise = weights[0] < _LEAST_WEIGHT
    noisy = tf.where(all_noise, tf.ones_like(noisy), noisy)
    none = constant | collapsed | no_noise
    noisy = tf.where(none, tf.zeros_like(noisy), noisy)
    # The position in `OUTCOMES`; later lines take precedence.
    outcome = tf.where(all_noise, 4, 0)
    outcome = tf.where(no_noise, 3, outcome)
    outcome = tf.where(collapsed, 2, outcome)
    return {
        "noisy": noisy,
        "measure": measure,
        "low": low,
        "high": high,
        "weights": weights,
        "parameters": parameters,
        "outcome": tf.where(constant, 1, outcome),
    }


def _percentiles(loss):
    """The 5th and the 95th percentile, by linear interpolation."""
    ascending = tf.sort(loss)
    last = tf.shape(loss)[0] - 1
    found = []
    for share in (_TRIMMED, 1.0 - _TRIMMED):
        place = share * tf.cast(last, loss.dtype)
        below = tf.cast(tf.floor(place), tf.int32)
        part = place - tf.floor(place)
        above = ascending[tf.minimum(below + 1, last)]
        found.append(ascending[below] * (1.0 - part) + above * part)
    return found


def _held_at_turn(measure, concentration1, concentration0):
    """Brings values beyond the posterior's turning point back to it.

    The logarithm of the ratio of both densities is `A log u + B log(1 - u)`
    plus a constant, with the differences A and B of the concentrations. It
    turns once, at `A / (A + B)`, where both have the same sign: if they are
    positive, it falls above that point; if negative, it rises below it. (A
    negative and B positive is impossible: the second component has the higher
    mean.)
    """
    a = concentration1[1] - concentration1[0]
    b = concentration0[1] - concentration0[0]
    turn = tf.math.divide_no_nan(a, a + b)
    hump, valley = (a > 0.0) & (b > 0.0), (a < 0.0) & (b < 0.0)
    low = tf.where(valley, turn, tf.zeros_like(turn))
    high = tf.where(hump, turn, tf.ones_like(turn))
    low, high = (tf.clip_by_value(v, _EDGE, 1.0 - _EDGE) for v in (low, high))
    return tf.clip_by_value(measure, low, high)


def _from_table(posterior, measure):
    """The look-up of the released code, which holds only the upper end."""
    tiny = tf.cast(1e-12, measure.dtype)
    table = posterior(tf.linspace(tiny, 1.0 - tiny, _OFFICIAL_BINS))
    place = tf.range(_OFFICIAL_BINS, dtype=tf.int64)
    held = tf.where(place >= tf.argmax(table), tf.reduce_max(table), table)
    bins = tf.cast(_OFFICIAL_BINS * measure, tf.int32)
    return tf.gather(held, tf.minimum(bins, _OFFICIAL_BINS - 1))
