"""The base class of label-noise generators, and functions that they share."""

import collections.abc
from typing import Any

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike


class LabelNoise:
    """Base class of label-noise generators.

    Args:
        rate: float in `[0, 1)`, the nominal noise rate.
        seed: int, the seed of the generator.
        convention: str, one of the conventions that the subclass documents.
            Defaults to its first one.

    Raises:
        ValueError: the rate is out of range or the convention is unknown.
    """

    #: Name of the noise on the command line.
    name: str
    _conventions: dict[str, collections.abc.Callable[..., np.ndarray]]

    def __init__(
        self, rate: float, seed: int = 0, convention: str | None = None
    ) -> None:
        self.rate: float | None = checks.rate(rate)
        self.seed = int(seed)
        conventions = tuple(self._conventions)
        self.convention = convention or conventions[0]
        if self.convention not in conventions:
            raise ConfigurationError(
                f"Expected `convention` to be one of {conventions}. "
                f"Received: {convention!r}"
            )
        self._counts: np.ndarray | None = None

    def apply(
        self, labels: ArrayLike, num_classes: int | None = None
    ) -> np.ndarray:
        """Corrupts labels.

        Args:
            labels: int array `[N]`, the true labels.
            num_classes: int, number of classes K. Defaults to the highest
                label plus one.

        Returns:
            int32 array `[N]`, the noisy labels. The same seed gives the same
            labels on every machine.

        Raises:
            ValueError: `labels` are not integers in `[0, K)`.
        """
        return self._corrupted(labels, num_classes)

    def apply_to(self, source: Source, **given: Any) -> np.ndarray:
        """Corrupts the labels of a source; called by `Source.with_noise`.

        Args:
            source: `Source` whose labels are corrupted.
            **given: further arguments of `apply`.

        Returns:
            int32 array `[N]`, the noisy labels.

        Raises:
            ValueError: as in `apply`.
        """
        return self.apply(source.labels, source.num_classes, **given)

    @property
    def transition(self) -> np.ndarray:
        """Actual transition matrix of the last `apply`.

        float64 array `[K, K]`: the share of noisy labels (columns) for each
        true label (rows). Rows of absent classes are 0.
        """
        counts = self._applied()
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    @property
    def realized_rate(self) -> float:
        """Actual noise rate: the share of labels that `apply` changed last."""
        counts = self._applied()
        return float(1.0 - np.trace(counts) / counts.sum())

    def describe(self) -> dict[str, Any]:
        """Returns the generator's options and actual noise rate, for JSON."""
        return {
            "type": self.name,
            "rate": self.rate,
            "convention": self.convention,
            "seed": self.seed,
            "realized_rate": round(self.realized_rate, 6),
        }

    def _corrupted(self, labels, num_classes, *given):
        """Applies the convention to checked labels and counts the changes."""
        labels = np.asarray(labels)
        if num_classes is None:
            num_classes = int(labels.max()) + 1 if labels.size else 0
        labels = checks.labels(labels, num_classes)
        # The stream of the legacy generator never changes, unlike those of the
        # newer generators, so labels do not depend on NumPy's version.
        random = np.random.RandomState(self.seed)
        convention = self._conventions[self.convention]
        noisy = convention(self, labels, num_classes, random, *given)
        noisy = noisy.astype(np.int32)
        self._counts = np.zeros((num_classes, num_classes), np.int64)
        np.add.at(self._counts, (labels, noisy), 1)
        return noisy

    def _applied(self):
        if self._counts is None:
            raise ConfigurationError(
                "Expected noise that has been applied. Received: noise without "
                "labels; call `apply(labels)` first."
            )
        return self._counts


def exact_rows(
    rate: float, count: int, random: np.random.RandomState
) -> np.ndarray:
    """Chooses exactly `int(rate * count)` positions at random.

    Args:
        rate: float in `[0, 1]`, the share of positions.
        count: int, number of positions to choose from.
        random: `np.random.RandomState`.

    Returns:
        int array `[int(rate * count)]` of distinct positions.
    """
    return random.permutation(count)[: int(rate * count)]


def other_class(
    labels: np.ndarray, num_classes: int, random: np.random.RandomState
) -> np.ndarray:
    """Draws a class for each label, uniformly from the other classes.

    Args:
        labels: int array `[N]` in `[0, K)`.
        num_classes: int, number of classes K.
        random: `np.random.RandomState`.

    Returns:
        int array `[N]` in `[0, K)`.
    """
    shift = random.randint(1, num_classes, len(labels))
    return (labels + shift) % num_classes


def drawn(
    weights: np.ndarray, given: np.ndarray, random: np.random.RandomState
) -> np.ndarray:
    """Draws a column for each sample from the row of its class.

    Args:
        weights: float array `[K, M]`, non-negative. Rows need not sum to 1,
            but rows that are used must have a positive sum.
        given: int array `[N]` in `[0, K)`, the row of each sample.
        random: `np.random.RandomState`, from which one uniform number per
            sample is drawn.

    Returns:
        int array `[N]` in `[0, M)`. Columns of weight 0 are never drawn.
    """
    chance = random.uniform(size=len(given))
    columns = np.zeros(len(given), np.int64)
    for c in np.unique(given):
        total = np.cumsum(weights[c])
        members = np.flatnonzero(given == c)
        columns[members] = np.searchsorted(
            total / total[-1], chance[members], side="right"
        )
    return columns


def weights_matrix(
    values: ArrayLike, square: bool, what: str = "matrix"
) -> np.ndarray:
    """Checks a matrix of counts or probabilities.

    Args:
        values: array-like `[M, K]`.
        square: bool, whether M has to equal K.
        what: str, name of the argument, for error messages.

    Returns:
        float64 array `[M, K]`.

    Raises:
        ValueError: the matrix has another shape, or entries that are negative
            or not finite.
    """
    matrix = np.asarray(values, np.float64)
    shape = "[K, K]" if square else "[O, K]"
    good = matrix.ndim == 2 and matrix.size > 0
    if not good or (square and matrix.shape[0] != matrix.shape[1]):
        raise ConfigurationError(
            f"Expected `{what}` of shape {shape}. "
            f"Received: shape {matrix.shape}"
        )
    if not np.isfinite(matrix).all() or matrix.min() < 0.0:
        raise ConfigurationError(
            f"Expected `{what}` of counts or probabilities, finite and not "
            f"negative. Received: values between {matrix.min()} and "
            f"{matrix.max()}"
        )
    return matrix
