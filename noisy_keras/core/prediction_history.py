"""What a network said of each sample before it was trained on it."""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core import settings
from noisy_keras.core.sample_table import SampleTable

# Of a probability, before its logarithm.
_LEAST = 1e-7


@keras.saving.register_keras_serializable(package="noisy_keras")
class PredictionHistory(SampleTable):
    """The weighted sum of the predictions of each sample: rows `[N, K]`.

    A network that has learnt every label by heart gives all of them a low
    loss; what it said earlier still tells them apart.

    Args:
        num_samples: N, rows.
        width: K, classes.
        decay: in (0, 1], what a new prediction leaves of the weight of the
            earlier ones: 1 counts all alike, 0.9 about the last ten.

    Example:
        >>> history = PredictionHistory(2, 2)
        >>> history.add([0], [[0.0, 0.0]])
        >>> history.add([0], [[0.0, 100.0]])
        >>> history.mean()
        array([[0.25, 0.75],
               [0.  , 0.  ]], dtype=float32)
        >>> history.loss([1, 0]).round(3)
        array([0.288,   nan], dtype=float32)
    """

    def __init__(self, num_samples, width, decay=1.0, **kwargs):
        super().__init__(num_samples, width, **kwargs)
        self.decay = settings.within(0, 1, "(]")("decay", decay)

    def add(self, index, logits):
        """Adds predictions to their rows.

        Args:
            index: int `[B]`.
            logits: float `[B, K]`.
        """
        earlier = self.decay * self.read(index)
        self.write(index, earlier + tf.nn.softmax(logits))

    def mean(self):
        """Mean prediction: `[N, K]`; zeros where there is none."""
        return _mean(self.numpy())

    def seen(self):
        """Whether there is a prediction: bool `[N]`."""
        return self.numpy().any(axis=1)

    def loss(self, labels):
        """Cross-entropy of the mean to labels: see `mean_loss`."""
        return mean_loss(self.numpy(), labels)

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


def mean_loss(total, labels):
    """Cross-entropy of mean predictions to labels.

    Args:
        total: float `[N, K]`, rows of a `PredictionHistory`.
        labels: int `[N]`.

    Returns:
        float32 `[N]`, NaN where there is no prediction.
    """
    given = np.take_along_axis(_mean(total), np.asarray(labels)[:, None], 1)
    loss = -np.log(np.maximum(given[:, 0], _LEAST))
    return np.where(total.any(axis=1), loss, np.nan).astype(np.float32)


def _mean(total):
    count = total.sum(axis=1, keepdims=True)
    return total / np.maximum(count, 1e-12)
