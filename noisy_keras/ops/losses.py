"""Losses per sample, and penalties on a batch of predictions.

All logarithms are natural, so that losses are in nats. Nothing here stops a
gradient: callers stop that of the targets where the method requires it.
"""

import math

import tensorflow as tf


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy to soft targets, per sample.

    Args:
        targets: float tensor `[B, K]`, class distributions y.
        logits: float tensor `[B, K]`, logits z.

    Returns:
        Float tensor `[B]`: `-sum_c y_c log softmax(z)_c`, in nats.
    """
    return -tf.reduce_sum(targets * tf.nn.log_softmax(logits), axis=-1)


def sparse_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy to integer labels, per sample.

    Args:
        labels: int tensor `[B]`, classes in `[0, K)`.
        logits: float tensor `[B, K]`.

    Returns:
        Float tensor `[B]`, in nats.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def squared_error(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean squared error between predicted and target distribution, per sample.

    The consistency loss for unlabelled samples of MixMatch and DivideMix.

    Args:
        targets: float tensor `[B, K]`, class distributions.
        logits: float tensor `[B, K]`, compared after a softmax.

    Returns:
        Float tensor `[B]`, the mean over classes.
    """
    return tf.reduce_mean(tf.square(tf.nn.softmax(logits) - targets), axis=-1)


def negative_entropy(logits: tf.Tensor) -> tf.Tensor:
    """Confidence penalty: mean negative entropy of the predictions.

    The batch mean of `sum_c p_c log p_c`. DivideMix adds it during the warm-up
    on asymmetric noise, so that the network does not become confident of noisy
    labels.

    Args:
        logits: float tensor `[B, K]`.

    Returns:
        Float scalar tensor in `[-log K, 0]`.
    """
    log_probabilities = tf.nn.log_softmax(logits)
    return tf.reduce_mean(
        tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)
    )


def class_balance_penalty(
    logits: tf.Tensor,
    weight: tf.Tensor | None = None,
    prior: tf.Tensor | None = None,
) -> tf.Tensor:
    """Kullback-Leibler divergence from a class prior to the mean prediction.

    `sum_c prior_c log(prior_c / mean_b softmax(logits)_bc)`. It keeps the
    network from assigning a whole batch to a few classes. Source: the
    regulariser of DivideMix, after Tanaka et al. (CVPR 2018).

    Args:
        logits: float tensor `[B, K]`.
        weight: float tensor `[B]`, weights of the samples in the mean; None
            weighs all samples equally.
        prior: float tensor `[K]`, class prior that sums to 1; None takes the
            uniform one.

    Returns:
        Float scalar tensor, 0 where the mean prediction equals the prior.
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


def prior_cross_entropy(logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the mean prediction to a uniform class prior.

    `-sum_c (1/K) log(mean_b softmax(logits)_bc)`, the term `L_p` of Joint-Optim
    (Tanaka et al., CVPR 2018, equation 9) and of DRPL. It equals
    `class_balance_penalty` plus `log K`.

    Args:
        logits: float tensor `[B, K]`.

    Returns:
        Float scalar tensor of at least `log K`.
    """
    return class_balance_penalty(logits) + math.log(logits.shape[-1])
