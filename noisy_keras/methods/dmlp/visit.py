"""What a visit to a batch finds, changes and leaves behind."""

from typing import NamedTuple

import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam


class Batch(NamedTuple):
    """What a visit finds and leaves as it is.

    Attributes:
        features: `[b + q, D]`.
        weight: `[b + q]`, see `ridge.correction`; 0 for the q followers.
        whitening: `[D, D]`, of this batch.
        trusted: features of the validation samples, `[V, D]`.
    """

    features: tf.Tensor
    weight: tf.Tensor
    whitening: tf.Tensor
    trusted: tf.Tensor


class Changing(NamedTuple):
    """What a visit changes.

    Attributes:
        labels: `[b + q, K]`.
        slots: their `Adam`.
        moments: `[D, K]`, of these labels: `ridge.moments`.
        classifier: `[D + 1, K]`.
        classifier_slots: its `Adam`.
    """

    labels: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    classifier: tf.Tensor
    classifier_slots: Adam


class Visit(NamedTuple):
    """What a visit leaves behind.

    Attributes:
        state: a `Changing`.
        weights: `[D, K]`, the closed-form solution to the labels before.
        loss: scalar, of `ridge.response_loss`.
        classifier_loss: scalar, mean over its steps.
    """

    state: Changing
    weights: tf.Tensor
    loss: tf.Tensor
    classifier_loss: tf.Tensor


class Moving(NamedTuple):
    """What goes from slice to slice.

    Attributes:
        classifier: as of `Changing`.
        slots: its `Adam`.
        moments: of the labels so far.
        loss: of the classifier, summed.
    """

    classifier: tf.Tensor
    slots: Adam
    moments: tf.Tensor
    loss: tf.Tensor
