"""Any Keras loss as the loss to given labels."""

import functools

import keras
import tensorflow as tf

from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError


def rule(name, value):
    """Rule of an argument: None, or anything that Keras takes as a loss.

    Args:
        name: str, name of the argument.
        value: None; a name of `keras.losses`; a `keras.losses.Loss`; or a
            function of targets and predictions.

    Returns:
        None, or a `KerasLoss`.

    Raises:
        ConfigurationError: anything else, or a loss that is a sum.
    """
    if value is None or isinstance(value, KerasLoss):
        return value
    return KerasLoss.of(value, name)


class KerasLoss:
    """The mean over a batch of a Keras loss.

    Losses get soft targets `[B, K]` and probabilities `[B, K]`; where
    `from_logits` is True, logits in place of probabilities; and integer labels
    in place of targets where they take those: where the name of the class or
    function begins with "sparse", or `check` finds that targets do not fit.

    Args:
        loss: `keras.losses.Loss`, or function of targets and predictions to
            losses `[B]` or to a scalar.

    Attributes:
        loss: the loss that was passed.
        sparse: bool, whether it takes integer labels.
        from_logits: bool, whether it takes logits.
    """

    def __init__(self, loss):
        self.loss = loss
        inner = loss.func if isinstance(loss, functools.partial) else loss
        named = getattr(inner, "__name__", type(inner).__name__)
        self.sparse = named.lower().startswith("sparse")
        given = getattr(loss, "keywords", {})
        self.from_logits = bool(
            getattr(loss, "from_logits", given.get("from_logits", False))
        )

    @classmethod
    def of(cls, value, name="loss"):
        """From anything that Keras takes as a loss.

        Args:
            value: as of `rule`.
            name: str, name of the argument.

        Raises:
            ConfigurationError: anything else, or a loss that is a sum.
        """
        try:
            found = keras.losses.get(value)
        except (ValueError, TypeError):
            found = None
        if not callable(found):
            raise ConfigurationError(
                f"Expected `{name}` to be the name of a Keras loss, a "
                "`keras.losses.Loss`, or a function of targets and "
                f"predictions. Received: {name}={value!r}"
            )
        if getattr(found, "reduction", None) == "sum":
            raise ConfigurationError(
                f"Expected `{name}` with a mean over samples, for which "
                "learning rates are set. Received: reduction='sum'"
            )
        return cls(found)

    def __call__(self, targets, logits, labels=None, weights=None):
        """The mean loss of a batch.

        Args:
            targets: float `[B, K]`, distributions.
            logits: float `[B, K]`.
            labels: int `[B]`, the given labels, for sparse losses.
            weights: float `[B]`, what the loss of each sample is multiplied by,
                or None; for losses that are `per_sample`.

        Returns:
            float32 scalar.
        """
        loss = self.each(targets, logits, labels)
        return tf.reduce_mean(loss if weights is None else weights * loss)

    def each(self, targets, logits, labels=None):
        """The loss of each sample: float32 `[B]`, or a scalar.

        Args:
            targets: as of `__call__`.
            logits: as of `__call__`.
            labels: as of `__call__`.
        """
        logits = tf.cast(logits, tf.float32)
        predictions = logits if self.from_logits else tf.nn.softmax(logits)
        true = labels if self.sparse else tf.cast(targets, tf.float32)
        # `call` has no reduction, unlike the object itself.
        of = self.loss
        if isinstance(of, keras.losses.Loss):
            of = of.call
        return tf.cast(of(true, predictions), tf.float32)

    def per_sample(self, num_classes):
        """Whether it is a loss of each sample, and not of a batch alone.

        Args:
            num_classes: int, number of classes K.
        """
        return _example(self.each, num_classes).shape.rank == 1

    def check_each(self, num_classes):
        """Raises unless there is a loss of each sample, to be weighted.

        Args:
            num_classes: int, number of classes K.

        Raises:
            ConfigurationError: the loss is a scalar.
        """
        if not self.per_sample(num_classes):
            raise ConfigurationError(
                "Expected a loss with a value for each sample beside "
                f"`class_weight`. Received: {self.loss!r}, which returns one "
                "for all"
            )

    def check(self, num_classes):
        """Finds out whether it takes targets or labels.

        Args:
            num_classes: int, number of classes K.

        Raises:
            ConfigurationError: it takes neither; with the error of the loss.
        """
        failures = []
        for sparse in dict.fromkeys((self.sparse, True)):
            self.sparse = sparse
            try:
                _example(self, num_classes)
                return
            except Exception as error:
                first = str(error).strip().partition("\n")[0]
                failures.append(f"{type(error).__name__}: {first}")
        raise ConfigurationError(
            f"Expected a loss of targets [B, {num_classes}] and predictions "
            f"[B, {num_classes}]. Received: {self.loss!r}, which fails with "
            f"{failures[0]}"
        )

    def serialize(self):
        """The loss as Keras saves it.

        Raises:
            ConfigurationError: a function that Keras cannot find again, or an
                object of which it loses arguments.
        """
        config = serialization.serialized("loss", self.loss)
        restored = KerasLoss(keras.saving.deserialize_keras_object(config))
        restored.sparse = self.sparse
        if float(_example(self)) != float(_example(restored)):
            # As of `Huber`, whose delta Keras 3.15 does not save.
            raise ConfigurationError(
                "Expected a loss that Keras restores as it was; a function "
                "decorated by `@keras.saving.register_keras_serializable()` "
                f"is one. Received: {self.loss!r}, of which arguments are lost"
            )
        return config

    def __eq__(self, other):
        return isinstance(other, KerasLoss) and serialization.same(
            self.loss, other.loss
        )

    __hash__ = None

    def __repr__(self):
        return f"KerasLoss({self.loss!r})"


def _example(loss, num_classes=3):
    """The loss of a fixed batch, of another size than there are classes."""
    labels = tf.range(num_classes + 1) % num_classes
    targets = 0.8 * tf.one_hot(labels, num_classes) + 0.2 / num_classes
    logits = tf.linspace(-1.0, 3.0, (num_classes + 1) * num_classes)
    return loss(targets, tf.reshape(logits, targets.shape), labels)
