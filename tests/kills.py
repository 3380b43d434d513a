"""Simulates the end of a process within that of a test."""

import keras


class Killed(Exception):
    """Stands for the end of a process."""


class KillAfter(keras.callbacks.Callback):
    """Ends training after a batch; pass it after callbacks that save the batch.

    Args:
        batches: int, number of batches to train on first.
        epoch: int, epoch from whose start on they are counted.
    """

    def __init__(self, batches, epoch=0):
        super().__init__()
        self.left = batches
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.left -= self.model.position.epoch >= self.epoch
        if self.left == 0:
            raise Killed
