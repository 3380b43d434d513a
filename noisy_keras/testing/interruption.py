"""The end of a process, simulated within a test."""

import keras


class Killed(Exception):
    """Stands for the end of a process."""


class KillAfter(keras.callbacks.Callback):
    """Ends training after some batches by raising `Killed`.

    It comes last in a list of callbacks, after one that saves the batch.

    Args:
        batches: int, number of batches to be trained before.
        epoch: int, epoch from whose start on they are counted.

    Example:
        >>> from noisy_keras.testing import KillAfter, Killed, toy
        >>> source = toy.source(64)
        >>> model = nk.CrossEntropy(toy.network(), source)
        >>> model.compile()
        >>> try:
        ...     model.fit(source, callbacks=[KillAfter(1)], verbose=0)
        ... except Killed:
        ...     print(model.position.step)
        1
    """

    def __init__(self, batches, epoch=0):
        super().__init__()
        self.left = batches
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.left -= self.model.position.epoch >= self.epoch
        if self.left == 0:
            raise Killed
