"""A table with a row per training sample, as a weight of the model."""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.utils import arguments
from noisy_keras.utils import distribution
from noisy_keras.utils.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="noisy_keras")
class SampleTable(keras.layers.Layer):
    """One row per training sample: soft labels, clean probabilities, losses.

    The rows are a saved, non-trainable weight, so every checkpoint and every
    `.keras` file has them. A row is addressed by the `index` of the sample in
    its source, which never changes. The cost of a step depends on the batch
    alone, not on the number of rows.

    Args:
        num_samples: int, number of rows N.
        width: int, number of columns.
        initial_value: float, initial value of all entries.
        storage: str, `"float32"`, or `"float16"` for large tables of
            probabilities whose last digits do not matter.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ConfigurationError: no row or no column, or another storage.

    Example:
        >>> table = SampleTable(4, 2)
        >>> table.write([1, 3], [[0.25, 0.75], [1.0, 0.0]])
        >>> table.read([3, 0]).numpy()
        array([[1., 0.],
               [0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        num_samples,
        width,
        initial_value=0.0,
        storage="float32",
        **kwargs,
    ):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        if num_samples < 1 or width < 1:
            raise ConfigurationError(
                "Expected at least one row and one column. "
                f"Received: num_samples={num_samples}, width={width}"
            )
        self.num_samples = int(num_samples)
        self.width = int(width)
        self.initial_value = float(initial_value)
        self.storage = arguments.one_of("float32", "float16")(
            "storage", storage
        )
        self.rows = self.add_weight(
            shape=(self.num_samples, self.width),
            initializer=keras.initializers.Constant(self.initial_value),
            dtype=self.storage,
            trainable=False,
            autocast=False,
            aggregation="none",
            name="rows",
        )
        self.built = True

    def read(self, index):
        """Gathers rows.

        Args:
            index: int `[B]` in `[0, num_samples)`.

        Returns:
            float32 `[B, width]`.
        """
        return tf.cast(tf.gather(self.rows.value, index), tf.float32)

    def write(self, index, values):
        """Replaces rows.

        Where an index occurs twice, one of its rows is kept. Under a strategy
        the rows of all replicas are written on each of them, so that all copies
        of the table stay equal.

        Args:
            index: int `[B]`.
            values: float `[B, width]`.
        """
        index = distribution.all_gather(tf.convert_to_tensor(index))
        values = distribution.all_gather(tf.cast(values, self.storage))
        # The raw operation writes in place and, unlike the variable's own
        # scatter, also inside a replica and under XLA.
        tf.raw_ops.ResourceScatterUpdate(
            resource=self.rows.value.handle, indices=index, updates=values
        )

    def assign(self, values):
        """Replaces the whole table.

        Args:
            values: float `[num_samples, width]`.

        Raises:
            ConfigurationError: another shape.
        """
        values = np.asarray(values, self.storage)
        if values.shape != (self.num_samples, self.width):
            raise ConfigurationError(
                f"Expected values of shape {(self.num_samples, self.width)}. "
                f"Received: {values.shape}"
            )
        self.rows.assign(values)

    def numpy(self):
        """The whole table: array `[num_samples, width]`, as it is stored."""
        return self.rows.numpy()

    def get_config(self):
        return {
            "num_samples": self.num_samples,
            "width": self.width,
            "initial_value": self.initial_value,
            "storage": self.storage,
            "name": self.name,
        }
