"""Classification by the nearest neighbours in feature space."""

import numpy as np
import tensorflow as tf

from noisy_keras.ops import neighbors as ops
from noisy_keras.utils.errors import ConfigurationError

# Largest number of samples that vote.
MOST = ops.MOST
spread = ops.spread

_BATCH_SIZE = 500


def vote(features, labels, num_classes, queries=None, own=None, neighbors=None):
    """Votes of the nearest labelled samples, by cosine similarity.

    Args:
        features: float32 array `[M, D]`, features of the samples that vote.
        labels: int array `[M]`, their labels in `[0, K)`.
        num_classes: int, number of classes K.
        queries: float32 array `[n, D]`, features of the samples to classify;
            None classifies the voting samples, each by the others.
        own: int array `[n]`, position of each query among the voting samples,
            or -1; None if no query is among them. Ignored without `queries`.
        neighbors: int, number of neighbours k; None takes 50, or half of the
            mean class size if that is less.

    Returns:
        Float32 array `[n, K]`, share of the votes for each class.

    Raises:
        ValueError: If k is not between 1 and M - 1.
    """
    if queries is None:
        queries, own = features, np.arange(len(features))
    elif own is None:
        own = np.full(len(queries), -1)
    if neighbors is None:
        neighbors = ops.usual_count(len(features), num_classes)
    if not 1 <= neighbors < len(features):
        raise ConfigurationError(
            "Expected at least 1 neighbour and fewer than the number of "
            f"samples, {len(features)}. Received: neighbors={neighbors}"
        )
    bank = tf.constant(features), tf.one_hot(labels, num_classes)
    own = np.asarray(own, np.int32)
    share = [
        ops.class_votes(
            tf.constant(queries[start : start + _BATCH_SIZE]),
            *bank,
            neighbors,
            own=tf.constant(own[start : start + _BATCH_SIZE]),
        ).numpy()
        for start in range(0, len(queries), _BATCH_SIZE)
    ]
    return np.concatenate(share)
