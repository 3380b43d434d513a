"""Contrastive losses: two views of an image are alike, all others are not.

Computed in float32 whatever the inputs are, because exponentials of
similarities over a small temperature leave the range of 16 bits.

Reference: Chen et al., SimCLR, ICML 2020, equation 1; He et al., MoCo, CVPR
2020, equation 1.
"""

import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

# Far below any similarity over a temperature, and finite in its gradient.
_NEVER = -1e9


def nt_xent(projections, temperature: float = 0.5, others=None, start=0):
    """Normalised temperature-scaled cross-entropy: SimCLR's loss.

    `L_i = -log(exp(s_ij / t) / sum_{k != i} exp(s_ik / t))` with the cosine
    similarity s and the other view j of the same image; mean over all views.

    Args:
        projections: float `[2B, d]`, all first views, then all second ones;
            of any length, B >= 1.
        temperature: t > 0.
        others: float `[M, d]` that the views are compared with: blocks of
            `[2B, d]` in the same order, of which `projections` is one, such as
            those of all replicas; None compares them with themselves. They
            must hold two images at least.
        start: row of `others` at which `projections` begin; int, or int
            scalar tensor.

    Returns:
        scalar >= 0; about `log(M - 1)` where nothing is alike.

    Raises:
        ValueError: a temperature that is not positive, an odd number of
            views, or a single image, which has no other to be told from.

    Example:
        >>> alike = tf.constant([[1.0, 0.0], [0.0, 1.0]] * 2)
        >>> round(float(nt_xent(alike, temperature=1.0)), 4)  # log(1 + 2 / e)
        0.5514
    """
    _check_temperature(temperature)
    if projections.shape[0] is None or projections.shape[0] % 2:
        raise ConfigurationError(
            "Expected projections of all first views, then of all second "
            f"ones, [2B, d]. Received: shape {projections.shape}"
        )
    views = _unit(projections)
    others = views if others is None else _unit(others)
    rows, count = views.shape[0], others.shape[0]
    if count < 4:
        raise ConfigurationError(
            "Expected views of at least 2 images, because an image alone has "
            f"no other to be told from. Received: {count} views; use a larger "
            "batch"
        )
    similarity = tf.matmul(views, others, transpose_b=True) / temperature
    here = tf.range(rows)
    # Row i is compared with all rows but itself; its like is the other view.
    itself = tf.one_hot(start + here, count, on_value=_NEVER, off_value=0.0)
    like = start + tf.roll(here, -(rows // 2), axis=0)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            like, similarity + itself
        )
    )


def info_nce(queries, keys, queue, temperature: float = 0.07):
    """MoCo's loss: a query's own key against a queue of earlier ones.

    `L_i = -log(exp(q_i k_i / t) / (exp(q_i k_i / t) + sum_j exp(q_i u_j / t)))`
    with the cosine similarity; mean over the batch.

    Args:
        queries: float `[B, d]`.
        keys: float `[B, d]`, of the same images.
        queue: float `[Q, d]`, keys u of other images, Q >= 1; rows of zeros
            are places not filled yet, which count for nothing.
        temperature: t > 0.

    Returns:
        scalar >= 0; about `log(Q + 1)` where nothing is alike.

    Raises:
        ValueError: a temperature that is not positive, or an empty queue.

    Example:
        >>> one, other = tf.constant([[1.0, 0.0]]), tf.constant([[0.0, 1.0]])
        >>> round(float(info_nce(one, one, other, 1.0)), 4)  # log(1 + 1 / e)
        0.3133
    """
    _check_temperature(temperature)
    if queue.shape[0] == 0:
        raise ConfigurationError(
            "Expected a queue of at least 1 key. Received: none"
        )
    queries, keys, queue = map(_unit, (queries, keys, queue))
    own = tf.reduce_sum(queries * keys, axis=1, keepdims=True) / temperature
    others = tf.matmul(queries, queue, transpose_b=True) / temperature
    filled = tf.reduce_any(queue != 0.0, axis=1)
    logits = tf.concat([own, tf.where(filled, others, _NEVER)], axis=1)
    # The own key stands first.
    first = tf.zeros(tf.shape(logits)[0], tf.int32)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(first, logits)
    )


def _unit(rows):
    """Rows of length 1 in float32; zeros stay."""
    return tf.math.l2_normalize(tf.cast(rows, tf.float32), axis=1)


def _check_temperature(temperature):
    if not temperature > 0.0:
        raise ConfigurationError(
            "Expected a temperature above 0. "
            f"Received: temperature={temperature}"
        )
