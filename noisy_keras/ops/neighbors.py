"""Votes of the nearest neighbours, by cosine similarity.

Reference: Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
Discrimination, CVPR 2018, section 3.4.
"""

import tensorflow as tf


def class_votes(
    queries, features, targets, neighbors, temperature=0.07, own=None
):
    """What the nearest of some labelled samples say about others.

    The k nearest vote for their labels with weight `exp(s / t)`, where s is
    the cosine similarity.

    Args:
        queries: float `[B, D]`.
        features: float `[M, D]` of labelled samples.
        targets: float `[M, K]`: their labels, one-hot or distributions.
        neighbors: k, from 1 to M (with `own`, to M - 1).
        temperature: t > 0; the higher, the more equal are the votes.
        own: int `[B]`, rows of `features` that have no vote, being the
            queries themselves; -1 for none. None: no query is among them.

    Returns:
        float32 `[B, K]`: shares of the votes, summing to 1 in each row.

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
        # Below any cosine.
        similarity -= 3.0 * tf.one_hot(own, tf.shape(features)[0])
    nearest, rows = tf.math.top_k(similarity, neighbors)
    weights = tf.nn.softmax(nearest / temperature)
    return tf.einsum("bk,bkc->bc", weights, tf.gather(targets, rows))
