"""Contrastive losses: views of one image attract, views of others repel.

Both losses are computed in float32 whatever the dtype of the inputs, because
exponentials of similarities over a small temperature leave the range of 16
bits.

Reference: Chen et al., SimCLR, ICML 2020, equation 1; He et al., MoCo, CVPR
2020, equation 1.
"""

import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import TensorLike

# A logit far below any similarity over a temperature. It is finite, so that
# its gradient is 0 rather than NaN.
_MASKED = -1e9


def nt_xent(
    projections: TensorLike,
    temperature: float = 0.5,
    others: TensorLike | None = None,
    start: int | tf.Tensor = 0,
) -> tf.Tensor:
    """Normalised temperature-scaled cross-entropy, the loss of SimCLR.

    `L_i = -log(exp(s_ij / t) / sum_{k != i} exp(s_ik / t))`, where s is the
    cosine similarity and j the other view of image i. The loss is the mean over
    all views. Source: SimCLR, equation 1.

    Args:
        projections: float tensor `[2B, d]`, the first views of B >= 1 images
            followed by their second views. Rows may have any length; they are
            normalised here.
        temperature: float, temperature t > 0.
        others: float tensor `[M, d]`, the projections to compare with, for
            example those of all replicas. It consists of blocks of `[2B, d]` in
            the same order, one of which is `projections`, and covers at least
            two images. None compares `projections` with themselves.
        start: int or int scalar tensor, row of `others` at which `projections`
            begin.

    Returns:
        Float32 scalar tensor, at least 0. It is about `log(M - 1)` where no two
        views are more similar than others.

    Raises:
        ValueError: If the temperature is not positive, the number of views is
            odd or unknown, or there is only one image.

    Example:
        >>> alike = tf.constant([[1.0, 0.0], [0.0, 1.0]] * 2)
        >>> round(float(nt_xent(alike, temperature=1.0)), 4)  # log(1 + 2 / e)
        0.5514
    """
    _check_temperature(temperature)
    if projections.shape[0] is None or projections.shape[0] % 2:
        raise ConfigurationError(
            "Expected projections of all first views followed by all second "
            f"views, [2B, d]. Received: shape {projections.shape}"
        )
    views = _normalized(projections)
    others = views if others is None else _normalized(others)
    rows, count = views.shape[0], others.shape[0]
    if count < 4:
        raise ConfigurationError(
            "Expected views of at least 2 images, because a single image has "
            f"no negatives. Received: {count} views; use a larger batch"
        )
    similarity = tf.matmul(views, others, transpose_b=True) / temperature
    row = tf.range(rows)
    # Row i is compared with every row except itself. Its positive is the
    # other view of the same image, half the batch away.
    mask = tf.one_hot(start + row, count, on_value=_MASKED, off_value=0.0)
    positive = start + tf.roll(row, -(rows // 2), axis=0)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            positive, similarity + mask
        )
    )


def info_nce(
    queries: TensorLike,
    keys: TensorLike,
    queue: tf.Tensor,
    temperature: float = 0.07,
) -> tf.Tensor:
    """The loss of MoCo: the key of the same image against a queue of others.

    `L_i = -log(exp(q_i k_i / t) / (exp(q_i k_i / t) + sum_j exp(q_i u_j / t)))`
    with cosine similarities. The loss is the mean over the batch. Source: MoCo,
    equation 1.

    Args:
        queries: float tensor `[B, d]`, queries q.
        keys: float tensor `[B, d]`, keys k of the same images.
        queue: float tensor `[Q, d]`, keys u of other images, Q >= 1. Rows of
            zeros are slots that have not been filled yet and are ignored.
        temperature: float, temperature t > 0.

    Returns:
        Float32 scalar tensor, at least 0. It is about `log(Q + 1)` where no key
        is more similar than others.

    Raises:
        ValueError: If the temperature is not positive or the queue has no rows.

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
    queries, keys, queue = map(_normalized, (queries, keys, queue))
    positive = tf.reduce_sum(queries * keys, axis=1, keepdims=True)
    positive /= temperature
    negatives = tf.matmul(queries, queue, transpose_b=True) / temperature
    filled = tf.reduce_any(queue != 0.0, axis=1)
    negatives = tf.where(filled, negatives, _MASKED)
    logits = tf.concat([positive, negatives], axis=1)
    # The positive is in column 0.
    first = tf.zeros(tf.shape(logits)[0], tf.int32)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(first, logits)
    )


def _normalized(rows: TensorLike) -> tf.Tensor:
    """Scales rows to length 1 in float32; rows of zeros stay zero."""
    return tf.math.l2_normalize(tf.cast(rows, tf.float32), axis=1)


def _check_temperature(temperature: float) -> None:
    if not temperature > 0.0:
        raise ConfigurationError(
            "Expected a temperature above 0. "
            f"Received: temperature={temperature}"
        )
