"""A queue of the last feature vectors of a training, as a weight."""

import keras
import tensorflow as tf

from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import distribution
from noisy_keras.utils.errors import ConfigurationError


@keras.saving.register_keras_serializable(package="noisy_keras")
class FeatureQueue(SampleTable):
    """A queue of fixed size, whose oldest rows are replaced by new ones.

    Rows are zeros until they are filled. Rows and position are saved,
    non-trainable weights, so every checkpoint has them.

    Args:
        size: int, number of rows Q.
        width: int, number of columns d.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:
        >>> queue = FeatureQueue(4, 1)
        >>> queue.push([[1.0], [2.0], [3.0]])
        >>> queue.push([[4.0], [5.0]])
        >>> queue.numpy()[:, 0]
        array([5., 2., 3., 4.], dtype=float32)
    """

    def __init__(self, size, width, **kwargs):
        super().__init__(size, width, **kwargs)
        self.position = self.add_weight(
            shape=(),
            initializer="zeros",
            dtype="int64",
            trainable=False,
            autocast=False,
            aggregation="none",
            name="position",
        )

    def all_rows(self):
        """All rows: float32 `[Q, d]`."""
        return tf.convert_to_tensor(self.rows.value)

    def clear(self):
        """Empties the queue."""
        self.rows.assign(keras.ops.zeros_like(self.rows))
        self.position.assign(0)

    def push(self, rows):
        """Replaces the oldest rows.

        Under a strategy the rows of all replicas are added, in the order of the
        replicas, so that all copies of the queue stay equal.

        Args:
            rows: float `[B, d]`; on all replicas together at most Q rows.

        Raises:
            ConfigurationError: more rows than Q.
        """
        rows = tf.convert_to_tensor(rows)
        count = rows.shape[0] * distribution.num_replicas()
        if count > self.num_samples:
            raise ConfigurationError(
                "Expected a queue of at least as many rows as there are in a "
                f"batch, {count}. Received: a queue of {self.num_samples}"
            )
        begin = tf.convert_to_tensor(self.position.value)
        replica = tf.cast(distribution.replica_id(), tf.int64)
        first = begin + replica * rows.shape[0]
        places = first + tf.range(rows.shape[0], dtype=tf.int64)
        self.write(places % self.num_samples, rows)
        # In place and inside a replica, as in `write`.
        tf.raw_ops.AssignVariableOp(
            resource=self.position.value.handle,
            value=(begin + count) % self.num_samples,
        )

    def get_config(self):
        return {
            "size": self.num_samples,
            "width": self.width,
            "name": self.name,
        }
