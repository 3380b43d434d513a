"""The state of a purification that belongs to one view of features."""

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam
from noisy_keras.methods.dmlp.visit import Batch
from noisy_keras.methods.dmlp.visit import Changing
from noisy_keras.ops import ridge


class View(tf.Module):
    """The state that belongs to one view.

    Args:
        features: `FixedFeatures`.
        trusted: features of the validation samples, float32 `[V, D]`.
        labels: iterable of the label table's batches, float32 `[b + q, K]`.
        seed: of the classifier's first weights.

    Attributes:
        labels: list of trainable `tf.Variable`s, the label table.
        slots: list of their `Adam`s.
        moments: list of their `ridge.moments`, `[D, K]`.
        classifier: trainable `tf.Variable` `[D + 1, K]`.
        classifier_slots: its `Adam`.
        weights: list of the closed-form solutions `[D, K]` of the last visits.
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
        """Lets the labels' optimizer begin anew."""
        self.slots = [Adam.fresh(rows.shape) for rows in self.labels]

    def batch(self, k):
        """What a visit to batch k finds: a `Batch`."""
        return Batch(
            self.features.batch(k),
            self.features.weights[k],
            self.features.whitening[k],
            self.trusted,
        )

    def changing(self, k):
        """What a visit to batch k changes: a `Changing`."""
        return Changing(
            self.labels[k].read_value(),
            self.slots[k],
            self.moments[k],
            self.classifier.read_value(),
            self.classifier_slots,
        )

    def keep(self, steps, k, visit, rate):
        """Takes over what a visit left.

        Args:
            steps: `Steps`.
            k: the batch.
            visit: a `Visit`.
            rate: learning rate of the labels, float32 scalar.

        Returns:
            Both losses, scalar tensors.
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
            steps: `Steps`.
            teacher: `View` whose classifier it is.
            share: eta_E, of the way.
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
        """The mean of the closed-form solutions: `[D, K]`."""
        return tf.add_n(self.weights).numpy() / len(self.weights)

    def state(self):
        """All that changes, as arrays by name."""
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
