"""Open-set noise: foreign images replace images, labels stay unchanged."""

from typing import Any

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.confusion import FLOOR
from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike


class OpenSetNoise:
    """Replaces `int(r N)` images by images that belong to none of the classes.

    It is not a `LabelNoise`, because `source.with_noise` cannot provide
    foreign images: use `apply_to(source, foreign_source)`.

    Reference: Ortego et al., "Towards Robust Learning with Different Label
    Noise Distributions" (DRPL), ICPR 2020: out-of-distribution noise, as in
    https://github.com/DiegoOrtego/LabelNoiseDRPL,
    `ImageNet32_64/dataset/ImageNet32_64_dataset.py`. Differs from the authors'
    code: non-uniform noise uses images of a foreign class again once all of
    them have been used.

    Args:
        rate: float in `[0, 1)`, the noise rate r: the share of images to
            replace.
        uniform: bool, whether every foreign image may appear with every label.
            Each foreign image is then used at most once.
        matrix: float array `[O, K]`, required for `uniform=False`: counts or
            probabilities with which a foreign class (row) is taken for a label
            (column). 1e-5 is added to each entry. The foreign class is drawn
            from the column of the label; each image of that class is used once
            before any image is used again. Classes without images are never
            drawn.
        seed: int, the seed of the generator.

    Raises:
        ValueError: the rate is out of range, or the matrix is invalid, missing
            or not needed.

    Example:
        >>> pictures = np.zeros((8, 8, 8, 3), np.uint8)
        >>> source = nk.data.from_arrays(pictures, np.arange(8) % 2)
        >>> foreign = nk.data.from_arrays(pictures + 255, np.arange(8) % 4)
        >>> noisy = nk.data.OpenSetNoise(0.5).apply_to(source, foreign)
        >>> int(noisy.foreign.sum()), int((noisy.true_labels == -1).sum())
        (4, 4)
    """

    name = "open_set"

    def __init__(
        self,
        rate: float,
        uniform: bool = True,
        matrix: ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        self.rate = checks.rate(rate)
        self.seed = int(seed)
        self.uniform = bool(uniform)
        if self.uniform != (matrix is None):
            raise ConfigurationError(
                "Expected a `matrix` if and only if uniform=False. "
                f"Received: uniform={uniform}, "
                + ("no matrix" if matrix is None else "a matrix")
            )
        self.matrix: np.ndarray | None = None
        if matrix is not None:
            self.matrix = base.weights_matrix(matrix, square=False)
        self._totals: np.ndarray | None = None
        self._replaced: np.ndarray | None = None

    def choose(
        self,
        labels: ArrayLike,
        foreign: ArrayLike,
        num_classes: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Chooses the samples to replace and their foreign images.

        Args:
            labels: int array `[N]`, the labels of the samples.
            foreign: int array `[M]` in `[0, O)`, the classes of the foreign
                images. Uniform noise also accepts the number M.
            num_classes: int, number of classes K. Defaults to that of the
                matrix, or to the highest label plus one.

        Returns:
            A pair of int64 arrays `[int(r N)]`: distinct positions of the
            samples to replace, and positions of their foreign images.

        Raises:
            ValueError: labels are out of range, there are too few foreign
                images, or the matrix has another size.
        """
        if num_classes is None:
            num_classes = int(np.max(labels)) + 1
            if self.matrix is not None:
                num_classes = self.matrix.shape[1]
        labels = checks.labels(labels, num_classes)
        random = np.random.RandomState(self.seed)
        rows = base.exact_rows(self.rate, len(labels), random)
        if self.uniform:
            classes = np.asarray(foreign)
            count = int(classes) if classes.ndim == 0 else len(classes)
            index = _distinct(len(rows), count, random)
        else:
            index = self._confused(labels[rows], foreign, num_classes, random)
        self._totals = np.bincount(labels, minlength=num_classes)
        self._replaced = np.bincount(labels[rows], minlength=num_classes)
        return rows.astype(np.int64), index.astype(np.int64)

    def apply_to(
        self, source: Source, foreign_source: Source | None = None
    ) -> MixedSource:
        """Makes a new source in which foreign images replace some images.

        Args:
            source: `Source` of the samples.
            foreign_source: `Source` of images of none of its classes, for
                example the one that `source.of_classes` leaves out. They are
                converted to the size, channels and value range of `source`.

        Returns:
            A `Source` with the labels and ids of `source`. Its attribute
            `foreign` marks the replaced samples, whose true label is -1.

        Raises:
            ValueError: as in `choose`, or there is no foreign source.
        """
        if foreign_source is None:
            raise ConfigurationError(
                "Expected a `Source` of foreign images. Received: None; call "
                "`apply_to(source, foreign_source)` instead of "
                "`source.with_noise`."
            )
        rows, index = self.choose(
            source.labels, foreign_source.labels, source.num_classes
        )
        return MixedSource(
            source, foreign_source, rows, index, noise=self.describe()
        )

    @property
    def transition(self) -> np.ndarray:
        """Actual transition matrix `[K, K]` of the last choice.

        It is the identity, because labels do not change; rows of absent
        classes are 0.
        """
        totals, _ = self._applied()
        return np.diag((totals > 0).astype(np.float64))

    @property
    def foreign_share(self) -> np.ndarray:
        """Share of each label's samples that were replaced last, `[K]`.

        The labels of these samples are wrong by definition.
        """
        totals, replaced = self._applied()
        return replaced / np.maximum(totals, 1)

    @property
    def realized_rate(self) -> float:
        """Actual noise rate: the share of samples that were replaced last."""
        totals, replaced = self._applied()
        return float(replaced.sum() / totals.sum())

    def describe(self) -> dict[str, Any]:
        """Returns the generator's options and actual noise rate, for JSON."""
        return {
            "type": self.name,
            "rate": self.rate,
            "convention": "uniform" if self.uniform else "matrix",
            "seed": self.seed,
            "realized_rate": round(self.realized_rate, 6),
        }

    def _confused(self, labels, foreign, num_classes, random):
        """Draws foreign positions `[n]` for labels `[n]` from the matrix."""
        if np.ndim(foreign) == 0:
            raise ConfigurationError(
                "Expected the classes of the foreign images, int [M], which "
                f"uniform=False requires. Received: {foreign!r}"
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
                "Expected noise that has been applied. Received: noise without "
                "labels; call `choose` or `apply_to` first."
            )
        return self._totals, self._replaced


def _distinct(need, count, random):
    """Draws `need` distinct positions in `[0, count)`."""
    if need > count:
        raise ConfigurationError(
            f"Expected at least {need} foreign images, one for each sample to "
            f"replace. Received: {count}; lower the rate, or provide more"
        )
    return random.permutation(count)[:need]
