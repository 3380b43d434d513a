"""Datasets of a user's own as rounds of training."""

from noisy_keras.data import batches
from noisy_keras.utils.errors import ConfigurationError


class _DatasetRound:
    """A dataset of a user's own as a round."""

    batch_size = None  # That of its elements, which is not checked.
    num_samples = 0  # Unknown.

    def __init__(self, dataset):
        self.steps = int(dataset.cardinality())
        if self.steps < 0:
            raise ConfigurationError(
                "Expected rounds of known, finite length. Received: a dataset "
                f"of cardinality {self.steps}; use `take(steps)` or "
                "`apply(tf.data.experimental.assert_cardinality(steps))`."
            )
        self._dataset = dataset

    def distributed(self, strategy, first_step):
        del strategy  # Keras splits it.
        return self._dataset.skip(first_step)


def as_round(item):
    """Returns a `Round` as it is, and a dataset as an object like one.

    Args:
        item: `Round`, or `tf.data.Dataset` of `{phase: fields}`.

    Raises:
        ConfigurationError: a dataset of unknown or infinite length.
    """
    return item if isinstance(item, batches.Round) else _DatasetRound(item)
