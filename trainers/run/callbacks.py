"""Callbacks that runs of all kinds share."""

import os

import keras

from noisy_keras import callbacks
from noisy_keras.utils import distribution
from trainers.run import folder as run_folder
from trainers.run import loggers


def logs(run, folder, phase=None, source=None):
    """The callbacks that write the metrics of each epoch.

    Args:
        run: `Run`.
        folder: str, folder of the run.
        phase: str, name of a recipe's phase, or None.
        source: `Source` in training, whose labels are judged, or None.

    Returns:
        A list of callbacks.
    """
    found = [
        callbacks.MetricsLog(os.path.join(folder, run_folder.METRICS), phase)
    ]
    if loggers.TENSORBOARD in run.loggers:
        events = os.path.join(folder, run_folder.TENSORBOARD)
        found.append(callbacks.Summaries(events, source))
    if distribution.is_chief(run.strategy):
        settings = run.settings.as_dict()
        found += loggers.callbacks(run.loggers, folder, settings, phase)
    return found


def freezing(run):
    """The callback that trains the classifier alone first, if asked for.

    Args:
        run: `Run`.

    Returns:
        A list of callbacks.
    """
    epochs = run.settings.training.get("freeze_epochs")
    return [callbacks.FreezeBackbone(epochs)] if epochs else []


class TestAccuracy(keras.callbacks.Callback):
    """Adds accuracy and loss on the test set to the logs of each epoch.

    Nothing is selected by them.

    Args:
        source: `Source` of the test split.
    """

    __test__ = False  # For pytest: it is not a class of tests.

    def __init__(self, source):
        super().__init__()
        self.source = source

    def on_epoch_end(self, epoch, logs=None):
        results = self.model.evaluate(self.source, return_dict=True, verbose=0)
        if logs is not None:
            logs["test_accuracy"] = results["accuracy"]
            logs["test_loss"] = results["loss"]
