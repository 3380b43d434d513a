"""The inputs and outputs of a visit to a batch."""

from typing import NamedTuple

import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam


class Batch(NamedTuple):
    """The part of a batch that a visit does not change.

    Attributes:
        features: float32 `[b + q, D]`.
        weight: float32 `[b + q]`, see `ridge.correction`; 0 for the q
            followers.
        whitening: float32 `[D, D]`, of this batch.
        trusted: float32 `[V, D]`, features of the trusted samples.
    """

    features: tf.Tensor
    weight: tf.Tensor
    whitening: tf.Tensor
    trusted: tf.Tensor


class Changing(NamedTuple):
    """The part of a batch that a visit changes.

    Attributes:
        labels: float32 `[b + q, K]`.
        slots: `Adam`, the optimizer's state for the labels.
        moments: float32 `[D, K]`, `ridge.moments` of these labels.
        classifier: float32 `[D + 1, K]`.
        classifier_slots: `Adam`, the optimizer's state for the classifier.
    """

    labels: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    classifier: tf.Tensor
    classifier_slots: Adam


class Visit(NamedTuple):
    """The result of a visit.

    Attributes:
        state: `Changing`.
        weights: float32 `[D, K]`, the closed-form solution for the labels
            before the visit.
        loss: float32 scalar, `ridge.response_loss`.
        classifier_loss: float32 scalar, mean over the classifier's steps.
    """

    state: Changing
    weights: tf.Tensor
    loss: tf.Tensor
    classifier_loss: tf.Tensor


class Moving(NamedTuple):
    """The state that is passed from slice to slice.

    Attributes:
        classifier: float32 `[D + 1, K]`.
        slots: `Adam`, the optimizer's state for the classifier.
        moments: float32 `[D, K]`, of the labels so far.
        loss: float32 scalar, sum of the classifier's losses so far.
    """

    classifier: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    loss: tf.Tensor
