"""Inputs, state and results of a visit to a batch."""

from typing import NamedTuple

import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam


class Batch(NamedTuple):
    """The constant inputs of a visit.

    Attributes:
        features: float32 `[b + q, D]`, features of b training samples and of q
            followers.
        weight: float32 `[b + q]`, sample weights, see `ridge.correction`; 0 for
            followers.
        whitening: float32 `[D, D]`, factor of this batch, see
            `ridge.whitening`.
        trusted: float32 `[V, D]`, features of the trusted samples that are not
            held out.
    """

    features: tf.Tensor
    weight: tf.Tensor
    whitening: tf.Tensor
    trusted: tf.Tensor


class Changing(NamedTuple):
    """The state that a visit updates.

    Attributes:
        labels: float32 `[b + q, K]`, the batch's rows of the label table.
        slots: `Adam` of the labels.
        moments: float32 `[D, K]`, `ridge.moments` of these labels.
        classifier: float32 `[D + 1, K]`, the auxiliary classifier; its last row
            is the bias.
        classifier_slots: `Adam` of the classifier.
    """

    labels: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    classifier: tf.Tensor
    classifier_slots: Adam


class Visit(NamedTuple):
    """The results of a visit.

    Attributes:
        state: `Changing`, the updated state.
        weights: float32 `[D, K]`, the closed-form classifier of the labels
            before the update.
        loss: float32 scalar, `ridge.response_loss` on the trusted samples.
        classifier_loss: float32 scalar, loss of the auxiliary classifier, mean
            over its steps.
    """

    state: Changing
    weights: tf.Tensor
    loss: tf.Tensor
    classifier_loss: tf.Tensor


class Moving(NamedTuple):
    """The state that is carried from slice to slice within a visit.

    Attributes:
        classifier: float32 `[D + 1, K]`, see `Changing`.
        slots: `Adam` of the classifier.
        moments: float32 `[D, K]`, `ridge.moments` of the slices so far.
        loss: float32 scalar, sum of the classifier's losses so far.
    """

    classifier: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    loss: tf.Tensor
