"""Summaries of a run for TensorBoard."""

import math
import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.utils import distribution


class Summaries(keras.callbacks.Callback):
    """Writes scalars and histograms for TensorBoard, once per epoch.

    The scalars are the metrics of the epoch. The histograms are, per network,
    the clean probabilities and losses of the last division; for methods with a
    trusted set, the weights of samples and the trust in their given labels at
    the last step of each sample; and for methods that judge labels by a history
    of predictions, the loss of the mean prediction.

    Args:
        directory: str or path-like, folder of the event files.
        source: `Source` in training, which the histogram of the mean
            prediction's loss needs; or None.
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
                # A loss term that no step of the epoch has is not written.
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
        """Losses of the mean predictions in the history, if there is one."""
        history = getattr(self.model, "prediction_history", None)
        source = self.source
        # A phase of a recipe may train on part of the source.
        if None in (history, source) or history.num_samples != len(source):
            return np.zeros(0)
        loss = history.loss(source.labels)
        return loss[~np.isnan(loss)]

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
