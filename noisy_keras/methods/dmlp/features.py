"""Frozen features in fixed batches, with a matrix factor for each batch."""

import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.layout import placed
from noisy_keras.ops import ridge as ridge_ops
from noisy_keras.utils.errors import ConfigurationError

# Condition number above which solutions in float32 are inaccurate.
_WORST_CONDITION = 1e7
# Condition number above which a float64 matrix counts as singular.
_SINGULAR = 1e13
_HIGHEST_RIDGE = 1.0


class FixedFeatures:
    """The features of one view in fixed batches, with a factor for each.

    Features in memory are copied batch by batch. Memory-mapped features
    (`np.load(path, mmap_mode="r")`) are read at each visit.

    Args:
        features: float `[N, D]`, checked features of the training samples.
        layout: `Layout`, the assignment of samples to batches.
        followers: float `[F, D]`, features of the followers.
        counted: bool `[N]`, samples that enter the regression.
        ridge: float >= 0, relative ridge, see `noisy_keras.ops.ridge.solve`. A
            positive ridge is raised where batches need it. The released code
            has none.

    Attributes:
        ridge: float, the relative ridge that was used.
        condition_number: float, highest condition number of a batch with that
            ridge.
        weights: list of float32 tensors `[b + q]`, one per batch: 1 for samples
            that enter the regression, 0 for others.
        whitening: list of float32 tensors `[D, D]`, one per batch, see
            `noisy_keras.ops.ridge.whitening`.

    Raises:
        ValueError: If there is no ridge, and the features of a batch do not
            have full rank; or if a batch cannot be factored with any ridge.
    """

    def __init__(self, features, layout, followers, counted, ridge):
        self._features = features
        self._layout = layout
        self._followers = followers
        nobody = np.zeros(len(followers), np.float32)
        self.weights = [
            tf.constant(w)
            for w in layout.spread(counted.astype(np.float32), nobody)
        ]
        self._batches = None
        if not isinstance(features, np.memmap):
            self._batches = list(map(self._read, range(len(self))))
        self._factor(ridge)

    def __len__(self):
        return len(self._layout.samples)

    def batch(self, k):
        """The features of a batch.

        Args:
            k: int, number of the batch.

        Returns:
            float32 tensor `[b + q, D]`.
        """
        return self._read(k) if self._batches is None else self._batches[k]

    def _read(self, k):
        rows = [
            placed(self._features, self._layout.samples[k]),
            placed(self._followers, self._layout.followers[k]),
        ]
        return tf.constant(np.concatenate(rows).astype(np.float32))

    def _factor(self, ridge):
        """Factors all batches with the smallest ridge that suits them all."""
        size = self._layout.samples.shape[1]
        width = self._features.shape[1]
        wanted, k, found = ridge, 0, []
        while k < len(self):
            factor = _Factor.of(self.batch(k), self.weights[k], ridge)
            if ridge and ridge < _HIGHEST_RIDGE and factor.needs_more:
                ridge, k, found = min(10 * ridge, _HIGHEST_RIDGE), 0, []
                continue
            found.append(factor)
            k += 1
        worst = max(found, key=lambda f: f.condition)
        bare = max(f.bare_condition for f in found)
        if not ridge and bare > _SINGULAR:
            raise ConfigurationError(
                "Expected features of full rank where there is no ridge. "
                f"Received: batches of {size} samples with {width} features "
                f"and condition number {_text(bare)}; set ridge=1e-3"
            )
        if any(f.whitening is None for f in found):
            raise ConfigurationError(
                "Expected batches that a linear classifier can be fitted to. "
                f"Received: {size} samples with {width} features of which none "
                "counts, all are zero, or some are too large to be squared; "
                "use larger batches, or scale the features"
            )
        if ridge > wanted or (bare > _WORST_CONDITION and size):
            raised = f", raised from {wanted:g}" if ridge > wanted else ""
            warnings.warn(
                f"Batches of {size} samples with {width} features are "
                f"ill-conditioned: condition number {_text(bare)} without a "
                f"ridge, {_text(worst.condition)} with ridge={ridge:g}{raised}."
                + (
                    " Larger batches, or fewer features, need less."
                    if ridge > wanted
                    else ""
                ),
                stacklevel=6,
            )
        self.ridge = ridge
        self.condition_number = worst.condition
        self.whitening = [f.whitening for f in found]


class _Factor(NamedTuple):
    """The factor of a batch and its numerical condition.

    Attributes:
        whitening: float32 `[D, D]`, see `ridge.whitening`; None if the matrix
            cannot be factored.
        condition: float, condition number with the ridge.
        bare_condition: float, condition number without it; infinite if the rank
            is deficient.
        needs_more: bool, whether a higher ridge is needed: the matrix is
            ill-conditioned, or there are more effective parameters than half
            the samples, so that the classifier fits label noise.
    """

    whitening: tf.Tensor
    condition: float
    bare_condition: float
    needs_more: bool

    @classmethod
    def of(cls, features, weight, ridge):
        features = features * weight[:, None]
        try:
            whitening, *numbers = _factored(
                features, tf.constant(ridge, tf.float64)
            )
        except tf.errors.InvalidArgumentError:  # Not positive definite.
            return cls(None, np.inf, np.inf, True)
        highest, lowest, added, trace = map(float, numbers)
        if not np.isfinite(trace):
            return cls(None, np.inf, np.inf, True)
        condition = highest / lowest
        bare = (highest - added) / max(lowest - added, 1e-300)
        # Effective number of parameters of a ridge regression.
        effective = features.shape[1] - added * trace
        enough = effective <= 0.5 * float(tf.reduce_sum(weight))
        return cls(
            tf.cast(whitening, tf.float32),
            condition,
            bare if bare < _SINGULAR else np.inf,
            condition > _WORST_CONDITION or not enough,
        )


@tf.function(autograph=False)
def _factored(features, ridge):
    matrix = ridge_ops.gram(features, ridge)
    whitening = ridge_ops.whitening(matrix)
    highest, lowest = ridge_ops.extreme_eigenvalues(matrix, whitening)
    added = ridge_ops.absolute_ridge(features, ridge)
    # Trace of the inverse matrix.
    trace = tf.reduce_sum(tf.square(whitening))
    return whitening, highest, lowest, added, trace


def _text(condition):
    return f"{condition:.1e}" if np.isfinite(condition) else "over 1e+13"
