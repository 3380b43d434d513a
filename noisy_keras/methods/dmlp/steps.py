"""What one visit to a batch does to labels and classifier, compiled.

Everything here is a function of tensors. A visit's cost depends on its batch
alone, whatever the number of samples.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

from noisy_keras.ops import losses
from noisy_keras.ops import ridge

_BETAS = (0.5, 0.999)
_EPSILON = 1e-8
# Steps on little data cost less than a loop's turns; but a graph has an end.
_UNROLLED = 32


class Adam(NamedTuple):
    """What Adam remembers of a value: two moments and the steps it made."""

    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor

    @classmethod
    def fresh(cls, shape):
        """As before the first step."""
        return cls(tf.zeros(shape), tf.zeros(shape), tf.zeros([]))


def adam(value, gradient, slots, rate, weight_decay=0.0):
    """A step of Adam with coupled weight decay and betas of 0.5 and 0.999.

    Args:
        value: tensor.
        gradient: of its shape.
        slots: its `Adam`.
        rate: learning rate.
        weight_decay: times the value, is added to the gradient.

    Returns:
        The new value and its `Adam`.
    """
    gradient += weight_decay * value
    beta_1, beta_2 = _BETAS
    steps = slots.steps + 1.0
    first = beta_1 * slots.first + (1.0 - beta_1) * gradient
    second = beta_2 * slots.second + (1.0 - beta_2) * tf.square(gradient)
    mean = first / (1.0 - tf.pow(beta_1, steps))
    scale = tf.sqrt(second / (1.0 - tf.pow(beta_2, steps))) + _EPSILON
    return value - rate * mean / scale, Adam(first, second, steps)


def responses(classifier, features):
    """Logits of a linear classifier, the last row of which is its bias.

    Args:
        classifier: `[D + 1, K]`.
        features: `[M, D]`.

    Returns:
        `[M, K]`.
    """
    return features @ classifier[:-1] + classifier[-1]


class Visit(NamedTuple):
    """What a visit leaves behind.

    Attributes:
        labels: `[b, K]`.
        slots: their `Adam`.
        classifier: `[D + 1, K]`.
        classifier_slots: its `Adam`.
        weights: `[D, K]`, the closed-form solution to the labels before.
        loss: scalar, of `ridge.response_loss`.
        classifier_loss: scalar, mean over its steps.
    """

    labels: tf.Tensor
    slots: Adam
    classifier: tf.Tensor
    classifier_slots: Adam
    weights: tf.Tensor
    loss: tf.Tensor
    classifier_loss: tf.Tensor


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
        self.visit = tf.function(self._visit, jit_compile=jit)
        self.decay = tf.function(self._decay, jit_compile=jit)
        self.mix = tf.function(_mix, jit_compile=jit)

    def _visit(
        self,
        features,
        weight,
        whitening,
        trusted,
        targets,
        labels,
        slots,
        classifier,
        classifier_slots,
        rates,
    ):
        """Lines 5 to 13 of the paper's Algorithm 1.

        Args:
            features: `[b, D]`.
            weight: `[b]`, see `ridge.label_gradient`.
            whitening: `[D, D]`, of this batch.
            trusted: features of the validation samples, `[V, D]`.
            targets: their labels, `[V, K]`.
            labels: `[b, K]`.
            slots: their `Adam`.
            classifier: `[D + 1, K]`.
            classifier_slots: its `Adam`.
            rates: learning rates of labels and classifier, `[2]`.

        Returns:
            A `Visit`.
        """
        settings = self.settings
        # Intrinsic correction, lines 6 to 9.
        found = ridge.label_gradient(
            labels,
            features,
            whitening,
            trusted,
            targets,
            settings.form,
            weight,
            self.prior,
        )
        if settings.label_optimizer == "gradient_descent":
            decay = settings.label_weight_decay * labels
            labels -= rates[0] * (found.gradient + decay)
        else:
            labels, slots = adam(
                labels,
                found.gradient,
                slots,
                rates[0],
                settings.label_weight_decay,
            )
        # Extrinsic correction, lines 12 and 13.
        classifier, classifier_slots, classifier_loss = self._fit_classifier(
            features,
            labels,
            weight,
            classifier,
            classifier_slots,
            rates[1],
        )
        return Visit(
            labels,
            slots,
            classifier,
            classifier_slots,
            found.weights,
            found.loss,
            classifier_loss,
        )

    def _fit_classifier(
        self, features, labels, weight, classifier, slots, rate
    ):
        count, size = self.settings.slices
        num_classes = labels.shape[1]
        # The top class, and so without a gradient.
        targets = tf.one_hot(tf.argmax(labels, axis=1), num_classes)

        def part(tensor, number):
            return tensor[number * size : (number + 1) * size]

        def step(number, classifier, slots, total):
            rows = [part(t, number) for t in (features, targets, weight)]
            with tf.GradientTape() as tape:
                tape.watch(classifier)
                logits = responses(classifier, rows[0])
                loss = self.classifier_loss(logits, *rows[1:])
            classifier, slots = adam(
                classifier,
                tape.gradient(loss, classifier),
                slots,
                rate,
                self.settings.classifier_weight_decay,
            )
            return number + 1, classifier, slots, total + loss

        state = (0, classifier, slots, tf.zeros([]))
        if count <= _UNROLLED:
            for _ in range(count):
                state = step(*state)
        else:
            state = tf.while_loop(
                lambda number, *_: number < count,
                step,
                state,
                maximum_iterations=count,
            )
        _, classifier, slots, total = state
        return classifier, slots, total / count

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

    def _decay(self, labels, slots, rate):
        """What Adam does to labels of another batch when it runs on all."""
        none = tf.zeros_like(labels)
        decay = self.settings.label_weight_decay
        return adam(labels, none, slots, rate, decay)


def _mix(labels, features, classifier, share):
    """Line 15: labels go some way to what a classifier says (equation 11)."""
    predicted = tf.nn.softmax(responses(classifier, features))
    return (1.0 - share) * labels + share * predicted
