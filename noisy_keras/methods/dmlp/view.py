"""The state of a purification that belongs to one view of features."""

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp.steps import Adam


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
        self.forget()

    def forget(self):
        """Lets the labels' optimizer begin anew."""
        self.slots = [Adam.fresh(rows.shape) for rows in self.labels]

    def visit(self, steps, k, targets, rates):
        """Visits a batch.

        Args:
            steps: `Steps`.
            k: the batch.
            targets: of the validation samples, `[V, K]`.
            rates: learning rates of labels and classifier, float32 `[2]`.

        Returns:
            Both losses, scalar tensors.
        """
        found = steps.visit(
            self.features.batch(k),
            self.features.weights[k],
            self.features.whitening[k],
            self.trusted,
            targets,
            self.labels[k].read_value(),
            self.slots[k],
            self.classifier.read_value(),
            self.classifier_slots,
            rates,
        )
        self.labels[k].assign(found.labels)
        self.slots[k] = found.slots
        self.classifier.assign(found.classifier)
        self.classifier_slots = found.classifier_slots
        self.weights[k] = found.weights
        if steps.settings.label_optimizer == "whole_table_adam":
            for other, rows in enumerate(self.labels):
                if other != k:
                    values, self.slots[other] = steps.decay(
                        rows.read_value(), self.slots[other], rates[0]
                    )
                    rows.assign(values)
        return found.loss, found.classifier_loss

    def substitute(self, steps, teacher, share):
        """Moves all labels towards a classifier's predictions.

        Args:
            steps: `Steps`.
            teacher: `View` whose classifier it is.
            share: eta_E, of the way.
        """
        for k, rows in enumerate(self.labels):
            rows.assign(
                steps.mix(
                    rows.read_value(),
                    teacher.features.batch(k),
                    teacher.classifier.read_value(),
                    share,
                )
            )
        self.forget()

    def mean_weights(self):
        """The mean of the closed-form solutions: `[D, K]`."""
        return tf.add_n(self.weights).numpy() / len(self.weights)

    def state(self):
        """All that changes, as arrays by name."""
        return {
            "labels": np.stack([rows.numpy() for rows in self.labels]),
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
