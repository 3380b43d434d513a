"""What one visit to a batch does to labels and classifier, compiled.

Everything here is a function of tensors. A visit's cost depends on its batch
alone, whatever the number of samples.
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
        classifier: `[D + 1, K]`.
        features: `[M, D]`.

    Returns:
        `[M, K]`.
    """
    return features @ classifier[:-1] + classifier[-1]


class StepSettings(NamedTuple):
    """What is compiled into the steps: see `LabelPurifier`.

    Attributes:
        prior: K shares.
        slices: `(S, n)`: the classifier takes S steps a visit on n rows each,
            the first of the batch.
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
        purifier: a `LabelPurifier`.
        prior: `[K]`.
        slices: see `StepSettings`.

    Returns:
        `StepSettings`.
    """
    chosen = {
        name: value
        for name, value in purifier.settings.items()
        if name in StepSettings._fields
    }
    if purifier.jit_compile == "auto":
        # On a CPU the classifier's steps take a multiple of the time so.
        devices = tf.config.list_logical_devices()
        kinds = {device.device_type for device in devices}
        chosen["jit_compile"] = bool(kinds & {"GPU", "TPU"})
    chosen |= {"prior": tuple(map(float, prior)), "slices": slices}
    return StepSettings(**chosen)


@functools.lru_cache(maxsize=16)
def compiled(settings):
    """`Steps` of some `StepSettings`; once compiled, for all purifications."""
    return Steps(settings)


class Steps:
    """The steps of a `LabelPurifier`, as its settings want them.

    Args:
        settings: `StepSettings`.
    """

    def __init__(self, settings):
        self.settings = settings
        self.prior = tf.constant(settings.prior, tf.float32)
        jit = settings.jit_compile
        # Loops are TensorFlow's own here; looking for others takes seconds.
        self.visit = tf.function(self._visit, jit_compile=jit, autograph=False)
        self.decay = tf.function(self._decay, jit_compile=jit, autograph=False)
        self.mix = tf.function(_mix, jit_compile=jit, autograph=False)

    def _visit(self, batches, states, targets, rates):
        """Lines 5 to 13 of the paper's Algorithm 1, in each view.

        Views know nothing of each other. In one graph the small operations of
        one have a core while those of the other have the next.

        Args:
            batches: tuple of a `Batch` of each view.
            states: tuple of their `Changing`.
            targets: labels of the validation samples, `[V, K]`.
            rates: learning rates of labels and classifier, `[2]`.

        Returns:
            List of `Visit`s.
        """
        return [
            self._visit_one(batch, state, targets, rates)
            for batch, state in zip(batches, states, strict=True)
        ]

    def _visit_one(self, batch, state, targets, rates):
        # Lines 6 to 8: where the labels are to go.
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
        # Line 9 and, on the labels that it leaves, lines 12 and 13: slice by
        # slice, for what is in the cache is multiplied faster, and a product
        # with 2 K columns takes little longer than one with K.
        count, size = self.settings.slices

        def step(number, moving, written):
            def rows(tensor):
                # Of a size that XLA sees in a loop, too.
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
        # Unrolled it is no faster, and takes seconds to compile.
        _, moving, written = tf.while_loop(
            lambda number, *_: number < count,
            step,
            (0, moving, written),
            maximum_iterations=count,
        )

        def rest(tensor):
            return tensor[count * size :]

        # Followers teach nothing.
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
        """Labels of some rows, and what the classifier learns of them."""
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
        # The top class, and so without a gradient.
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
            logits: `[n, K]`.
            targets: `[n, K]`.
            weight: of rows, `[n]`.

        Returns:
            scalar.
        """
        settings = self.settings
        outputs = balanced = logits
        if settings.repeated_softmax:
            # As released: probabilities are taken for logits, twice.
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
        """What Adam does to labels of another batch when it runs on all."""
        none = tf.zeros_like(labels)
        decay = self.settings.label_weight_decay
        labels, slots = adam(labels, none, slots, rate, decay)
        return labels, slots, _moments(batch, labels)


def _part(slots, rows):
    return Adam(rows(slots.first), rows(slots.second), slots.steps)


def _moments(batch, labels):
    return ridge.moments(batch.features, labels, batch.weight)


def _mix(batch, labels, classifier, share, other):
    """Line 15: labels go some way to what a classifier says (equation 11).

    Args:
        batch: `Batch`.
        labels: `[b + q, K]`.
        classifier: of the view `other`.
        share: eta_E, of the way.
        other: features of that view, `[b + q, D]`.

    Returns:
        New labels and their moments.
    """
    predicted = tf.nn.softmax(responses(classifier, other))
    labels = (1.0 - share) * labels + share * predicted
    return labels, _moments(batch, labels)
