"""What nearest neighbours in a space of features say of labels."""

import numpy as np
import tensorflow as tf

from noisy_keras.ops import neighbors as ops
from noisy_keras.utils.errors import ConfigurationError

# Most samples that vote; more say little more, and cost in proportion.
MOST = 20_000

_BATCH_SIZE = 500


def spread(count, most):
    """At most so many positions, evenly spread: int `[min(count, most)]`."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)


def vote(features, labels, num_classes, queries=None, own=None, neighbors=None):
    """The votes of the nearest labelled samples, by cosine similarity.

    Args:
        features: float32 `[M, D]` of the samples that vote.
        labels: int `[M]`, their votes.
        num_classes: K.
        queries: float32 `[n, D]`; default: the voters themselves, each judged
            by the others.
        own: int `[n]`: place of each query among the voters, or -1; default:
            none is among them, unless `queries` is left out.
        neighbors: k; default: 50, or a half of the mean size of a class if
            that is less.

    Returns:
        float32 `[n, K]`: share of the votes for each class.

    Raises:
        ValueError: fewer than two voters, or k that is not below their number.
    """
    if queries is None:
        queries, own = features, np.arange(len(features))
    elif own is None:
        own = np.full(len(queries), -1)
    if neighbors is None:
        neighbors = min(50, max(1, len(features) // (2 * num_classes)))
    if not 1 <= neighbors < len(features):
        raise ConfigurationError(
            "Expected at least 1 neighbour, and less than there are samples, "
            f"{len(features)}. Received: neighbors={neighbors}"
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
