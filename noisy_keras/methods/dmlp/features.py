"""Frozen features in fixed batches, with the factorisation of each."""

import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.layout import placed
from noisy_keras.ops import ridge as ridge_ops
from noisy_keras.utils.errors import ConfigurationError

# Above this condition number, solutions in float32 lose their precision.
_WORST_CONDITION = 1e7
# Above this one, a matrix is singular in float64.
_SINGULAR = 1e13
_HIGHEST_RIDGE = 1.0


class FixedFeatures:
    """The features of one view in their batches, with a factor for each.

    Features in memory are copied once. Those of a file
    (`np.load(path, mmap_mode="r")`) are read at each visit.

    Args:
        features: float `[N, D]`, checked.
        layout: `Layout`.
        followers: float `[F, D]`, features of the followers.
        counted: bool `[N]`, samples that enter the regression.
        ridge: float, see `noisy_keras.ops.ridge.solve`; it is raised where
            batches need that, unless it is 0.

    Attributes:
        ridge: float, the ridge that is used.
        condition_number: float, the highest of all batches, with that ridge.
        weights: list of float32 `[b + q]`, one per batch: 1 for samples that
            enter the regression, else 0.
        whitening: list of float32 `[D, D]`, one per batch.

    Raises:
        ConfigurationError: features of deficient rank without a ridge.
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
        """Features of batch k: float32 `[b + q, D]`."""
        return self._read(k) if self._batches is None else self._batches[k]

    def _read(self, k):
        rows = [
            placed(self._features, self._layout.samples[k]),
            placed(self._followers, self._layout.followers[k]),
        ]
        return tf.constant(np.concatenate(rows).astype(np.float32))

    def _factor(self, ridge):
        """Factors all batches with one ridge, the least that suffices."""
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
                f"and condition number {_shown(bare)}; set ridge=1e-3"
            )
        if any(f.whitening is None for f in found):
            raise ConfigurationError(
                "Expected batches that a linear classifier can be fitted to. "
                f"Received: {size} samples with {width} features; all of them "
                "are left out or zero, or some are too large to be squared; "
                "use larger batches, or scale the features"
            )
        if ridge > wanted or (bare > _WORST_CONDITION and size):
            raised = f", raised from {wanted:g}" if ridge > wanted else ""
            warnings.warn(
                f"Batches of {size} samples with {width} features are "
                f"ill-conditioned: condition number {_shown(bare)} without a "
                f"ridge, {_shown(worst.condition)} with ridge={ridge:g}"
                f"{raised}."
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
    """The factor of a batch, and its condition.

    Attributes:
        whitening: float32 `[D, D]`, see `ridge.whitening`; None without one.
        condition: float, condition number with the ridge.
        bare_condition: float, likewise without it; infinite where the rank is
            deficient.
        needs_more: bool, whether a higher ridge is needed: the condition number
            is too high, or there are more effective parameters than half the
            samples.
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
        except tf.errors.InvalidArgumentError:  # It has no factor.
            return cls(None, np.inf, np.inf, True)
        highest, lowest, added, trace = map(float, numbers)
        if not np.isfinite(trace):
            return cls(None, np.inf, np.inf, True)
        condition = highest / lowest
        bare = (highest - added) / max(lowest - added, 1e-300)
        # Effective number of parameters, of D, under the ridge.
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
    # The trace of the inverse matrix.
    trace = tf.reduce_sum(tf.square(whitening))
    return whitening, highest, lowest, added, trace


def _shown(condition):
    return f"{condition:.1e}" if np.isfinite(condition) else "over 1e+13"
