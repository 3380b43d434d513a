"""The state of a purification that belongs to one view of features."""

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam
from noisy_keras.methods.dmlp.visit import Batch
from noisy_keras.methods.dmlp.visit import Changing
from noisy_keras.ops import ridge


class View(tf.Module):
    """The label table and classifiers of one view of the features.

    Args:
        features: `FixedFeatures` of the training samples.
        trusted: float32 `[V, D]`, features of the trusted samples that are not
            held out.
        labels: iterable of float32 `[b + q, K]`, the initial label table by
            batch.
        seed: int, seed of the auxiliary classifier's initial weights.

    Attributes:
        labels: list of trainable `tf.Variable`s `[b + q, K]`, the label table
            by batch.
        slots: list of `Adam`, optimizer states of the labels by batch.
        moments: list of float32 tensors `[D, K]`, `ridge.moments` of the labels
            by batch.
        classifier: trainable `tf.Variable` `[D + 1, K]`, the auxiliary
            classifier; its last row is the bias.
        classifier_slots: `Adam` of the auxiliary classifier.
        weights: list of float32 tensors `[D, K]`, the closed-form classifiers
            of the last visit to each batch.
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
        """`Batch`, the constant inputs of a visit to batch `k`."""
        return Batch(
            self.features.batch(k),
            self.features.weights[k],
            self.features.whitening[k],
            self.trusted,
        )

    def changing(self, k):
        """`Changing`, the state that a visit to batch `k` updates."""
        return Changing(
            self.labels[k].read_value(),
            self.slots[k],
            self.moments[k],
            self.classifier.read_value(),
            self.classifier_slots,
        )

    def keep(self, steps, k, visit, rate):
        """Stores the results of a visit.

        Args:
            steps: `Steps`, the compiled steps.
            k: int, number of the batch.
            visit: `Visit`, the results.
            rate: float32 scalar tensor, learning rate of the labels.

        Returns:
            Two scalar tensors: the loss on trusted samples, and that of the
            auxiliary classifier.
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
        """Moves all labels towards a classifier's predictions.

        Args:
            steps: `Steps`, the compiled steps.
            teacher: `View` whose auxiliary classifier predicts.
            share: float32 scalar tensor in (0, 1], step eta_E.
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
        """float32 `[D, K]`, mean of the batches' closed-form classifiers."""
        return tf.add_n(self.weights).numpy() / len(self.weights)

    def state(self):
        """The state as a dict of arrays."""
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
        """Restores the arrays that `state` returned."""
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
