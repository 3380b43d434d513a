"""Base class of the mixtures: argument checks, EM loop and posterior."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy import typing as npt

from noisy_keras.utils.errors import ConfigurationError


class TwoComponentMixture:
    """Mixture of two components of one family, fitted by EM.

    A subclass defines the family: the initial values, the M-step and the
    distribution of given parameters. Computations run in float64 on the CPU,
    because sums over a million float32 losses lose digits; results are float32.

    After `fit`, the attributes `weights` and `means` are float32 arrays `[2]`
    in ascending order of the means, so that component 0 has the lower one, and
    `iterations` is the number of EM iterations run.

    Args:
        max_iterations: int >= 1, maximum number of EM iterations.
        tolerance: float, EM stops when the mean log-likelihood changes by less;
            None runs all iterations.

    Raises:
        ValueError: If `max_iterations` is below 1.
    """

    def __init__(self, max_iterations: int, tolerance: float | None) -> None:
        if max_iterations < 1:
            raise ConfigurationError(
                "Expected `max_iterations` of at least 1. "
                f"Received: max_iterations={max_iterations}"
            )
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self._fitted: tuple | None = None

    def fit(
        self, values: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> "TwoComponentMixture":
        """Fits the mixture.

        Args:
            values: float array `[N]`, finite values, N >= 2.
            sample_weight: float array `[N]`, weights of at least 0; None weighs
                all values by 1.

        Returns:
            The mixture itself.

        Raises:
            ValueError: If there are fewer than two values or some are not
                finite, `values` is not one-dimensional, or the weights are
                negative, all zero or of another length.
        """
        values = self._prepare(values)
        counts = _as_counts(sample_weight, len(values))
        with tf.device("CPU"):
            weights, parameters, iterations = self._run(values, counts)
        self.keep(weights, parameters)
        self.iterations = int(iterations)
        return self

    def estimate(
        self, values: tf.Tensor, counts: tf.Tensor
    ) -> tuple[tf.Tensor, tuple, tf.Tensor]:
        """The EM loop on tensors, which can be traced and compiled by XLA.

        Args:
            values: float64 tensor `[N]`, values in the range of the family.
            counts: float64 tensor `[N]`, multiplicity of each value.

        Returns:
            Tuple of the weights `[2]`, the parameters (a tuple of tensors
            `[2]`), both in ascending order of the means, and the number of
            iterations run.
        """
        values, counts = self._condensed(values, counts)
        weights, parameters = self._start(values, counts)
        likelihood = tf.constant(-np.inf, tf.float64)
        iterations = tf.constant(0)
        improving = tf.constant(True)
        while improving and iterations < self.max_iterations:
            joint = self._joint(values, weights, parameters)
            weights, parameters = self._update(
                self._responsibilities(joint) * counts[:, None],
                values,
                parameters,
            )
            if self.tolerance is not None:
                # As in scikit-learn, which the published codes use: stop after
                # the iteration whose mean log-likelihood changed little.
                each = tf.reduce_logsumexp(joint, axis=-1)
                new = tf.reduce_sum(each * counts) / tf.reduce_sum(counts)
                improving = tf.abs(new - likelihood) >= self.tolerance
                likelihood = new
            iterations += 1
        order = tf.argsort(self.component_means(parameters), stable=True)
        return (
            tf.gather(weights, order),
            tuple(tf.gather(p, order) for p in parameters),
            iterations,
        )

    def keep(self, weights: tf.Tensor, parameters: tuple) -> None:
        """Stores the result of `estimate` as the fit of this mixture.

        Args:
            weights: float64 tensor `[2]`.
            parameters: tuple of float64 tensors `[2]`.
        """
        self._fitted = weights, tuple(parameters)
        self.weights = weights.numpy().astype(np.float32)
        means = self.component_means(parameters)
        self.means = means.numpy().astype(np.float32)
        self._publish(*(p.numpy().astype(np.float32) for p in parameters))

    def posterior(
        self, values: npt.ArrayLike | tf.Tensor
    ) -> np.ndarray | tf.Tensor:
        """Probability of each component given a value.

        Args:
            values: float array `[N]`, or a symbolic tensor inside a
                `tf.function`.

        Returns:
            Float32 array `[N, 2]`, rows summing to 1; a tensor inside a
            `tf.function`.

        Raises:
            ValueError: If the mixture has not been fitted, or the values are
                not finite or out of the range of the family.
        """
        if self._fitted is None:
            raise ConfigurationError(
                "Expected a fitted mixture: call `fit` first."
            )
        if tf.is_symbolic_tensor(values):
            # The caller places the graph, and its values cannot be checked.
            values = tf.cast(values, tf.float64)
            joint = self._joint(values, *self._fitted)
            return tf.cast(tf.nn.softmax(joint, axis=-1), tf.float32)
        values = self._prepare(values, minimum=0)
        with tf.device("CPU"):
            joint = self._joint(values, *self._fitted)
            return tf.nn.softmax(joint, axis=-1).numpy().astype(np.float32)

    def upper(
        self, weights: tf.Tensor, parameters: tuple, values: tf.Tensor
    ) -> tf.Tensor:
        """Posterior of the second component from a result of `estimate`.

        Args:
            weights: float64 tensor `[2]`.
            parameters: tuple of float64 tensors `[2]`.
            values: float64 tensor `[N]`.

        Returns:
            Float64 tensor `[N]` in `[0, 1]`.
        """
        joint = self._joint(values, weights, parameters)
        return tf.nn.softmax(joint, axis=-1)[:, 1]

    def clean_probability(
        self, values: npt.ArrayLike | tf.Tensor
    ) -> np.ndarray | tf.Tensor:
        """Probability that a value belongs to the component of lower mean.

        Args:
            values: float array `[N]`, losses.

        Returns:
            Float32 array `[N]` in `[0, 1]`.

        Raises:
            ValueError: See `posterior`.
        """
        return self.posterior(values)[:, 0]

    @property
    def collapsed(self) -> bool:
        """Whether the two means coincide, so that the posterior is meaningless.

        This happens where all losses are alike, as with an untrained network or
        one that has memorised all labels.
        """
        return bool(self.means[1] - self.means[0] < 1e-3)

    # === Hooks of a family ===

    def _start(self, values: tf.Tensor, counts: tf.Tensor) -> tuple:
        """Initial weights `[2]` and parameters, a tuple of tensors `[2]`."""
        raise NotImplementedError  # pragma: no cover

    def _update(
        self,
        responsibilities: tf.Tensor,
        values: tf.Tensor,
        parameters: tuple,
    ) -> tuple:
        """M-step: weights and parameters from responsibilities `[N, 2]`.

        The responsibilities have already been multiplied by the counts.
        """
        raise NotImplementedError  # pragma: no cover

    def _components(self, parameters: tuple) -> Any:
        """TFP distribution of batch shape `[2]` with given parameters."""
        raise NotImplementedError  # pragma: no cover

    def _publish(self, first: np.ndarray, second: np.ndarray) -> None:
        """Sets the public attributes of the family."""
        raise NotImplementedError  # pragma: no cover

    def _responsibilities(self, joint: tf.Tensor) -> tf.Tensor:
        """E-step: `[N, 2]` from the logarithm of weight times density."""
        return tf.nn.softmax(joint, axis=-1)

    # === Shared by all families ===

    def component_means(self, parameters: tuple) -> tf.Tensor:
        """Means of the components with given parameters.

        Args:
            parameters: tuple of float64 tensors `[2]`.

        Returns:
            Float64 tensor `[2]`.
        """
        return self._components(parameters).mean()

    def _condensed(
        self, values: tf.Tensor, counts: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Fewer values and counts that represent all, if the family can."""
        return values, counts

    def _joint(
        self, values: tf.Tensor, weights: tf.Tensor, parameters: tuple
    ) -> tf.Tensor:
        density = self._components(parameters).log_prob(values[:, None])
        return density + tf.math.log(weights)

    @tf.function(reduce_retracing=True)
    def _run(self, values: tf.Tensor, counts: tf.Tensor) -> tuple:
        return self.estimate(values, counts)

    def _prepare(self, values: npt.ArrayLike, minimum: int = 2) -> tf.Tensor:
        values = np.asarray(values, np.float64)
        if values.ndim != 1:
            raise ConfigurationError(
                "Expected `values` of rank 1. "
                f"Received: values of shape {values.shape}"
            )
        if len(values) < minimum:
            raise ConfigurationError(
                f"Expected at least {minimum} values to fit two components. "
                f"Received: {len(values)}"
            )
        invalid = int(np.sum(~np.isfinite(values)))
        if invalid:
            raise ConfigurationError(
                f"Expected finite values. Received: {invalid} of {len(values)} "
                "are NaN or infinite; drop or clip them first."
            )
        return tf.constant(values)


def _as_counts(sample_weight: npt.ArrayLike | None, count: int) -> tf.Tensor:
    if sample_weight is None:
        return tf.ones(count, tf.float64)
    counts = np.asarray(sample_weight, np.float64)
    if counts.shape != (count,):
        raise ConfigurationError(
            f"Expected `sample_weight` of shape ({count},), as `values`. "
            f"Received: shape {counts.shape}"
        )
    if not (counts >= 0.0).all() or not 0.0 < counts.sum() < np.inf:
        raise ConfigurationError(
            "Expected finite `sample_weight` of at least 0, some of them "
            "positive. Received: "
            f"weights from {counts.min():.4g} to {counts.max():.4g}"
        )
    return tf.constant(counts)
