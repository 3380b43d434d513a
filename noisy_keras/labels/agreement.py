"""Judging labels by their neighbours: agreement, beside or instead of losses.

A loss says how well the network predicts a label. Where a class is mistaken
for a similar one, or features are fixed and the classifier is simple, losses of
right and wrong labels overlap, and no mixture can separate them. The labels of
the samples around say something else: whether the given label is the most
frequent one there.

Agreement becomes a probability directly (`ops.neighbors.agreement`), and not by
a mixture of two components as losses do. A mixture of shares of votes finds
the two most different kinds of *classes*: with 40 % asymmetric noise, classes
without any noise have shares near 1, and those with noise 0.6 for right labels
and 0.4 for wrong ones. On scikit-learn's digits with such noise, 56 to 65 % of
the labels were on the right side by a mixture, and 84 to 92 % by the posterior;
with symmetric noise of 20, 50 and 80 % both were within 3 points.

The features are standardised by column, so that tables can be compared as
well as embeddings. With a temperature of 0.2 the weights of the votes were
right on both: on the digits, on wine and on breast cancer of scikit-learn, the
area under the ROC curve was within 0.01 of the best of 0.07, 0.2 and 1, or
above, with one exception of 0.02 (wine, 80 % noise).

Reference: the votes are those of Wu et al., CVPR 2018; Zhu et al., Detecting
Corrupted Labels Without Training a Model to Predict, ICML 2022, detect wrong
labels by local votes. The probability is our own.
"""

import collections.abc
import weakref
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.sources.source import Source
from noisy_keras.labels import class_sizes
from noisy_keras.labels import measuring
from noisy_keras.ops import neighbors as ops
from noisy_keras.utils.errors import ConfigurationError

#: What a division can be based on, beside the losses.
AGREEMENT, BOTH = "agreement", "both"

_TEMPERATURE = 0.2
# Samples whose neighbours are searched at a time.
_CHUNK = 500
# No evidence is more certain than this of a label where two are combined.
_EDGE = 0.01

# Features of a source and its labels never change: one search is enough.
_found: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def by_neighbors(
    features: np.ndarray | collections.abc.Callable[[np.ndarray], Any],
    labels: np.ndarray,
    num_classes: int,
    neighbors: int | None = None,
    scale: tuple[Any, Any] | None = None,
    most: int = ops.MOST,
) -> np.ndarray:
    """The probability that each label is the most frequent one around it.

    Features are read in chunks, so that memory grows with N only for the
    result. In rare classes a bounded share is below a half, see
    `noisy_keras.labels.class_sizes`.

    Args:
        features: float array `[N, D]`; or a function from positions `[n]` to
            float `[n, D]`.
        labels: int `[N]`, the given labels, in `[0, K)`.
        num_classes: int, number of classes K.
        neighbors: int, number of neighbours k; None takes 50, or half of the
            mean class size if that is less.
        scale: pair of arrays `[D]`, mean and standard deviation of each
            column; None takes those of the samples that vote.
        most: int, largest number of samples that vote, evenly spread.

    Returns:
        float32 `[N]` in `[0, 1]`.

    Raises:
        ConfigurationError: fewer than one neighbour, or not fewer than the
            samples that vote.

    Example:
        >>> features = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
        >>> labels = np.array([0, 0, 1, 1, 1, 1])
        >>> by_neighbors(features, labels, 2, neighbors=2).round(1)
        array([0.5, 0.5, 0.1, 0.9, 0.9, 0.9], dtype=float32)
    """
    labels = np.asarray(labels)
    count = len(labels)
    read = features if callable(features) else features.__getitem__
    voters = ops.spread(count, most)
    if neighbors is None:
        neighbors = min(ops.usual_count(len(voters), num_classes), count - 1)
    if not 1 <= neighbors < len(voters):
        raise ConfigurationError(
            "Expected at least 1 neighbour and fewer than the number of "
            f"samples that vote, {len(voters)}. "
            f"Received: neighbors={neighbors}"
        )
    bank = np.asarray(read(voters), np.float32)
    mean, deviation = scale or (bank.mean(axis=0), bank.std(axis=0))
    deviation = np.where(np.asarray(deviation) > 0.0, deviation, 1.0)

    def standardized(rows):
        rows = (np.asarray(rows, np.float32) - mean) / deviation
        return tf.constant(rows.astype(np.float32))

    with tf.device("CPU"):
        voted = tf.constant(labels[voters], tf.int32)
        own = np.full(count, -1, np.int32)
        own[voters] = np.arange(len(voters))
        bank = standardized(bank)
        found = [
            _agreement(
                standardized(read(rows)),
                bank,
                voted,
                tf.constant(labels[rows], tf.int32),
                tf.constant(own[rows]),
                neighbors,
                num_classes,
            ).numpy()
            for rows in np.split(
                np.arange(count), np.arange(_CHUNK, count, _CHUNK)
            )
        ]
    return class_sizes.within_bounds(np.concatenate(found), labels)


@tf.function(reduce_retracing=True)
def _agreement(queries, bank, voted, labels, own, neighbors, num_classes):
    weights, rows = ops.nearest(queries, bank, neighbors, _TEMPERATURE, own)
    return ops.agreement(weights, tf.gather(voted, rows), labels, num_classes)


def of_source(source: Source) -> np.ndarray:
    """The agreement of the labels of a source of features, in their space.

    Args:
        source: `Source` of vectors.

    Returns:
        float32 `[N]` in `[0, 1]`.
    """
    if source not in _found:
        _found[source] = by_neighbors(
            lambda index: source.fetch(index).numpy(),
            source.labels,
            source.num_classes,
            scale=(source.pixel_mean, source.pixel_std),
        )
    return _found[source]


def has_features(source: Source) -> bool:
    """Whether the samples of a source are vectors of features."""
    return len(source.image_shape) == 1


def is_wanted(model: Any) -> bool:
    """Whether a model's division is based on agreement, also in part."""
    return getattr(model, "division", None) in (AGREEMENT, BOTH)


def needs_embeddings(model: Any, source: Source) -> bool:
    """Whether that takes the embeddings of the model's networks."""
    return is_wanted(model) and not has_features(source)


def divided(
    model: Any,
    source: Source,
    by_loss: np.ndarray,
    embeddings: collections.abc.Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Clean probabilities by what the model's division is based on.

    Args:
        model: `NoisyLabelModel`; its attribute `division`, if any, decides.
        source: `Source` of N samples in training.
        by_loss: float `[N, M]` in `[0, 1]`, by the losses of M networks.
        embeddings: M arrays `[N, E]`, see `Measurement`; measured where they
            are missing and needed. Neighbours of a source of features are
            those in the space of the features.

    Returns:
        float32 `[N, M]` in `[0, 1]`.
    """
    if not is_wanted(model):
        return by_loss
    if has_features(source):
        agreed = np.repeat(of_source(source)[:, None], by_loss.shape[1], 1)
    else:
        if not embeddings:
            embeddings = measuring.measure(model, source, embed=True).embeddings
        columns = [
            by_neighbors(e, source.labels, source.num_classes)
            for e in embeddings
        ]
        agreed = np.stack(columns, axis=1)
    return agreed if model.division == AGREEMENT else combined(by_loss, agreed)


def revised(model: Any, source: Source, clean: np.ndarray) -> np.ndarray:
    """As `divided`, of one judgement by other evidence than the last losses.

    Args:
        model: `NoisyLabelModel`.
        source: `Source` in training.
        clean: float `[N]` in `[0, 1]`, the judgement.

    Returns:
        float32 `[N]` in `[0, 1]`.
    """
    if not is_wanted(model):
        return clean
    columns = np.repeat(clean[:, None], len(model.predictors), axis=1)
    return divided(model, source, columns).mean(axis=1)


def combined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One clean probability from two: the mean of their log-odds.

    If the two were independent given whether the label is right, their odds
    would multiply. They are not: losses and embeddings are of one network, and
    both err on a sample that looks like another class. The mean of the
    log-odds, the odds' geometric mean, is on the same side of 1/2 as the
    product, and never more certain than the more certain of the two. Each
    probability counts within [0.01, 0.99], because a mixture of losses, whose
    tails are thin, is soon so certain that nothing could outweigh it.

    Args:
        first: float array in `[0, 1]`.
        second: float array in `[0, 1]`, of the same shape.

    Returns:
        float32 array in `[0.01, 0.99]`.

    Example:
        >>> combined(np.array([0.9, 0.5]), np.array([0.1, 0.8])).round(3)
        array([0.5  , 0.667], dtype=float32)
    """
    odds = [np.clip(p, _EDGE, 1.0 - _EDGE) for p in (first, second)]
    odds = [np.log(p) - np.log1p(-p) for p in odds]
    mean = np.asarray(odds[0] + odds[1], np.float64) / 2.0
    return (0.5 + 0.5 * np.tanh(mean / 2.0)).astype(np.float32)
