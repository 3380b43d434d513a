"""Keras metrics of given labels, each with labels in the form that it wants."""

import inspect

import keras
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

# Keras finds out itself which of its metrics these names mean.
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")
# Compares values for equality.
_EXACT = "Accuracy"


@keras.saving.register_keras_serializable(package="noisy_keras")
class OneHot(keras.metrics.Metric):
    """A Keras metric that gets one-hot labels for integer ones.

    Args:
        metric: `keras.metrics.Metric` of one-hot labels and probabilities.
        num_classes: int, number of classes K.
    """

    def __init__(self, metric, num_classes):
        super().__init__(name=metric.name, dtype=metric.dtype)
        self.metric = metric
        self.num_classes = num_classes

    def update_state(self, y_true, y_pred, sample_weight=None):
        labels = tf.reshape(tf.cast(y_true, tf.int32), [-1])
        return self.metric.update_state(
            tf.one_hot(labels, self.num_classes), y_pred, sample_weight
        )

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        return {
            "metric": keras.saving.serialize_keras_object(self.metric),
            "num_classes": self.num_classes,
        }

    @classmethod
    def from_config(cls, config):
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(metric, config["num_classes"])


def prepared(metrics, num_classes):
    """Metrics that integer labels can be passed to.

    Keras' own metrics of one-hot labels, such as `CategoricalAccuracy`, `AUC`,
    `Precision` and `F1Score`, get those. Metrics and functions of other
    packages get integers.

    Args:
        metrics: a metric, or a list, tuple or dict of them: each a name that
            Keras knows, a `keras.metrics.Metric`, or a function of labels and
            predictions.
        num_classes: int, number of classes K.

    Returns:
        list.

    Raises:
        ConfigurationError: a metric that cannot be computed of labels and
            probabilities; the message names the one that can.
    """
    if metrics is None:
        return []
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if not isinstance(metrics, (list, tuple)):
        metrics = [metrics]
    if any(isinstance(m, (list, tuple, dict)) for m in metrics):
        raise ConfigurationError(
            "Expected `metrics` to be one list: the model has one output. "
            f"Received: {metrics!r}"
        )
    return [_prepared(m, num_classes) for m in metrics]


def _prepared(metric, num_classes):
    if isinstance(metric, OneHot) or metric in _BY_SHAPE:
        return metric
    if isinstance(metric, str):
        try:
            found = keras.metrics.get(metric)
        except ValueError as error:
            raise ConfigurationError(
                "Expected the name of a Keras metric, such as 'accuracy'. "
                f"Received: {metric!r}"
            ) from error
    else:
        found = keras.metrics.get(metric)
    if inspect.isclass(found):
        found = found()
    if not isinstance(found, keras.metrics.Metric):
        if not _is_keras(found) or found.__name__.startswith("sparse"):
            return metric
        found = keras.metrics.MeanMetricWrapper(found, name=found.__name__)
    if not _wants_one_hot(found):
        return found
    _check_width(found, num_classes)
    wrapped = OneHot(found, num_classes)
    # Some make their variables in their first step, where they cannot be made.
    wrapped.update_state(
        tf.zeros([1], tf.int32), tf.fill([1, num_classes], 1.0 / num_classes)
    )
    wrapped.reset_state()
    return wrapped


def _is_keras(value):
    return getattr(value, "__module__", "").partition(".")[0] == "keras"


def _wants_one_hot(metric):
    """Whether a metric gets one-hot labels; raises if no labels suit it."""
    kind = type(metric).__name__
    if not _is_keras(type(metric)):
        return False
    function = getattr(metric, "_fn", None)
    if kind == _EXACT:
        raise _unsuitable(metric, "'accuracy'")
    if getattr(metric, "sparse_y_pred", False):
        raise _unsuitable(
            metric, "`keras.metrics.OneHotIoU` or `OneHotMeanIoU`"
        )
    if hasattr(metric, "sparse_y_true"):
        return not metric.sparse_y_true
    if kind == "MeanMetricWrapper":
        return _is_keras(function) and not function.__name__.startswith(
            "sparse"
        )
    parameters = inspect.signature(metric.update_state).parameters
    if "y_pred" not in parameters:
        raise _unsuitable(metric, "a metric of labels and predictions")
    return not kind.startswith("Sparse")


def _check_width(metric, num_classes):
    """Raises where a metric was made for another number of classes."""
    for name in ("num_classes", "num_labels"):
        given = getattr(metric, name, None)
        if given is not None and given != num_classes:
            raise ConfigurationError(
                f"Expected the metric {metric.name!r} with {name}="
                f"{num_classes}, as the model has classes. Received: {given}"
            )


def _unsuitable(metric, instead):
    return ConfigurationError(
        f"Expected {instead} among `metrics`, as the model predicts "
        f"probabilities [B, K]. Received: {type(metric).__name__}"
    )
