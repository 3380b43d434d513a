"""What label-noise generators share."""

import numpy as np

from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


class LabelNoise:
    """What generators share: the seed, the record of what was done.

    After `apply`: `transition` float64 `[K, K]`, row = label before, column =
    label after, rows of absent classes 0; `realized_rate`, the share of labels
    that changed.
    """

    #: The name on the command line.
    name: str

    def __init__(self, rate, seed=0, convention=None):
        self.rate = checks.rate(rate)
        self.seed = int(seed)
        conventions = tuple(self._conventions)
        self.convention = convention or conventions[0]
        if self.convention not in conventions:
            raise ConfigurationError(
                f"Expected `convention` to be one of {conventions}. "
                f"Received: {convention!r}"
            )
        self._counts = None

    def apply(self, labels, num_classes=None):
        """Corrupts labels.

        Args:
            labels: int `[N]`.
            num_classes: K; default: the highest label plus one.

        Returns:
            int32 `[N]`. The same seed gives the same labels anywhere.

        Raises:
            ValueError: labels that are no labels.
        """
        return self._corrupted(labels, num_classes)

    def apply_to(self, source, **given):
        """Corrupts the labels of a source; `Source.with_noise` calls it.

        Args:
            source: a `Source`.
            **given: what `apply` takes beside labels and K.

        Returns:
            int32 `[N]`.

        Raises:
            ValueError: as `apply`.
        """
        return self.apply(source.labels, source.num_classes, **given)

    @property
    def transition(self):
        """Realised transition matrix `[K, K]` of the last `apply`."""
        counts = self._applied()
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    @property
    def realized_rate(self):
        """Share of labels that the last `apply` changed."""
        counts = self._applied()
        return float(1.0 - np.trace(counts) / counts.sum())

    def describe(self):
        """The generator and what it did, as JSON can hold it."""
        return {
            "type": self.name,
            "rate": self.rate,
            "convention": self.convention,
            "seed": self.seed,
            "realized_rate": round(self.realized_rate, 6),
        }

    def _corrupted(self, labels, num_classes, *given):
        """Runs the convention on checked labels and records what it did."""
        labels = np.asarray(labels)
        if num_classes is None:
            num_classes = int(labels.max()) + 1 if labels.size else 0
        labels = checks.labels(labels, num_classes)
        # The legacy generator's stream is frozen for ever, unlike the newer
        # ones', so labels stay the same over NumPy versions.
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
                "Expected noise that was applied: call `apply(labels)` first."
            )
        return self._counts


def exact_rows(rate, count, random):
    """Exactly `int(rate * count)` positions at random."""
    return random.permutation(count)[: int(rate * count)]


def other_class(labels, num_classes, random):
    """A class per label, uniform over the others."""
    shift = random.randint(1, num_classes, len(labels))
    return (labels + shift) % num_classes


def drawn(weights, given, random):
    """Draws a column for each sample from its class's row.

    Args:
        weights: float `[K, M]`, non-negative; rows need not sum to 1, but hold
            something where they are used.
        given: int `[N]` in `[0, K)`, rows to draw from.
        random: `np.random.RandomState`; gives one uniform number per sample.

    Returns:
        int `[N]` in `[0, M)`. A column of weight 0 is never drawn.
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


def weights_matrix(values, square, what="matrix"):
    """Checks a matrix of counts or probabilities.

    Args:
        values: array-like `[M, K]`.
        square: whether M has to be K.
        what: name of the argument.

    Returns:
        float64 `[M, K]`.

    Raises:
        ValueError: another shape, or negative or infinite entries.
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
