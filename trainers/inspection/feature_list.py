"""Features to be predicted: the rows of files, with their ids and labels."""

import dataclasses

import numpy as np
import tensorflow as tf

from noisy_keras.core import vectors
from noisy_keras.data.io import feature_arrays
from noisy_keras.data.io import feature_tables
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureList:
    """The samples of one or more files.

    Attributes:
        parts: list of arrays `[n, D]`.
        ids: list of N str.
        paths: list of N str, "" where the file has none.
        labels: list of N str, given labels, "" where there is none.
        others: empty tuple, as nothing is passed over.
        left_out: empty dict, likewise.
    """

    parts: list
    ids: list
    paths: list
    labels: list
    others: tuple = ()
    left_out: dict = dataclasses.field(default_factory=dict)

    def in_batches(self, model, paths, batch_size=64, temperature=1.0):
        """Predicts batch by batch, as `prediction.in_batches` does pictures.

        Args:
            model: `NoisyLabelModel` of features.
            paths: unused.
            batch_size: int, number of samples in memory at a time.
            temperature: float above 0, by which logits are divided.

        Yields:
            Position of the batch's first sample; class probabilities float32
            `[n, K]`; and an empty dict, as all rows can be read.
        """
        del paths
        predict = tf.function(
            lambda rows: tf.nn.softmax(
                model.logits(rows) / tf.cast(temperature, tf.float32)
            ),
            input_signature=[
                tf.TensorSpec([None, *model.image_shape], tf.float32)
            ],
        )
        done = 0
        for part in self.parts:
            for first in range(0, len(part), batch_size):
                rows = vectors.checked(model, part[first : first + batch_size])
                yield done + first, predict(tf.constant(rows)).numpy(), {}
            done += len(part)


def read(inputs, model):
    """Reads files of features.

    Args:
        inputs: list of str, paths of `.npz`, `.npy` or `.parquet` files.
        model: `NoisyLabelModel` of features.

    Returns:
        A `FeatureList`.

    Raises:
        OSError: a file does not exist.
        ConfigurationError: another kind of file, or features that do not fit
            the model.
    """
    found = FeatureList([], [], [], [])
    for path in inputs:
        table = feature_tables.read(path, labels_needed=False)
        what = f"features of {table.path}"
        features = feature_arrays.read(table.arrays["features"], what)
        if features.shape[1:] != model.image_shape:
            raise ConfigurationError(
                f"Expected {what} of {model.image_shape[0]} columns, as the "
                f"model was built for. Received: shape {features.shape}"
            )
        feature_arrays.scan(features, what)
        count = len(features)
        names = [str(first) for first in range(count)]
        found.parts.append(features)
        found.ids.extend(_text(table, "ids", count) or names)
        found.paths.extend(_text(table, "paths", count) or [""] * count)
        labels = _text(table, "labels", count)
        if labels and np.ndim(table.arrays["labels"]) == 1:
            known = table.arrays.get("class_names")
            found.labels.extend(_named(labels, known))
        else:
            found.labels.extend([""] * count)
    return found


def _text(table, name, count):
    """An array as a list of str, or None."""
    values = table.arrays.get(name)
    if values is None:
        return None
    if len(values) != count:
        raise ConfigurationError(
            f"Expected {count} {name} in {table.path}, one per row of the "
            f"features. Received: {len(values)}"
        )
    return [str(value) for value in values]


def _named(labels, class_names):
    """Labels by name, where numbers index the names of the file."""
    if class_names is None:
        return labels
    names = [str(name) for name in class_names]
    numbers = {str(number): name for number, name in enumerate(names)}
    return [
        label if label in names else numbers.get(label, label)
        for label in labels
    ]
