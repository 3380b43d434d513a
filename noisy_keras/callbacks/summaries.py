"""What TensorBoard shows of a run."""

import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core import distribution


class Summaries(keras.callbacks.Callback):
    """Writes scalars and histograms for TensorBoard, once per epoch.

    Scalars are the epoch's metrics; histograms are the clean probabilities and
    the losses of the last division, one per network; and of methods with a
    trusted set, the weights of samples and the trust in their given labels, at
    each sample's last step.

    Args:
        directory: of the event files.
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = os.fspath(directory)

    def on_train_begin(self, logs=None):
        self._writer = None
        if distribution.is_chief(self.model.distribute_strategy):
            self._writer = tf.summary.create_file_writer(self.directory)

    def on_epoch_end(self, epoch, logs=None):
        if self._writer is None:
            return
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, value)
            for name in ("clean_probability", "loss_table"):
                table = getattr(self.model, name, None)
                if table is None:
                    continue
                rows = table.numpy()
                for k in range(len(self.model.networks)):
                    tf.summary.histogram(f"{name}/network_{k}", rows[:, k])
            for name in ("sample_weight", "kept"):
                table = getattr(self.model, name, None)
                last = table.numpy()[:, 0] if table is not None else np.zeros(0)
                if (last >= 0.0).any():
                    tf.summary.histogram(name, last[last >= 0.0])
        self._writer.flush()

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
