"""What is measured, recorded and drawn while a run trains."""

import os

import keras

from noisy_keras import callbacks
from trainers.run import folder as run_folder


def test_accuracy(run):
    """The callback that also measures on the test set, where it is another.

    Args:
        run: a `Run`.

    Returns:
        A list of one callback, or of none.
    """
    if run.validation is None or run.test is None:
        return []  # What there is, is already judged each epoch.
    return [_TestAccuracy(run.test)]


def records(folder, source, picture_every, phase=None):
    """The callbacks that write a run's files.

    Args:
        folder: of the run.
        source: the `Source` in training.
        picture_every: epochs between pictures, or None.
        phase: name of a recipe's phase, or None.

    Returns:
        A list of callbacks.
    """
    return [
        *logs(folder, phase, source),
        callbacks.LossHistograms(
            source, os.path.join(folder, run_folder.HISTOGRAMS), phase
        ),
        callbacks.MaskPictures(
            source,
            os.path.join(folder, run_folder.PICTURES),
            every=picture_every,
            tensorboard=os.path.join(folder, run_folder.TENSORBOARD),
        ),
    ]


def logs(folder, phase=None, source=None):
    """Those of them that write what is measured."""
    return [
        callbacks.MetricsLog(os.path.join(folder, run_folder.METRICS), phase),
        callbacks.Summaries(
            os.path.join(folder, run_folder.TENSORBOARD), source
        ),
    ]


class _TestAccuracy(keras.callbacks.Callback):
    """Reports accuracy on the test set; nothing is selected by it."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def on_epoch_end(self, epoch, logs=None):
        results = self.model.evaluate(self.source, return_dict=True, verbose=0)
        if logs is not None:
            logs["test_accuracy"] = results["accuracy"]
            logs["test_loss"] = results["loss"]
