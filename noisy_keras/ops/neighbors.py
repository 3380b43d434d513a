"""Class votes of the nearest neighbours by cosine similarity, and agreement.

Reference: Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
Discrimination, CVPR 2018, section 3.4.
"""

import numpy as np
import tensorflow as tf

from noisy_keras.utils.types import TensorLike


def class_votes(
    queries: TensorLike,
    features: TensorLike,
    targets: TensorLike,
    neighbors: int,
    temperature: float = 0.07,
    own: TensorLike | None = None,
) -> tf.Tensor:
    """Class votes of the nearest labelled samples.

    The k nearest samples vote for their labels with weight `exp(s / t)`, where
    s is the cosine similarity.

    Args:
        queries: float tensor `[B, D]`, features of the samples to classify.
        features: float tensor `[M, D]`, features of the labelled samples.
        targets: float tensor `[M, K]`, their labels, one-hot or distributions.
        neighbors: int, number of neighbours k, from 1 to M, or to M - 1 with
            `own`.
        temperature: float, t > 0. A higher temperature makes votes more equal.
        own: int tensor `[B]`, row of `features` that holds the query itself and
            has no vote, or -1; None if no query is among the labelled samples.

    Returns:
        Float32 tensor `[B, K]`, shares of the votes, summing to 1 in each row.

    Example:
        >>> features = tf.constant([[1.0, 0.0], [0.0, 1.0]])
        >>> class_votes(features[:1], features, tf.eye(2), 1).numpy()
        array([[1., 0.]], dtype=float32)
        >>> class_votes(features[:1], features, tf.eye(2), 1, own=[0]).numpy()
        array([[0., 1.]], dtype=float32)
    """
    weights, rows = nearest(queries, features, neighbors, temperature, own)
    return tf.einsum("bk,bkc->bc", weights, tf.gather(targets, rows))


def nearest(
    queries: TensorLike,
    features: TensorLike,
    neighbors: int,
    temperature: float = 0.07,
    own: TensorLike | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The nearest neighbours, and what their votes weigh.

    Args:
        queries: as of `class_votes`.
        features: as of `class_votes`.
        neighbors: as of `class_votes`.
        temperature: as of `class_votes`.
        own: as of `class_votes`.

    Returns:
        Float32 tensor `[B, k]`, weights that sum to 1 in each row, of the
        nearest first; and int32 tensor `[B, k]`, rows of `features`.
    """
    queries, features = (
        tf.math.l2_normalize(tf.cast(x, tf.float32), axis=1)
        for x in (queries, features)
    )
    similarity = tf.matmul(queries, features, transpose_b=True)
    if own is not None:
        # Below any cosine similarity, so that they are never among the nearest.
        similarity -= 3.0 * tf.one_hot(own, tf.shape(features)[0])
    similarity, rows = tf.math.top_k(similarity, neighbors)
    return tf.nn.softmax(similarity / temperature), rows


def agreement(
    weights: TensorLike, voted: TensorLike, labels: TensorLike, num_classes: int
) -> tf.Tensor:
    """The probability that a label is the most frequent one around a sample.

    Let s be the share of the votes for the label, r that of its strongest
    rival among the other classes, and n the effective number of votes, `1 /
    sum(w^2)`. Between these two, the unknown share of the label has the
    posterior `Beta(1 + n s, 1 + n r)` under a flat prior; the result is the
    probability that it is above 1/2.

    Args:
        weights: float tensor `[B, k]`, weights of the votes, summing to 1 in
            each row, see `nearest`.
        voted: int tensor `[B, k]`, the classes voted for.
        labels: int tensor `[B]`, the labels to judge, in `[0, K)`.
        num_classes: int, number of classes K, at least 2.

    Returns:
        Float32 tensor `[B]` in `[0, 1]`; 1/2 where label and rival tie.

    Example:
        >>> weights, voted = tf.fill([1, 4], 0.25), [[1, 1, 1, 1]]
        >>> agreement(weights, voted, [1], num_classes=2).numpy()
        array([0.96875], dtype=float32)
    """
    weights = tf.cast(weights, tf.float32)
    votes = tf.einsum("bk,bkc->bc", weights, tf.one_hot(voted, num_classes))
    own = tf.one_hot(labels, num_classes)
    share = tf.reduce_sum(votes * own, axis=1)
    rival = tf.reduce_max(votes - 2.0 * own, axis=1)
    count = 1.0 / tf.reduce_sum(tf.square(weights), axis=1)
    half = tf.fill(tf.shape(share), 0.5)
    # P(X > 1/2) for Beta(a, b) is P(X < 1/2) for Beta(b, a).
    return tf.math.betainc(1.0 + count * rival, 1.0 + count * share, half)


#: Largest number of samples that vote. More hardly change the result, while the
#: cost grows in proportion.
MOST = 20_000


def spread(count: int, most: int = MOST) -> np.ndarray:
    """Evenly spaced positions in a data set.

    Args:
        count: int, number of samples.
        most: int, largest number of positions.

    Returns:
        Int array `[min(count, most)]` in `[0, count)`, ascending.
    """
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)


def usual_count(voters: int, num_classes: int) -> int:
    """The number of neighbours k where none is given.

    Args:
        voters: int, number of samples that vote.
        num_classes: int, number of classes K.

    Returns:
        int: 50, or half of the mean class size if that is less; at least 1.
    """
    return min(50, max(1, voters // (2 * num_classes)))
