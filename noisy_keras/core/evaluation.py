"""Datasets that Keras evaluates and predicts, with the checks of sources."""

import contextlib

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import given_labels
from noisy_keras.data.sources.array_source import is_batched
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


class Checked:
    """A dataset whose images and labels are checked while it is read.

    Args:
        dataset: `tf.data.Dataset` of images, or of tuples `(image,)`, `(image,
            label)` or `(image, label, sample_weight)`, or of dicts with `image`
            and `label`; batched or not. Labels may have any form that
            `given_labels.read` takes but soft labels.
        image_shape: `(H, W, C)` of the model's images, or `(D,)` of its
            features.
        class_names: tuple of K str, or None if the classes have no names.
        num_classes: int, K.
        pixel_scale: float, value of a white pixel; None if it is not known.
        batch_size: int, number of samples in a batch where the dataset has
            none.

    Attributes:
        dataset: `tf.data.Dataset` of tuples of batches: images as they are,
            int32 labels `[B]`, and weights.
    """

    def __init__(
        self,
        dataset,
        image_shape,
        class_names,
        num_classes,
        pixel_scale,
        batch_size,
    ):
        self._shape = image_shape
        self._names = class_names
        self._classes = num_classes
        self._scale = pixel_scale
        self._error = None
        self.dataset = self._mapped(dataset, batch_size)

    def _mapped(self, dataset, batch_size):
        spec = dataset.element_spec
        if isinstance(spec, dict):
            if "image" not in spec:
                raise ConfigurationError(
                    "Expected a dataset of (image, label), or of dicts with "
                    f"`image` and `label`. Received: dicts of {sorted(spec)}"
                )
            names = fields_of(spec)
            dataset = dataset.map(lambda row: tuple(row[n] for n in names))
        elif isinstance(spec, tf.TensorSpec):
            dataset = dataset.map(lambda image: (image,))
        elif not isinstance(spec, tuple) or len(spec) > 3:
            raise ConfigurationError(
                "Expected a dataset of (image, label) or of (image, label, "
                f"sample_weight). Received: elements {spec}"
            )
        vectors = len(self._shape) == 1
        if not is_batched(dataset, vectors):
            dataset = dataset.batch(batch_size)
        shape = dataset.element_spec[0].shape
        if shape.rank == 3:
            shape = shape.concatenate(1)  # Grey images.
        if shape.rank is not None and not shape[1:].is_compatible_with(
            self._shape
        ):
            raise ConfigurationError(
                f"Expected images as the model was built for: {self._shape}. "
                f"Received: {tuple(shape[1:])}, from {dataset.element_spec[0]}"
            )
        count = dataset.cardinality()
        checked = dataset.enumerate().map(self._checked)
        # An error raised within would come with a traceback of TensorFlow's, so
        # the dataset ends and `told` raises.
        checked = checked.take_while(lambda valid, labels, row: valid)
        checked = checked.map(self._row).prefetch(2)
        if count >= 0:
            # For progress bars.
            count = tf.data.experimental.assert_cardinality(count)
            checked = checked.apply(count)
        return checked

    def _checked(self, number, row):
        images, *rest = row
        if images.dtype.is_floating:
            values = tf.cast(images, tf.float32)
            # Of vectors, which have no range, whether all are finite.
            found = [
                tf.reduce_min(values),
                tf.reduce_max(values),
                tf.reduce_all(tf.math.is_finite(values))
                if len(self._shape) == 1
                else tf.reduce_all(values == tf.round(values)),
            ]
        else:
            found = [0.0, 255.0, True]
        labels = rest[0] if rest else tf.zeros([0], tf.int32)
        valid, labels = tf.numpy_function(
            self._check, [number, *found, labels], (tf.bool, tf.int32)
        )
        return tf.ensure_shape(valid, []), labels, row

    def _row(self, valid, labels, row):
        del valid
        images, *rest = row
        if images.shape.rank == 3:
            images = images[..., None]
        images = tf.ensure_shape(images, [images.shape[0], *self._shape])
        if not rest:
            return (images,)
        return images, tf.ensure_shape(labels, [images.shape[0]]), *rest[1:]

    def _check(self, number, low, high, whole, labels):
        """Whether a batch is valid, and its labels as int32 `[B]`."""
        try:
            if len(self._shape) == 1:
                check_finite(whole)
            else:
                check_scale(low, high, whole, self._scale)
            if not labels.size:
                return True, np.zeros([0], np.int32)
            given = given_labels.read(
                labels, self._names, self._classes, soft_allowed=False
            )
            return True, np.array(given.labels)
        except ConfigurationError as error:
            self._error = ConfigurationError(f"{error} (in batch {number})")
            return False, np.zeros([0], np.int32)

    @contextlib.contextmanager
    def told(self):
        """Raises what a check has found, once the block has read the data."""
        self._error = None
        try:
            yield
        except Exception:
            # Such as that the data have ended early.
            if self._error is None:
                raise
        if self._error is not None:
            raise self._error


def fields_of(spec):
    """The names of the fields that are read from dicts, in order.

    Args:
        spec: dict, elements of a dataset.

    Returns:
        list of str.
    """
    return [n for n in ("image", "label", "sample_weight") if n in spec]


def check_finite(finite):
    """Raises unless features are finite.

    Args:
        finite: bool.

    Raises:
        ConfigurationError: they are not.
    """
    if not finite:
        raise ConfigurationError(
            "Expected finite numbers as features. Received: NaN or infinity"
        )


def check_scale(low, high, whole, expected):
    """Raises unless pixel values are in the range that a model takes.

    Args:
        low: float, lowest pixel value.
        high: float, highest pixel value.
        whole: bool, whether all are whole numbers.
        expected: float, value of a white pixel; None if it is not known.

    Raises:
        ConfigurationError: they are not.
    """
    found = checks.pixel_scale(float(low), float(high), bool(whole), expected)
    if expected is not None and found != expected:
        raise other_scale(expected, found)


def other_scale(expected, found, what=""):
    """The error for images in another range than a model was built for.

    Args:
        expected: float, value of a white pixel.
        found: float, that of the images.
        what: str, the images in words, or "".

    Returns:
        `ConfigurationError`.
    """
    mend = "multiply" if expected > found else "divide"
    return ConfigurationError(
        f"Expected white pixels as the model was built for: {expected:g}. "
        f"Received: {found:g}{what}; {mend} the images by 255"
    )
