"""The Gaussian mixture of DivideMix, SANM, C2D and AugDesc."""

import numpy as np
import tensorflow as tf

from noisy_keras.mixtures.mixture import TwoComponentMixture


class GaussianMixture(TwoComponentMixture):
    """Two Gaussians on the line.

    Starts from two-means (centres at the extremes, ten Lloyd rounds). Every
    M-step adds `variance_floor` to both variances, as scikit-learn's
    `reg_covar` does.

    Args:
        max_iterations: EM rounds at most; 10 in DivideMix, 200 in C2D.
        tolerance: stops when the mean log-likelihood moves less.
        variance_floor: added to the variances.

    After `fit`: `means`, `variances`, `weights`, all float32 `[2]`.

    Reference: Li et al., DivideMix, ICLR 2020, section 3.1; the constants are
    its code's.

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
    ):
        super().__init__(max_iterations, tolerance)
        self.variance_floor = variance_floor

    def _start(self, values, counts):
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

    def _update(self, responsibilities, values, parameters):
        del parameters  # The maximum has a closed form.
        # A trace of the whole set keeps an empty component at the common mean,
        # so that constant losses show as collapsed, not as one part at zero.
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

    def _components(self, parameters):
        # Imported here: it takes a second, and most imports of the package
        # never fit a mixture.
        from tensorflow_probability import distributions

        means, variances = parameters
        return distributions.Normal(means, tf.sqrt(variances))

    def _publish(self, means, variances):
        del means  # Published for both families by the base class.
        self.variances = variances
