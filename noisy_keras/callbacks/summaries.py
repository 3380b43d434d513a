"""What TensorBoard shows of a run."""

import math
import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.utils import distribution


class Summaries(keras.callbacks.Callback):
    """Writes scalars and histograms for TensorBoard, once per epoch.

    Scalars are the epoch's metrics; histograms are the clean probabilities and
    the losses of the last division, one per network; and of methods with a
    trusted set, the weights of samples and the trust in their given labels, at
    each sample's last step. Of methods that judge labels by what was predicted
    before each step, also the loss of the mean of those predictions.

    Args:
        directory: of the event files.
        source: the `Source` in training, for the last of these; or None.
    """

    def __init__(self, directory, source=None):
        super().__init__()
        self.directory = os.fspath(directory)
        self.source = source

    def on_train_begin(self, logs=None):
        self._writer = None
        if distribution.is_chief(self.model.distribute_strategy):
            self._writer = tf.summary.create_file_writer(self.directory)

    def on_epoch_end(self, epoch, logs=None):
        if self._writer is None:
            return
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                # A term that the epoch did not have has no point.
                if not math.isnan(value):
                    tf.summary.scalar(name, value)
            for name in ("clean_probability", "loss_table"):
                table = getattr(self.model, name, None)
                if table is None:
                    continue
                rows = table.numpy()
                for k in range(len(self.model.networks)):
                    tf.summary.histogram(f"{name}/network_{k}", rows[:, k])
            loss = self._mean_loss()
            if len(loss):
                tf.summary.histogram("mean_loss", loss)
            for name in ("sample_weight", "kept"):
                table = getattr(self.model, name, None)
                last = table.numpy()[:, 0] if table is not None else np.zeros(0)
                if (last >= 0.0).any():
                    tf.summary.histogram(name, last[last >= 0.0])
        self._writer.flush()

    def _mean_loss(self):
        """Of the mean of remembered predictions, where there are any."""
        history = getattr(self.model, "prediction_history", None)
        source = self.source
        # A phase of a recipe may train on a part of the source.
        if None in (history, source) or history.num_samples != len(source):
            return np.zeros(0)
        loss = history.loss(source.labels)
        return loss[~np.isnan(loss)]

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
