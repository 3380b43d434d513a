"""The Gaussian mixture of DivideMix, SANM, C2D and AugDesc."""

from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.mixtures.mixture import TwoComponentMixture


class GaussianMixture(TwoComponentMixture):
    """Mixture of two Gaussian distributions.

    EM starts from two-means: centres at the minimum and the maximum and ten
    iterations of Lloyd's algorithm. Every M-step adds `variance_floor` to both
    variances, as `reg_covar` of scikit-learn does.

    Args:
        max_iterations: int >= 1, maximum number of EM iterations; 10 in
            DivideMix, 200 in C2D.
        tolerance: float, EM stops when the mean log-likelihood changes by less.
        variance_floor: float >= 0, added to the variances.

    After `fit`, the attributes `means`, `variances` and `weights` are float32
    arrays `[2]`, in ascending order of the means.

    Raises:
        ValueError: If `max_iterations` is below 1.

    Reference: Li et al., DivideMix, ICLR 2020, section 3.1. The default
    constants are those of `eval_train` in `Train_cifar.py` of
    https://github.com/LiJunnan1992/DivideMix.

    Example:
        >>> losses = np.array([0.1, 0.12, 0.11, 0.7, 0.72], np.float32)
        >>> GaussianMixture().fit(losses).clean_probability(losses).round(2)
        array([1., 1., 1., 0., 0.], dtype=float32)
    """

    def __init__(
        self,
        max_iterations: int = 10,
        tolerance: float = 1e-2,
        variance_floor: float = 5e-4,
    ) -> None:
        super().__init__(max_iterations, tolerance)
        self.variance_floor = variance_floor

    def _start(self, values: tf.Tensor, counts: tf.Tensor) -> tuple:
        # scikit-learn, which the published codes use, starts from k-means with
        # random centres. In one dimension the extremes need no random numbers.
        centres = tf.stack([tf.reduce_min(values), tf.reduce_max(values)])
        upper = tf.zeros_like(values)
        for _ in range(10):
            distance = tf.abs(values[:, None] - centres)
            upper = tf.cast(distance[:, 1] < distance[:, 0], values.dtype)
            members = tf.stack([1.0 - upper, upper], axis=1)
            members *= counts[:, None]
            count = tf.maximum(tf.reduce_sum(members, axis=0), 1.0)
            centres = tf.reduce_sum(members * values[:, None], axis=0) / count
        return self._update(members, values, None)

    def _update(
        self,
        responsibilities: tf.Tensor,
        values: tf.Tensor,
        parameters: tuple | None,
    ) -> tuple:
        del parameters  # The maximum has a closed form.
        # A small share of all values keeps an empty component at the common
        # mean instead of at 0, so that constant losses are seen as collapsed.
        trace = 10 * np.finfo(np.float32).eps
        total = tf.reduce_sum(responsibilities, axis=0) + trace
        value = values[:, None]
        sums = tf.reduce_sum(responsibilities * value, axis=0)
        mean = tf.reduce_sum(sums) / tf.reduce_sum(responsibilities)
        means = (sums + trace * mean) / total
        squares = responsibilities * tf.square(value - means)
        variances = tf.reduce_sum(squares, axis=0) / total
        return (
            total / tf.reduce_sum(total),
            (means, variances + self.variance_floor),
        )

    def _components(self, parameters: tuple) -> Any:
        # Imported here because the import takes a second and most programs
        # that import this package never fit a mixture.
        from tensorflow_probability import distributions

        means, variances = parameters
        return distributions.Normal(means, tf.sqrt(variances))

    def _publish(self, means: np.ndarray, variances: np.ndarray) -> None:
        del means  # The base class sets the means of both families.
        self.variances = variances
