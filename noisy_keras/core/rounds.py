"""A user's own datasets as rounds of training."""

from noisy_keras.data import batches
from noisy_keras.utils.errors import ConfigurationError


class _DatasetRound:
    """A user's own dataset as a round."""

    batch_size = None  # Whatever its elements say.
    num_samples = 0  # Likewise.

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
    """A round of ours, or a user's dataset as one."""
    return item if isinstance(item, batches.Round) else _DatasetRound(item)
