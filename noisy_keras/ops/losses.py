"""Losses per sample, and the penalties on a batch of predictions.

All logarithms are natural. Targets are never differentiated by callers unless
said otherwise; nothing here stops a gradient.
"""

import math

import tensorflow as tf


def cross_entropy(targets, logits):
    """Cross-entropy to soft targets, per sample.

    Args:
        targets: `[B, K]`, rows usually summing to 1.
        logits: `[B, K]`.

    Returns:
        `[B]`: `-sum_c targets_c log softmax(logits)_c`.
    """
    return -tf.reduce_sum(targets * tf.nn.log_softmax(logits), axis=-1)


def sparse_cross_entropy(labels, logits):
    """Cross-entropy to integer labels, per sample.

    Args:
        labels: int `[B]` in `[0, K)`.
        logits: `[B, K]`.

    Returns:
        `[B]`.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def squared_error(targets, logits):
    """Mean squared error between softmax and target, per sample.

    The consistency loss of MixMatch and DivideMix for unlabelled samples; the
    mean runs over classes.

    Args:
        targets: `[B, K]`.
        logits: `[B, K]`.

    Returns:
        `[B]`.
    """
    return tf.reduce_mean(tf.square(tf.nn.softmax(logits) - targets), axis=-1)


def negative_entropy(logits):
    """Confidence penalty: the mean of `sum_c p_c log p_c` over the batch.

    DivideMix adds it in the warm-up when noise is asymmetric, so that the
    network does not become sure of wrong labels.

    Args:
        logits: `[B, K]`.

    Returns:
        scalar in `[-log K, 0]`.
    """
    log_probabilities = tf.nn.log_softmax(logits)
    return tf.reduce_mean(
        tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)
    )


def class_balance_penalty(logits, weight=None, prior=None):
    """Kullback-Leibler divergence from a prior to the mean prediction.

    `sum_c prior_c log(prior_c / mean_b softmax(logits)_bc)`: keeps a batch from
    being given to few classes (DivideMix's regulariser).

    Args:
        logits: `[B, K]`.
        weight: of samples in the mean, `[B]`; None for ones.
        prior: of classes, `[K]`, summing to 1; None for the uniform one.

    Returns:
        scalar, 0 where the mean prediction is the prior.
    """
    predicted = tf.nn.softmax(logits)
    if weight is None:
        mean = tf.reduce_mean(predicted, axis=0)
    else:
        total = tf.maximum(tf.reduce_sum(weight), 1e-8)
        mean = tf.linalg.matvec(predicted, weight, transpose_a=True) / total
    if prior is None:
        prior = 1.0 / mean.shape[0]
    mean = tf.maximum(mean, 1e-8)
    return tf.reduce_sum(tf.math.xlogy(prior, prior / mean))


def prior_cross_entropy(logits):
    """Cross-entropy of the mean prediction to a uniform prior.

    `-sum_c (1/K) log(mean_b softmax(logits)_bc)`, the term `L_p` of
    Joint-Optim (Tanaka et al., CVPR 2018, equation 9) and DRPL. It is
    `class_balance_penalty` plus `log K`.

    Args:
        logits: `[B, K]`.

    Returns:
        scalar of at least `log K`.
    """
    return class_balance_penalty(logits) + math.log(logits.shape[-1])
