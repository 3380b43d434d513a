"""Predictions for samples by classifiers that have not seen their labels.

Two kinds of classifiers work on features that were made without the labels:

- *Neighbours* vote for the class of a sample, each for its own label, the
  nearer the heavier. The sample itself has no vote.
- *A linear classifier* of least squares, trained on all samples but the one
  that it predicts. That takes one decomposition of the features, whatever the
  labels.

Both accept distributions as labels, and both take time in proportion to the
number of samples.
"""

import collections.abc
from typing import Any
from typing import Protocol

import numpy as np
import tensorflow as tf

from noisy_keras.ops import neighbors as ops

#: Reads features of the samples with these indices, float32 `[n, D]`.
Reader = collections.abc.Callable[[np.ndarray], Any]

#: How features are made comparable before neighbours are searched: columns of
#: mean 0 and standard deviation 1, of mean 0, or as they are.
SCALES = ("standardized", "centered", "plain")

# Penalties, relative to the mean eigenvalue, and factors of the scores.
_PENALTIES = np.geomspace(1e-4, 1.0, 5)
_FACTORS = np.exp(np.linspace(np.log(0.5), np.log(50.0), 25))
# More columns would take minutes to factor.
_MOST_COLUMNS = 4096
# Samples that are read at a time, and by which a penalty is chosen.
_CHUNK, _CHOSEN_BY = 1000, 5000
_TEMPERATURE = 0.2
# A sample that decides alone what is predicted for it has a leverage of 1.
_MOST_LEVERAGE = 1.0 - 1e-6
_TINY = 1e-12


class Evidence(Protocol):
    """Classifiers on features, which any labels can be given to."""

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """Predicts each sample from the labels of others.

        Args:
            targets: float `[N, K]`, label distributions.

        Returns:
            float32 `[N, K]`, predicted class probabilities.
        """


class Neighbors:
    """Votes of the nearest neighbours, by cosine similarity.

    Args:
        read: `Reader` of N samples.
        count: int, number of samples N.
        num_classes: int, number of classes K.
        scale: one of `SCALES`.
    """

    def __init__(
        self, read: Reader, count: int, num_classes: int, scale: str
    ) -> None:
        self.voters = ops.spread(count)
        most = len(self.voters) - 1
        neighbors = min(most, ops.usual_count(len(self.voters), num_classes))
        features = _float32(read(self.voters))
        mean, scales = _statistics(features)
        if scale == "plain":
            mean = np.zeros_like(mean)
        if scale != "standardized":
            scales = np.ones_like(scales)
        bank = tf.constant((features - mean) / scales)
        own = np.full(count, -1, np.int32)
        own[self.voters] = np.arange(len(self.voters))
        found = []
        for index in _chunks(count):
            queries = tf.constant((_float32(read(index)) - mean) / scales)
            weights, rows = ops.nearest(
                queries, bank, neighbors, _TEMPERATURE, tf.constant(own[index])
            )
            found.append((weights.numpy(), rows.numpy()))
        weights, rows = zip(*found, strict=True)
        self.weights, self.rows = np.concatenate(weights), np.concatenate(rows)

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """As of `Evidence`."""
        return _votes(self.weights, self.rows, targets[self.voters])

    def nearest(self, neighbors: int) -> "FewNeighbors":
        """Votes of fewer neighbours, without another search.

        Args:
            neighbors: int, their number.

        Returns:
            `FewNeighbors`.
        """
        return FewNeighbors(self, neighbors)

    @property
    def neighbors(self) -> int:
        """Number of neighbours that vote."""
        return int(self.rows.shape[1])


class FewNeighbors:
    """Votes of the nearest of some neighbours.

    Args:
        whole: `Neighbors`.
        neighbors: int, number of those that vote.
    """

    def __init__(self, whole: Neighbors, neighbors: int) -> None:
        self.whole, self.neighbors = whole, neighbors

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """As of `Evidence`."""
        weights = self.whole.weights[:, : self.neighbors]
        weights = weights / weights.sum(axis=1, keepdims=True)
        rows = self.whole.rows[:, : self.neighbors]
        return _votes(weights, rows, targets[self.whole.voters])


class Linear:
    """Least squares with a penalty, each sample by all others.

    What a classifier predicts that was trained without a sample follows from
    the one that was trained on all: with its prediction s, its label y and the
    leverage h of the sample, it is `(s - h y) / (1 - h)`. So the matrix of
    features is decomposed once, whatever the labels.

    The penalty and the factor that makes probabilities of the scores are those
    of the greatest likelihood of the labels.

    Args:
        read: `Reader` of N samples.
        count: int, number of samples N.
    """

    def __init__(self, read: Reader, count: int) -> None:
        self._read, self._count = read, count
        self._mean, self._scale = _statistics(_float32(read(ops.spread(count))))
        columns = len(self._mean) + 1
        moments = np.zeros((columns, columns))
        for index in _chunks(count):
            rows = self._rows(index)
            moments += rows.T @ rows
        values, self._vectors = np.linalg.eigh(moments)
        self._values = np.maximum(values, 0.0)

    @staticmethod
    def suits(read: Reader) -> bool:
        """Whether features have few enough columns.

        Args:
            read: `Reader`.

        Returns:
            bool.
        """
        return np.shape(read(np.zeros(1, np.int64)))[1] <= _MOST_COLUMNS

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """As of `Evidence`."""
        moments = np.zeros((len(self._values), targets.shape[1]))
        for index in _chunks(self._count):
            moments += self._rows(index).T @ targets[index]
        projected = self._vectors.T @ moments
        some = ops.spread(self._count, _CHOSEN_BY)
        best = (-np.inf, _PENALTIES[0], 1.0)
        for penalty in _PENALTIES:
            scores = self._scores(some, targets, projected, penalty)
            for factor in _FACTORS:
                log = np.log(np.maximum(softmax(scores * factor), _TINY))
                value = float((targets[some] * log).sum(axis=1).mean())
                if value > best[0]:
                    best = (value, penalty, factor)
        _, penalty, factor = best
        found = np.empty(targets.shape, np.float32)
        for index in _chunks(self._count):
            scores = self._scores(index, targets, projected, penalty)
            found[index] = softmax(scores * factor)
        return found

    def _rows(self, index):
        """Standardised features and a constant, float64 `[n, D + 1]`."""
        rows = (_float32(self._read(index)) - self._mean) / self._scale
        constant = np.ones((len(rows), 1))
        return np.concatenate([rows.astype(np.float64), constant], axis=1)

    def _scores(self, index, targets, projected, penalty):
        """Scores `[n, K]` by classifiers that were trained without a sample."""
        inverse = 1.0 / (self._values + penalty * self._values.mean())
        rows = self._rows(index) @ self._vectors
        scores = rows @ (projected * inverse[:, None])
        leverage = np.minimum(np.square(rows) @ inverse, _MOST_LEVERAGE)
        leverage = leverage[:, None]
        return (scores - leverage * targets[index]) / (1.0 - leverage)


def pooled(predictions: collections.abc.Sequence[np.ndarray]) -> np.ndarray:
    """Geometric mean of predictions.

    Args:
        predictions: float `[N, K]` arrays of probabilities, at least one.

    Returns:
        float32 `[N, K]`, probabilities.
    """
    if len(predictions) == 1:
        return predictions[0]
    logs = sum(np.log(np.maximum(p, 1e-6)) for p in predictions)
    return softmax(logs / len(predictions)).astype(np.float32)


def _votes(weights, rows, targets):
    """Shares of votes, and a single vote for all classes alike."""
    votes = np.concatenate(
        [
            np.einsum("nk,nkc->nc", weights[i], targets[rows[i]])
            for i in _chunks(len(rows))
        ]
    )
    neighbors, classes = rows.shape[1], votes.shape[1]
    votes = (votes * neighbors + 1.0 / classes) / (neighbors + 1.0)
    return votes.astype(np.float32)


def _statistics(features):
    mean, scale = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(scale < 1e-6, 1.0, scale)


def _float32(rows):
    return np.asarray(rows, np.float32)


def _chunks(count):
    for first in range(0, count, _CHUNK):
        yield np.arange(first, min(first + _CHUNK, count))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits.

    Args:
        logits: float `[N, K]`.

    Returns:
        float `[N, K]`, whose rows sum to 1.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
