"""What the two mixtures share: checking, the EM loop, the posterior."""

import numpy as np
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError


class TwoComponentMixture:
    """A mixture of two components of one family, fitted by EM.

    A subclass gives the family: where to start, the M-step and the
    distribution of given parameters. Computations run in float64 on the host,
    because sums over a million float32 losses lose digits; what comes out is
    float32.

    After `fit`: `weights` float32 `[2]`, `means` float32 `[2]` (ascending, so
    component 0 is the one of lower mean) and `iterations`, the rounds run.
    """

    def __init__(self, max_iterations: int, tolerance: float | None):
        if max_iterations < 1:
            raise ConfigurationError(
                "Expected `max_iterations` of at least 1. "
                f"Received: max_iterations={max_iterations}"
            )
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self._fitted = None

    def fit(self, values, sample_weight=None):
        """Fits the mixture.

        Args:
            values: `[N]`, N >= 2, finite.
            sample_weight: `[N]`, at least 0, or None for 1 each.

        Returns:
            self.

        Raises:
            ValueError: `values` are not finite, too few or of another rank;
                weights of another length, negative, or all 0.
        """
        values = self._prepare(values)
        counts = _as_counts(sample_weight, len(values))
        with tf.device("CPU"):
            weights, parameters, iterations = self._run(values, counts)
        self.keep(weights, parameters)
        self.iterations = int(iterations)
        return self

    def estimate(self, values, counts):
        """The EM loop alone, as tensors: traceable, and XLA compiles it.

        Args:
            values: float64 `[N]`, as the family wants them.
            counts: float64 `[N]`, how often each is there.

        Returns:
            weights `[2]`, parameters (a tuple of `[2]`), both in ascending
            order of the means, and the rounds run.
        """
        values, counts = self._condensed(values, counts)
        weights, parameters = self._start(values, counts)
        likelihood = tf.constant(-np.inf, tf.float64)
        iterations = tf.constant(0)
        moving = tf.constant(True)
        while moving and iterations < self.max_iterations:
            joint = self._joint(values, weights, parameters)
            weights, parameters = self._update(
                self._responsibilities(joint) * counts[:, None],
                values,
                parameters,
            )
            if self.tolerance is not None:
                # The rule of the published implementation (scikit-learn's):
                # stop after the round whose mean log-likelihood moved little.
                each = tf.reduce_logsumexp(joint, axis=-1)
                new = tf.reduce_sum(each * counts) / tf.reduce_sum(counts)
                moving = tf.abs(new - likelihood) >= self.tolerance
                likelihood = new
            iterations += 1
        order = tf.argsort(self.component_means(parameters), stable=True)
        return (
            tf.gather(weights, order),
            tuple(tf.gather(p, order) for p in parameters),
            iterations,
        )

    def keep(self, weights, parameters):
        """Takes what `estimate` found as the fit.

        Args:
            weights: `[2]`.
            parameters: tuple of `[2]`.
        """
        self._fitted = weights, tuple(parameters)
        self.weights = weights.numpy().astype(np.float32)
        means = self.component_means(parameters)
        self.means = means.numpy().astype(np.float32)
        self._publish(*(p.numpy().astype(np.float32) for p in parameters))

    def posterior(self, values):
        """The probability of each component given a value.

        Args:
            values: `[N]`.

        Returns:
            float32 `[N, 2]`, rows summing to 1: an array, or, inside a
            `tf.function`, a tensor.
        """
        if self._fitted is None:
            raise ConfigurationError(
                "Expected a fitted mixture: call `fit` first."
            )
        if tf.is_symbolic_tensor(values):
            # The graph runs where its caller wants, and cannot be checked.
            values = tf.cast(values, tf.float64)
            joint = self._joint(values, *self._fitted)
            return tf.cast(tf.nn.softmax(joint, axis=-1), tf.float32)
        values = self._prepare(values, minimum=0)
        with tf.device("CPU"):
            joint = self._joint(values, *self._fitted)
            return tf.nn.softmax(joint, axis=-1).numpy().astype(np.float32)

    def upper(self, weights, parameters, values):
        """The posterior of the second component, from what `estimate` found.

        Args:
            weights: float64 `[2]`.
            parameters: tuple of float64 `[2]`.
            values: float64 `[N]`.

        Returns:
            float64 `[N]` in `[0, 1]`, a tensor.
        """
        joint = self._joint(values, weights, parameters)
        return tf.nn.softmax(joint, axis=-1)[:, 1]

    def clean_probability(self, values):
        """The probability of the component of lower mean.

        Args:
            values: `[N]`, losses.

        Returns:
            float32 `[N]` in `[0, 1]`.
        """
        return self.posterior(values)[:, 0]

    @property
    def collapsed(self) -> bool:
        """Whether the two means coincide, so that the posterior says nothing.

        Losses that are all alike (an untrained network, or one that has
        learnt every label by heart) end here.
        """
        return bool(self.means[1] - self.means[0] < 1e-3)

    # What a family defines.

    def _start(self, values, counts):
        """Weights `[2]` and parameters (a tuple of `[2]`) before round one."""
        raise NotImplementedError  # pragma: no cover

    def _update(self, responsibilities, values, parameters):
        """M-step: weights and parameters from responsibilities `[N, 2]`,

        which are already multiplied by the counts.
        """
        raise NotImplementedError  # pragma: no cover

    def _components(self, parameters):
        """The TFP distribution of batch shape `[2]`."""
        raise NotImplementedError  # pragma: no cover

    def _publish(self, *parameters):
        """Sets the family's own public attributes."""
        raise NotImplementedError  # pragma: no cover

    def _responsibilities(self, joint):
        """E-step: `[N, 2]` from the log of weight times density."""
        return tf.nn.softmax(joint, axis=-1)

    # What is common.

    def component_means(self, parameters):
        """Means `[2]` of the components of given parameters."""
        return self._components(parameters).mean()

    def _condensed(self, values, counts):
        """Values and counts that stand for all, where fewer will do."""
        return values, counts

    def _joint(self, values, weights, parameters):
        density = self._components(parameters).log_prob(values[:, None])
        return density + tf.math.log(weights)

    @tf.function(reduce_retracing=True)
    def _run(self, values, counts):
        return self.estimate(values, counts)

    def _prepare(self, values, minimum=2):
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
        broken = int(np.sum(~np.isfinite(values)))
        if broken:
            raise ConfigurationError(
                f"Expected finite values. Received: {broken} of {len(values)} "
                "are NaN or infinite; drop or clip them first."
            )
        return tf.constant(values)


def _as_counts(sample_weight, count):
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
