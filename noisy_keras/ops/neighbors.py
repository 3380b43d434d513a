"""Class votes of the nearest neighbours by cosine similarity.

Reference: Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
Discrimination, CVPR 2018, section 3.4.
"""

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
    queries, features = (
        tf.math.l2_normalize(tf.cast(x, tf.float32), axis=1)
        for x in (queries, features)
    )
    similarity = tf.matmul(queries, features, transpose_b=True)
    if own is not None:
        # Below any cosine similarity, so that they are never among the nearest.
        similarity -= 3.0 * tf.one_hot(own, tf.shape(features)[0])
    nearest, rows = tf.math.top_k(similarity, neighbors)
    weights = tf.nn.softmax(nearest / temperature)
    return tf.einsum("bk,bkc->bc", weights, tf.gather(targets, rows))
