"""The state of a purification that belongs to one view of features."""

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam
from noisy_keras.methods.dmlp.visit import Batch
from noisy_keras.methods.dmlp.visit import Changing
from noisy_keras.ops import ridge


class View(tf.Module):
    """The state of one view.

    Args:
        features: `FixedFeatures`.
        trusted: float32 `[V, D]`, features of the trusted samples.
        labels: iterable of float32 `[b + q, K]`, the label table by batches.
        seed: int, seed of the classifier's initial weights.

    Attributes:
        labels: list of trainable `tf.Variable`s, the label table.
        slots: list of `Adam`, the optimizer's state for them.
        moments: list of `[D, K]`, see `ridge.moments`.
        classifier: trainable `tf.Variable` `[D + 1, K]`.
        classifier_slots: `Adam`, the optimizer's state for it.
        weights: list of `[D, K]`, the closed-form solutions of the last visits.
    """

    def __init__(self, features, trusted, labels, seed):
        super().__init__()
        self.features = features
        self.trusted = tf.constant(trusted, tf.float32)
        self.labels = [tf.Variable(rows) for rows in labels]
        shape = (self.trusted.shape[1] + 1, self.labels[0].shape[1])
        bound = 1.0 / np.sqrt(shape[0] - 1)
        first = np.random.RandomState(seed).uniform(-bound, bound, shape)
        self.classifier = tf.Variable(first.astype(np.float32))
        self.classifier_slots = Adam.fresh(shape)
        self.weights = [None] * len(self.labels)
        self.moments = [
            ridge.moments(features.batch(k), rows, features.weights[k])
            for k, rows in enumerate(self.labels)
        ]
        self.forget()

    def forget(self):
        """Resets the optimizer of the labels."""
        self.slots = [Adam.fresh(rows.shape) for rows in self.labels]

    def batch(self, k):
        """The constant part of batch k: a `Batch`."""
        return Batch(
            self.features.batch(k),
            self.features.weights[k],
            self.features.whitening[k],
            self.trusted,
        )

    def changing(self, k):
        """The part of batch k that a visit changes: a `Changing`."""
        return Changing(
            self.labels[k].read_value(),
            self.slots[k],
            self.moments[k],
            self.classifier.read_value(),
            self.classifier_slots,
        )

    def keep(self, steps, k, visit, rate):
        """Keeps the result of a visit.

        Args:
            steps: `Steps`.
            k: int, number of the batch.
            visit: `Visit`.
            rate: float32 scalar, learning rate of the labels.

        Returns:
            A pair of scalars, both losses.
        """
        state = visit.state
        self.labels[k].assign(state.labels)
        self.slots[k], self.moments[k] = state.slots, state.moments
        self.classifier.assign(state.classifier)
        self.classifier_slots = state.classifier_slots
        self.weights[k] = visit.weights
        if steps.settings.label_optimizer == "whole_table_adam":
            for other, rows in enumerate(self.labels):
                if other != k:
                    values, self.slots[other], self.moments[other] = (
                        steps.decay(
                            self.batch(other),
                            rows.read_value(),
                            self.slots[other],
                            rate,
                        )
                    )
                    rows.assign(values)
        return visit.loss, visit.classifier_loss

    def substitute(self, steps, teacher, share):
        """Moves all labels towards the predictions of a classifier.

        Args:
            steps: `Steps`.
            teacher: `View` of the classifier.
            share: float32 scalar in (0, 1], eta_E.
        """
        for k, rows in enumerate(self.labels):
            values, self.moments[k] = steps.mix(
                self.batch(k),
                rows.read_value(),
                teacher.classifier.read_value(),
                share,
                teacher.features.batch(k),
            )
            rows.assign(values)
        self.forget()

    def mean_weights(self):
        """The mean of the closed-form solutions: float32 `[D, K]`."""
        return tf.add_n(self.weights).numpy() / len(self.weights)

    def state(self):
        """All that changes: dict of arrays by name."""
        return {
            "labels": np.stack([rows.numpy() for rows in self.labels]),
            "moments": np.stack(self.moments),
            "classifier": self.classifier.numpy(),
            **{
                f"slots_{name}": np.stack(
                    [getattr(s, name) for s in self.slots]
                )
                for name in Adam._fields
            },
            **{
                f"classifier_slots_{name}": getattr(
                    self.classifier_slots, name
                ).numpy()
                for name in Adam._fields
            },
        }

    def restore(self, arrays):
        """The reverse of `state`."""
        for variable, values in zip(self.labels, arrays["labels"], strict=True):
            variable.assign(values)
        self.moments = list(map(tf.constant, arrays["moments"]))
        self.classifier.assign(arrays["classifier"])
        slots = [arrays[f"slots_{name}"] for name in Adam._fields]
        self.slots = [
            Adam(*map(tf.constant, each)) for each in zip(*slots, strict=True)
        ]
        self.classifier_slots = Adam(
            *(
                tf.constant(arrays[f"classifier_slots_{name}"])
                for name in Adam._fields
            )
        )
