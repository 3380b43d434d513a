"""Visits to a batch, which change labels and classifier, compiled.

All functions are of tensors. The cost of a visit depends on its batch alone,
not on the number of samples.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

from noisy_keras.methods.dmlp.adam import Adam
from noisy_keras.methods.dmlp.adam import adam
from noisy_keras.methods.dmlp.visit import Changing
from noisy_keras.methods.dmlp.visit import Moving
from noisy_keras.methods.dmlp.visit import Visit
from noisy_keras.ops import losses
from noisy_keras.ops import ridge


def responses(classifier, features):
    """Logits of a linear classifier, the last row of which is its bias.

    Args:
        classifier: float32 `[D + 1, K]`.
        features: float32 `[M, D]`.

    Returns:
        float32 `[M, K]`.
    """
    return features @ classifier[:-1] + classifier[-1]


class StepSettings(NamedTuple):
    """What is compiled into the steps: see `LabelPurifier`.

    Attributes:
        prior: K floats, frequencies of the classes.
        slices: pair `(S, n)`: the classifier takes S steps per visit, on n rows
            each.
    """

    form: str
    label_optimizer: str
    label_weight_decay: float
    classifier_weight_decay: float
    entropy_weight: float
    balance_weight: float
    repeated_softmax: bool
    prior: tuple
    slices: tuple
    jit_compile: bool


def step_settings(purifier, prior, slices):
    """The `StepSettings` of a `LabelPurifier`.

    Args:
        purifier: `LabelPurifier`.
        prior: float `[K]`, frequencies of the classes.
        slices: pair of ints, see `StepSettings`.

    Returns:
        `StepSettings`.
    """
    chosen = {
        name: value
        for name, value in purifier.settings.items()
        if name in StepSettings._fields
    }
    if purifier.jit_compile == "auto":
        # On a CPU the steps of the classifier are several times slower by XLA.
        devices = tf.config.list_logical_devices()
        kinds = {device.device_type for device in devices}
        chosen["jit_compile"] = bool(kinds & {"GPU", "TPU"})
    chosen |= {"prior": tuple(map(float, prior)), "slices": slices}
    return StepSettings(**chosen)


@functools.lru_cache(maxsize=16)
def compiled(settings):
    """The `Steps` of some settings, compiled once for all purifications.

    Args:
        settings: `StepSettings`.
    """
    return Steps(settings)


class Steps:
    """The steps of a `LabelPurifier` with some settings.

    Args:
        settings: `StepSettings`.
    """

    def __init__(self, settings):
        self.settings = settings
        self.prior = tf.constant(settings.prior, tf.float32)
        jit = settings.jit_compile
        # All loops are TensorFlow's; to search for others takes seconds.
        self.visit = tf.function(self._visit, jit_compile=jit, autograph=False)
        self.decay = tf.function(self._decay, jit_compile=jit, autograph=False)
        self.mix = tf.function(_mix, jit_compile=jit, autograph=False)

    def _visit(self, batches, states, targets, rates):
        """Lines 5 to 13 of the paper's Algorithm 1, in each view.

        Views are independent of each other. In one graph their small operations
        run on several cores at once.

        Args:
            batches: tuple of `Batch`, one per view.
            states: tuple of `Changing`, one per view.
            targets: float32 `[V, K]`, labels of the trusted samples.
            rates: float32 `[2]`, learning rates of labels and classifier.

        Returns:
            A list of `Visit`, one per view.
        """
        return [
            self._visit_one(batch, state, targets, rates)
            for batch, state in zip(batches, states, strict=True)
        ]

    def _visit_one(self, batch, state, targets, rates):
        # Lines 6 to 8: the gradient of the labels.
        found = ridge.correction(
            state.moments,
            batch.features,
            batch.whitening,
            batch.trusted,
            targets,
            self.settings.form,
            batch.weight,
            self.prior,
        )
        # Line 9, and lines 12 and 13 on the new labels. Both are done slice by
        # slice: a slice fits into the cache, and a product with 2 K columns
        # takes little longer than one with K.
        count, size = self.settings.slices

        def step(number, moving, written):
            def rows(tensor):
                # Of static size for XLA, within a loop, too.
                rest = [0] * (len(tensor.shape) - 1)
                return tf.slice(
                    tensor, [number * size, *rest], [size, *tensor.shape[1:]]
                )

            labels, moving = self._visit_slice(
                batch, state, rows, found.direction, moving, rates
            )
            written = [
                array.write(number, value)
                for array, value in zip(written, labels, strict=True)
            ]
            return number + 1, moving, written

        moving = Moving(
            state.classifier,
            state.classifier_slots,
            tf.zeros_like(state.moments),
            tf.zeros([]),
        )
        shape = [size, state.labels.shape[1]]
        written = [
            tf.TensorArray(tf.float32, count, element_shape=shape)
            for _ in range(3)
        ]
        # An unrolled loop is not faster, and takes seconds to compile.
        _, moving, written = tf.while_loop(
            lambda number, *_: number < count,
            step,
            (0, moving, written),
            maximum_iterations=count,
        )

        def rest(tensor):
            return tensor[count * size :]

        # Followers do not enter the classifier.
        labels, slots = self._correct(
            rest(state.labels),
            rest(batch.features) @ found.direction,
            _part(state.slots, rest),
            rates[0],
        )
        labels, first, second = (
            tf.concat([array.concat(), value], axis=0)
            for array, value in zip(
                written, (labels, slots.first, slots.second), strict=True
            )
        )
        changed = Changing(
            labels,
            Adam(first, second, slots.steps),
            moving.moments,
            moving.classifier,
            moving.slots,
        )
        return Visit(changed, found.weights, found.loss, moving.loss / count)

    def _visit_slice(self, batch, state, rows, direction, moving, rates):
        """New labels of some rows, and a step of the classifier on them."""
        features, weight = rows(batch.features), rows(batch.weight)
        num_classes = state.labels.shape[1]
        gradient, logits = tf.split(
            features @ tf.concat([direction, moving.classifier[:-1]], axis=1),
            2,
            axis=1,
        )
        labels, slots = self._correct(
            rows(state.labels), gradient, _part(state.slots, rows), rates[0]
        )
        # The top class, which has no gradient.
        targets = tf.one_hot(tf.argmax(labels, axis=1), num_classes)
        logits += moving.classifier[-1]
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = self.classifier_loss(logits, targets, weight)
        to_logits = tape.gradient(loss, logits)
        moments, to_kernel = tf.split(
            ridge.moments(
                features,
                tf.concat([labels * weight[:, None], to_logits], axis=1),
            ),
            2,
            axis=1,
        )
        to_bias = tf.reduce_sum(to_logits, axis=0, keepdims=True)
        classifier, classifier_slots = adam(
            moving.classifier,
            tf.concat([to_kernel, to_bias], axis=0),
            moving.slots,
            rates[1],
            self.settings.classifier_weight_decay,
        )
        moving = Moving(
            classifier,
            classifier_slots,
            moving.moments + moments,
            moving.loss + loss,
        )
        return (labels, slots.first, slots.second), moving

    def _correct(self, labels, gradient, slots, rate):
        """Line 9: a step of the labels' optimizer."""
        decay = self.settings.label_weight_decay
        if self.settings.label_optimizer == "gradient_descent":
            return labels - rate * (gradient + decay * labels), slots
        return adam(labels, gradient, slots, rate, decay)

    def classifier_loss(self, logits, targets, weight):
        """Loss of the auxiliary classifier.

        Source: DMLP equation 10, whose entropy has weight 1; the released code
        has a negative weight, and a penalty on unbalanced predictions.

        Args:
            logits: float32 `[n, K]`.
            targets: float32 `[n, K]`, distributions.
            weight: float32 `[n]`, weights of the rows.

        Returns:
            float32 scalar.
        """
        settings = self.settings
        outputs = balanced = logits
        if settings.repeated_softmax:
            # As in the released code: softmax is applied to probabilities, once
            # more for the entropy and twice more for the penalty.
            outputs = tf.nn.softmax(logits)
            balanced = tf.nn.softmax(outputs)
        log_p = tf.nn.log_softmax(outputs)
        wanted = targets + settings.entropy_weight * tf.exp(log_p)
        each = -tf.reduce_sum(wanted * log_p, axis=1)
        count = tf.maximum(tf.reduce_sum(weight), 1.0)
        penalty = losses.class_balance_penalty(balanced, weight, self.prior)
        return (
            tf.reduce_sum(weight * each) / count
            + settings.balance_weight * penalty
        )

    def _decay(self, batch, labels, slots, rate):
        """A step of Adam on labels of another batch, whose gradient is 0."""
        none = tf.zeros_like(labels)
        decay = self.settings.label_weight_decay
        labels, slots = adam(labels, none, slots, rate, decay)
        return labels, slots, _moments(batch, labels)


def _part(slots, rows):
    return Adam(rows(slots.first), rows(slots.second), slots.steps)


def _moments(batch, labels):
    return ridge.moments(batch.features, labels, batch.weight)


def _mix(batch, labels, classifier, share, other):
    """Line 15: moves labels towards the predictions of a classifier (eq. 11).

    Args:
        batch: `Batch`.
        labels: float32 `[b + q, K]`.
        classifier: float32 `[D + 1, K]`, of another view.
        share: float32 scalar in (0, 1], eta_E.
        other: float32 `[b + q, D]`, features of that view.

    Returns:
        The new labels and their moments.
    """
    predicted = tf.nn.softmax(responses(classifier, other))
    labels = (1.0 - share) * labels + share * predicted
    return labels, _moments(batch, labels)
