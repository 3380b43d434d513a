"""The compiled steps of DMLP: the update of labels and auxiliary classifier.

All steps are functions of tensors. The cost of a visit depends on the size of
its batch, and not on the number of samples.

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier, CVPR 2023, Algorithm 1. "The released code" is `DMLP.py` of
https://github.com/yuanpengtu/DMLP.
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
    """Logits of a linear classifier.

    Args:
        classifier: float tensor `[D + 1, K]`; the last row is the bias.
        features: float tensor `[M, D]`.

    Returns:
        Float tensor `[M, K]`.
    """
    return features @ classifier[:-1] + classifier[-1]


class StepSettings(NamedTuple):
    """The settings that are compiled into the steps.

    Attributes that are not described here are arguments of `LabelPurifier`.

    Attributes:
        prior: tuple of K floats, class frequencies that sum to 1.
        slices: pair `(S, n)` of ints: in each visit the auxiliary classifier
            takes S steps on n rows each, which are the first `S * n` rows of
            the batch.
        jit_compile: bool, whether XLA compiles the steps.
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
        prior: float array `[K]`, class frequencies.
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
        # On a CPU, XLA makes the classifier's steps several times slower.
        devices = tf.config.list_logical_devices()
        kinds = {device.device_type for device in devices}
        chosen["jit_compile"] = bool(kinds & {"GPU", "TPU"})
    chosen |= {"prior": tuple(map(float, prior)), "slices": slices}
    return StepSettings(**chosen)


@functools.lru_cache(maxsize=16)
def compiled(settings):
    """`Steps` for `StepSettings`, cached so that they are compiled once."""
    return Steps(settings)


class Steps:
    """The compiled steps of a `LabelPurifier`.

    Args:
        settings: `StepSettings`.
    """

    def __init__(self, settings):
        self.settings = settings
        self.prior = tf.constant(settings.prior, tf.float32)
        jit = settings.jit_compile
        # All loops are `tf.while_loop`s, and AutoGraph would take seconds to
        # look for others.
        self.visit = tf.function(self._visit, jit_compile=jit, autograph=False)
        self.decay = tf.function(self._decay, jit_compile=jit, autograph=False)
        self.mix = tf.function(_mix, jit_compile=jit, autograph=False)

    def _visit(self, batches, states, targets, rates):
        """Lines 5 to 13 of the paper's Algorithm 1, in each view.

        Views are independent of each other. They share one graph, so that
        their small operations run on several cores at once.

        Args:
            batches: tuple of `Batch`, one per view.
            states: tuple of `Changing`, one per view.
            targets: float32 tensor `[V, K]`, one-hot labels of the trusted
                samples.
            rates: float32 tensor `[2]`, learning rates of labels and auxiliary
                classifier.

        Returns:
            List of `Visit`s, one per view.
        """
        return [
            self._visit_one(batch, state, targets, rates)
            for batch, state in zip(batches, states, strict=True)
        ]

    def _visit_one(self, batch, state, targets, rates):
        # Lines 6 to 8: the gradient of the loss on trusted samples with respect
        # to the labels is the product of the features and `direction`.
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
        # Line 9, and lines 12 and 13 on the updated labels. Both are done slice
        # by slice: a slice fits into the cache, and one product with 2 K
        # columns is faster than two with K.
        count, size = self.settings.slices

        def step(number, moving, written):
            def rows(tensor):
                # `tf.slice` has a static size, which XLA needs in a loop.
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
        # Unrolling the loop is no faster, and takes seconds to compile.
        _, moving, written = tf.while_loop(
            lambda number, *_: number < count,
            step,
            (0, moving, written),
            maximum_iterations=count,
        )

        def rest(tensor):
            return tensor[count * size :]

        # Followers are corrected, but the classifier is not trained on them.
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
        """Corrects the labels of a slice and trains the classifier on them."""
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
        # Targets are hard labels, which have no gradient.
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

        Source: DMLP, equation 10, where the entropy has weight 1. The released
        code gives it a negative weight, and adds a penalty on predictions
        whose mean differs from the prior.

        Args:
            logits: float tensor `[n, K]`.
            targets: float tensor `[n, K]`, one-hot labels.
            weight: float tensor `[n]`, sample weights.

        Returns:
            Float scalar.
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
        """The step of `"whole_table_adam"` on the labels of another batch.

        As in the released code: the gradient is zero, but weight decay and
        moments still change the labels.
        """
        none = tf.zeros_like(labels)
        decay = self.settings.label_weight_decay
        labels, slots = adam(labels, none, slots, rate, decay)
        return labels, slots, _moments(batch, labels)


def _part(slots, rows):
    return Adam(rows(slots.first), rows(slots.second), slots.steps)


def _moments(batch, labels):
    return ridge.moments(batch.features, labels, batch.weight)


def _mix(batch, labels, classifier, share, other):
    """Line 15: moves labels towards a classifier's predictions (equation 11).

    Args:
        batch: `Batch` of the labels' view.
        labels: float tensor `[b + q, K]`.
        classifier: float tensor `[D + 1, K]`, auxiliary classifier of the other
            view.
        share: float scalar in (0, 1], step eta_E.
        other: float tensor `[b + q, D]`, features of the other view.

    Returns:
        The new labels and their moments `[D, K]`.
    """
    predicted = tf.nn.softmax(responses(classifier, other))
    labels = (1.0 - share) * labels + share * predicted
    return labels, _moments(batch, labels)
