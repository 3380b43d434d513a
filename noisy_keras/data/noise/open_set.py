"""Open-set noise: labels stay, images are replaced by foreign ones."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.confusion import FLOOR
from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


class OpenSetNoise:
    """Exactly `int(r N)` samples show images that belong to no class.

    Not a `LabelNoise`: `source.with_noise` has no foreign images to show.

    Source: Ortego et al., "Towards Robust Learning with Different Label Noise
    Distributions" (DRPL), ICPR 2020, out-of-distribution noise.

    Args:
        rate: r in `[0, 1)`, the share of images replaced.
        uniform: whether any foreign image may stand for any class. Each is
            then used once at most.
        matrix: for `uniform=False`: `[O, K]`, counts or probabilities; row =
            foreign class, column = label that it is mistaken for. 1e-5 is
            added to each. A label's image comes from a foreign class drawn
            from its column; each image of that class is used once before any
            is used again. Classes without images are never drawn.
        seed: of the generator.

    Example:
        >>> pictures = np.zeros((8, 8, 8, 3), np.uint8)
        >>> source = nk.data.from_arrays(pictures, np.arange(8) % 2)
        >>> foreign = nk.data.from_arrays(pictures + 255, np.arange(8) % 4)
        >>> noisy = nk.data.OpenSetNoise(0.5).apply_to(source, foreign)
        >>> int(noisy.foreign.sum()), int((noisy.true_labels == -1).sum())
        (4, 4)
    """

    name = "open_set"

    def __init__(self, rate, uniform=True, matrix=None, seed=0):
        self.rate = checks.rate(rate)
        self.seed = int(seed)
        self.uniform = bool(uniform)
        if self.uniform != (matrix is None):
            raise ConfigurationError(
                "Expected a `matrix` with uniform=False, and none without. "
                f"Received: uniform={uniform}, "
                + ("no matrix" if matrix is None else "a matrix")
            )
        self.matrix = None
        if matrix is not None:
            self.matrix = base.weights_matrix(matrix, square=False)
        self._totals = self._replaced = None

    def choose(self, labels, foreign, num_classes=None):
        """Chooses samples and the foreign images that they show.

        Args:
            labels: int `[N]`.
            foreign: int `[M]`, classes of the foreign images in `[0, O)`; for
                uniform noise M alone will do.
            num_classes: K; default: that of the matrix, or the highest label
                plus one.

        Returns:
            rows int64 `[n]`, distinct, and foreign positions int64 `[n]`;
            `n = int(r N)`.

        Raises:
            ValueError: labels that are no labels; too few foreign images; a
                matrix of another size.
        """
        if num_classes is None:
            num_classes = int(np.max(labels)) + 1
            if self.matrix is not None:
                num_classes = self.matrix.shape[1]
        labels = checks.labels(labels, num_classes)
        random = np.random.RandomState(self.seed)
        rows = base.exact_rows(self.rate, len(labels), random)
        if self.uniform:
            count = foreign if np.ndim(foreign) == 0 else len(foreign)
            index = _any(len(rows), int(count), random)
        else:
            index = self._confused(labels[rows], foreign, num_classes, random)
        self._totals = np.bincount(labels, minlength=num_classes)
        self._replaced = np.bincount(labels[rows], minlength=num_classes)
        return rows.astype(np.int64), index.astype(np.int64)

    def apply_to(self, source, foreign_source=None):
        """A new source some of whose samples show foreign images.

        Args:
            source: a `Source`.
            foreign_source: a `Source` of images of none of its classes, such
                as those that `source.of_classes` left out. They are brought
                to the size, channels and value range of `source`'s.

        Returns:
            A `Source`: labels and ids are `source`'s; rows that show foreign
            images are those of `foreign`, and their true label is -1.

        Raises:
            ValueError: as `choose`, or no foreign source.
        """
        if foreign_source is None:
            raise ConfigurationError(
                "Expected a `Source` of foreign images: call `apply_to("
                "source, foreign_source)`, not `source.with_noise`."
            )
        rows, index = self.choose(
            source.labels, foreign_source.labels, source.num_classes
        )
        return MixedSource(
            source, foreign_source, rows, index, noise=self.describe()
        )

    @property
    def transition(self):
        """`[K, K]`: the identity, as labels stay; rows of absent classes 0."""
        self._applied()
        return np.diag((self._totals > 0).astype(np.float64))

    @property
    def foreign_share(self):
        """Share of each label's samples that the last choice replaced, `[K]`.

        Those are wrong by definition.
        """
        self._applied()
        return self._replaced / np.maximum(self._totals, 1)

    @property
    def realized_rate(self):
        """Share of samples that the last choice replaced."""
        self._applied()
        return float(self._replaced.sum() / self._totals.sum())

    def describe(self):
        """The generator and what it did, as JSON can hold it."""
        return {
            "type": self.name,
            "rate": self.rate,
            "convention": "uniform" if self.uniform else "matrix",
            "seed": self.seed,
            "realized_rate": round(self.realized_rate, 6),
        }

    def _confused(self, labels, foreign, num_classes, random):
        """Foreign positions `[n]` for labels `[n]`, by the matrix."""
        if np.ndim(foreign) == 0:
            raise ConfigurationError(
                "Expected the classes of the foreign images, int [M], as "
                f"uniform=False needs them. Received: {foreign!r}"
            )
        if self.matrix.shape[1] != num_classes:
            raise ConfigurationError(
                f"Expected a `matrix` of shape [O, {num_classes}]. "
                f"Received: shape {self.matrix.shape}"
            )
        foreign = checks.labels(foreign, len(self.matrix), "foreign labels")
        weights = self.matrix + FLOOR
        weights[np.bincount(foreign, minlength=len(weights)) == 0] = 0.0
        wanted = base.drawn(weights.T, labels, random)
        index = np.empty(len(labels), np.int64)
        for c in np.unique(wanted):
            rows = np.flatnonzero(wanted == c)
            pool = np.flatnonzero(foreign == c)
            passes = -(-len(rows) // len(pool))
            order = [random.permutation(pool) for _ in range(passes)]
            index[rows] = np.concatenate(order)[: len(rows)]
        return index

    def _applied(self):
        if self._totals is None:
            raise ConfigurationError(
                "Expected noise that was applied: call `choose` or `apply_to` "
                "first."
            )


def _any(need, count, random):
    """Distinct positions among `count`."""
    if need > count:
        raise ConfigurationError(
            f"Expected at least {need} foreign images, one for each sample "
            f"replaced. Received: {count}; lower the rate, or take more"
        )
    return random.permutation(count)[:need]
