"""The Beta mixture of DRPL and M-correction.

"The released code" is `BetaMixture1D` in `utils.py` of
https://github.com/PaulAlbert31/LabelNoiseCorrection, which DRPL uses as well.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy import typing as npt

from noisy_keras.mixtures.mixture import TwoComponentMixture
from noisy_keras.utils.errors import ConfigurationError

_ESTIMATORS = ("maximum_likelihood", "moments")
# Values are clipped to [_LOWEST, 1 - _LOWEST], the bounds of the released code.
_LOWEST = 1e-4
# Values are collected in bins of equal width on the logit scale, on which Beta
# densities are smooth up to both ends.
_BINS = 8192
_LOGIT_RANGE = math.log((1.0 - _LOWEST) / _LOWEST)


class BetaMixture(TwoComponentMixture):
    """Mixture of two Beta distributions on the unit interval.

    EM starts at Beta(1, 2) and Beta(2, 1) with equal weights. Values are
    clipped to `[1e-4, 1 - 1e-4]`.

    Args:
        max_iterations: int >= 1, number of EM iterations, all of which are run.
            With `estimator="maximum_likelihood"` the fit of some data improves
            for 50 iterations.
        estimator: str, how the M-step estimates the two concentrations.
            `"maximum_likelihood"` solves the digamma equations by Newton's
            method, so that the likelihood never decreases. `"moments"` matches
            mean and variance as the released code does; its likelihood may
            decrease, and its result depends on the number of iterations.

    After `fit`, the attributes `concentration1` (alpha), `concentration0`
    (beta), `weights` and `means` are float32 arrays `[2]`, in ascending order
    of the means.

    Raises:
        ValueError: If the estimator is unknown or `max_iterations` is below 1.

    Reference: Arazo et al., Unsupervised Label Noise Modeling and Loss
    Correction, ICML 2019, section 3.1; Ortego et al. (DRPL), ICPR 2020.

    Example:
        >>> losses = np.array([0.05, 0.1, 0.15, 0.8, 0.9], np.float32)
        >>> BetaMixture().fit(losses).clean_probability(losses).round(1)
        array([1., 1., 1., 0., 0.], dtype=float32)
    """

    def __init__(
        self, max_iterations: int = 10, estimator: str = "maximum_likelihood"
    ) -> None:
        if estimator not in _ESTIMATORS:
            raise ConfigurationError(
                f"Expected `estimator` to be one of {_ESTIMATORS}. "
                f"Received: estimator={estimator!r}"
            )
        super().__init__(max_iterations, tolerance=None)
        self.estimator = estimator

    def _start(self, values: tf.Tensor, counts: tf.Tensor) -> tuple:
        # `alphas_init` and `betas_init` of the released code.
        del counts
        one_two = tf.constant([1.0, 2.0], values.dtype)
        return (
            tf.constant([0.5, 0.5], values.dtype),
            (one_two, one_two[::-1]),
        )

    def _condensed(
        self, values: tf.Tensor, counts: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # Neither density varies noticeably within a bin this narrow, so that
        # the means of the bins represent any number of values.
        logit = tf.math.log(values) - tf.math.log1p(-values)
        place = (logit / _LOGIT_RANGE + 1.0) * (_BINS / 2)
        place = tf.clip_by_value(tf.cast(place, tf.int32), 0, _BINS - 1)
        sums = tf.math.unsorted_segment_sum(values * counts, place, _BINS)
        counts = tf.math.unsorted_segment_sum(counts, place, _BINS)
        means = tf.math.divide_no_nan(sums, counts)
        return tf.where(counts > 0.0, means, 0.5), counts

    def _responsibilities(self, joint: tf.Tensor) -> tf.Tensor:
        # The floor of the released code, applied before normalising: a value
        # that neither component explains belongs to both.
        floored = tf.maximum(tf.exp(joint), 1e-12)
        return floored / tf.reduce_sum(floored, axis=-1, keepdims=True)

    def _update(
        self, responsibilities: tf.Tensor, values: tf.Tensor, parameters: tuple
    ) -> tuple:
        total = tf.reduce_sum(responsibilities, axis=0)
        weights = total / tf.reduce_sum(total)

        def mean(v: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(responsibilities * v[:, None], axis=0) / total

        if self.estimator == "moments":
            # The M-step of the released code (`fit_beta_weighted`).
            return weights, _match_moments(values, responsibilities, total)
        # Ours: moments do not maximise the likelihood, which can then fall
        # from one iteration to the next.
        return weights, _maximize_likelihood(
            mean(tf.math.log(values)), mean(tf.math.log1p(-values)), parameters
        )

    def _components(self, parameters: tuple) -> Any:
        # Imported here because the import takes a second and most programs
        # that import this package never fit a mixture.
        from tensorflow_probability import distributions

        return distributions.Beta(*parameters)

    def _publish(
        self, concentration1: np.ndarray, concentration0: np.ndarray
    ) -> None:
        self.concentration1 = concentration1
        self.concentration0 = concentration0

    def _prepare(self, values: npt.ArrayLike, minimum: int = 2) -> tf.Tensor:
        values = super()._prepare(values, minimum)
        if len(values):
            low, high = values.numpy().min(), values.numpy().max()
            if low < 0.0 or high > 1.0:
                raise ConfigurationError(
                    "Expected values in [0, 1]; normalise losses first. "
                    f"Received: values between {low:.4g} and {high:.4g}"
                )
        return tf.clip_by_value(values, _LOWEST, 1.0 - _LOWEST)


def _match_moments(
    values: tf.Tensor, responsibilities: tf.Tensor, total: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Concentrations `[2]` that match the mean and variance of each part."""
    value = values[:, None]
    mean = tf.reduce_sum(responsibilities * value, axis=0) / total
    squares = responsibilities * tf.square(value - mean)
    variance = tf.reduce_sum(squares, axis=0) / total
    # No Beta distribution has moments outside of these bounds. The released
    # code has no such guard and yields NaN there.
    variance = tf.clip_by_value(variance, 1e-6, 0.999 * mean * (1.0 - mean))
    concentration1 = mean * (mean * (1.0 - mean) / variance - 1.0)
    return _bounded(concentration1, concentration1 * (1.0 - mean) / mean)


def _maximize_likelihood(
    mean_log: tf.Tensor, mean_log1m: tf.Tensor, parameters: tuple
) -> tuple[tf.Tensor, tf.Tensor]:
    """Solves `psi(a) - psi(a + b) = E[log u]`, and likewise for b and `1 - u`.

    The log-likelihood is concave in (a, b). Newton's method, started at the
    values of the last iteration, reaches float64 precision in a few steps. A
    step changes a concentration by a factor of ten at most, which keeps it
    positive.
    """

    def newton(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
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

    # A loop in the graph rather than in Python, so that XLA compiles its body
    # once.
    return tf.while_loop(
        lambda a, b: True, newton, parameters, maximum_iterations=12
    )


def _trigamma(x: tf.Tensor) -> tf.Tensor:
    return tf.math.polygamma(tf.ones_like(x), x)


def _bounded(
    concentration1: tf.Tensor, concentration0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    return (
        tf.clip_by_value(concentration1, 1e-2, 1e4),
        tf.clip_by_value(concentration0, 1e-2, 1e4),
    )
