"""The Beta mixture of DRPL and M-correction."""

import math

import tensorflow as tf

from noisy_keras.mixtures.mixture import TwoComponentMixture
from noisy_keras.utils.errors import ConfigurationError

_ESTIMATORS = ("maximum_likelihood", "moments")
_LOWEST = 1e-4
# Values are gathered in bins of equal width on the logit scale, where Beta
# densities are smooth up to both ends.
_BINS = 8192
_LOGIT_RANGE = math.log((1.0 - _LOWEST) / _LOWEST)


class BetaMixture(TwoComponentMixture):
    """Two Beta distributions on the unit interval.

    Starts at Beta(1, 2) and Beta(2, 1) with equal weights. Values are clipped
    to `[1e-4, 1 - 1e-4]`.

    Args:
        max_iterations: EM rounds; all of them are run. With
            `estimator="maximum_likelihood"` some sets go on improving for 50.
        estimator: how the M-step finds the two concentrations.
            `"maximum_likelihood"` solves the digamma equations by Newton's
            method, so the likelihood never falls. `"moments"` matches mean
            and variance as the published codes do; its likelihood may fall
            and its result depends on the number of rounds.

    After `fit`: `concentration1` (alpha), `concentration0` (beta), `weights`
    and `means`, all float32 `[2]`.

    Reference: Arazo et al., Unsupervised Label Noise Modeling and Loss
    Correction, ICML 2019, section 3.1; Ortego et al. (DRPL), ICPR 2020.

    Example:
        >>> losses = np.array([0.05, 0.1, 0.15, 0.8, 0.9], np.float32)
        >>> BetaMixture().fit(losses).clean_probability(losses).round(1)
        array([1., 1., 1., 0., 0.], dtype=float32)
    """

    def __init__(
        self, max_iterations: int = 10, estimator: str = "maximum_likelihood"
    ):
        if estimator not in _ESTIMATORS:
            raise ConfigurationError(
                f"Expected `estimator` to be one of {_ESTIMATORS}. "
                f"Received: estimator={estimator!r}"
            )
        super().__init__(max_iterations, tolerance=None)
        self.estimator = estimator

    def _start(self, values, counts):
        del counts
        one_two = tf.constant([1.0, 2.0], values.dtype)
        return (
            tf.constant([0.5, 0.5], values.dtype),
            (one_two, one_two[::-1]),
        )

    def _condensed(self, values, counts):
        # Neither density varies noticeably within a bin this narrow, so the
        # bins' means stand for a million values as for ten.
        logit = tf.math.log(values) - tf.math.log1p(-values)
        place = (logit / _LOGIT_RANGE + 1.0) * (_BINS / 2)
        place = tf.clip_by_value(tf.cast(place, tf.int32), 0, _BINS - 1)
        sums = tf.math.unsorted_segment_sum(values * counts, place, _BINS)
        counts = tf.math.unsorted_segment_sum(counts, place, _BINS)
        means = tf.math.divide_no_nan(sums, counts)
        return tf.where(counts > 0.0, means, 0.5), counts

    def _responsibilities(self, joint):
        # The published floor, before normalising: a value that neither
        # component explains belongs to both.
        floored = tf.maximum(tf.exp(joint), 1e-12)
        return floored / tf.reduce_sum(floored, axis=-1, keepdims=True)

    def _update(self, responsibilities, values, parameters):
        total = tf.reduce_sum(responsibilities, axis=0)
        weights = total / tf.reduce_sum(total)

        def mean(v):
            return tf.reduce_sum(responsibilities * v[:, None], axis=0) / total

        if self.estimator == "moments":
            return weights, _match_moments(values, responsibilities, total)
        return weights, _maximize_likelihood(
            mean(tf.math.log(values)), mean(tf.math.log1p(-values)), parameters
        )

    def _components(self, parameters):
        # Imported here: it takes a second, and most imports of the package
        # never fit a mixture.
        from tensorflow_probability import distributions

        return distributions.Beta(*parameters)

    def _publish(self, concentration1, concentration0):
        self.concentration1 = concentration1
        self.concentration0 = concentration0

    def _prepare(self, values, minimum=2):
        values = super()._prepare(values, minimum)
        if len(values):  # Nothing to check in an empty query.
            low, high = values.numpy().min(), values.numpy().max()
            if low < 0.0 or high > 1.0:
                raise ConfigurationError(
                    "Expected values in [0, 1]; normalise losses first. "
                    f"Received: values between {low:.4g} and {high:.4g}"
                )
        return tf.clip_by_value(values, _LOWEST, 1.0 - _LOWEST)


def _match_moments(values, responsibilities, total):
    """Concentrations `[2]` that share mean and variance with each part."""
    value = values[:, None]
    mean = tf.reduce_sum(responsibilities * value, axis=0) / total
    squares = responsibilities * tf.square(value - mean)
    variance = tf.reduce_sum(squares, axis=0) / total
    # Outside these bounds no Beta distribution has such moments.
    variance = tf.clip_by_value(variance, 1e-6, 0.999 * mean * (1.0 - mean))
    concentration1 = mean * (mean * (1.0 - mean) / variance - 1.0)
    return _bounded(concentration1, concentration1 * (1.0 - mean) / mean)


def _maximize_likelihood(mean_log, mean_log1m, parameters):
    """Solves `psi(a) - psi(a + b) = E[log u]`, and so for `b` with `1 - u`.

    The log-likelihood is concave in (a, b); Newton's method from the last
    round's values reaches float64 precision in a few steps. A step may shrink
    or grow a concentration tenfold at most, which keeps it positive.
    """

    def newton(a, b):
        shared = tf.math.digamma(a + b)
        error_a = tf.math.digamma(a) - shared - mean_log
        error_b = tf.math.digamma(b) - shared - mean_log1m
        curvature = _trigamma(a + b)
        h_aa = _trigamma(a) - curvature
        h_bb = _trigamma(b) - curvature
        determinant = h_aa * h_bb - tf.square(curvature)
        step_a = (h_bb * error_a + curvature * error_b) / determinant
        step_b = (h_aa * error_b + curvature * error_a) / determinant
        return _bounded(
            tf.clip_by_value(a - step_a, 0.1 * a, 10.0 * a),
            tf.clip_by_value(b - step_b, 0.1 * b, 10.0 * b),
        )

    # A loop of the graph, not of Python: XLA compiles its body once.
    return tf.while_loop(
        lambda a, b: True, newton, parameters, maximum_iterations=12
    )


def _trigamma(x):
    return tf.math.polygamma(tf.ones_like(x), x)


def _bounded(concentration1, concentration0):
    return (
        tf.clip_by_value(concentration1, 1e-2, 1e4),
        tf.clip_by_value(concentration0, 1e-2, 1e4),
    )
