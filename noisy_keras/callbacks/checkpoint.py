"""Checkpoints from which training resumes exactly."""

import os
import time

import keras
import tensorflow as tf

from noisy_keras.core.training import Position
from noisy_keras.utils import distribution
from noisy_keras.utils.errors import ConfigurationError

# The name of what a prediction history notes beside its table.
_PROGRESS = "history_progress"


class ResumableCheckpoint(keras.callbacks.Callback):
    """Saves the complete state of training, and restores it automatically.

    The state consists of the weights with all tables, the optimizer, the
    running metrics and the position (epoch, round and step). Order, views and
    random numbers are functions of the seed and the position. A process that
    was killed at any moment, and is started again, therefore ends with the
    weights that it would have had; on one CPU, bit for bit.

    Saving within an epoch sets the moving statistics of all replicas to their
    mean, as the end of an epoch does. With several workers it does not, and
    after a restart from such a checkpoint all have the statistics of the first
    replica.

    Pass this callback last, so that a checkpoint at the end of an epoch is
    saved after the other callbacks have written their files.

    Args:
        directory: str or path-like, folder of the checkpoints, created if
            necessary.
        minutes: float, minutes between saves within an epoch. The end of every
            epoch is saved in any case.
        keep: int, number of checkpoints to keep.

    Raises:
        ValueError: When training begins, if the folder contains a checkpoint of
            another model.

    Example:
        >>> source = nk.data.load("digits")
        >>> model = nk.CrossEntropy("tiny", source)
        >>> model.compile()
        >>> checkpoint = nk.callbacks.ResumableCheckpoint("run/checkpoints")
        >>> history = model.fit(
        ...     source, epochs=30, callbacks=[checkpoint], verbose=0
        ... )
    """

    def __init__(self, directory, minutes=10.0, keep=2):
        super().__init__()
        self.directory = os.fspath(directory)
        self.seconds = 60.0 * minutes
        self.keep = keep

    def on_train_begin(self, logs=None):
        self._saved_at = time.monotonic()
        self._counters = {
            name: tf.Variable(0, dtype=tf.int64, trainable=False)
            for name in ("epoch", "round", "step")
        }
        variables = _by_name(self.model)
        checkpoint = tf.train.Checkpoint(
            variables=variables, **self._counters, **self._progress()
        )
        self._manager = tf.train.CheckpointManager(
            checkpoint, self._folder(), max_to_keep=self.keep
        )
        latest = tf.train.latest_checkpoint(self.directory)
        if latest is None:
            return
        found = [name for name, _ in tf.train.list_variables(latest)]
        if not any(name.startswith(_PROGRESS + "/") for name in found):
            # One of version 0.1.0.
            checkpoint = tf.train.Checkpoint(
                variables=variables, **self._counters
            )
        try:
            checkpoint.restore(latest).assert_consumed()
        except (ValueError, AssertionError) as error:
            raise ConfigurationError(
                f"Expected a checkpoint of this very model in {latest}. "
                "Received: one with other variables or shapes; specify another "
                "folder, or build the model that it was saved from."
            ) from error
        if self._noted is not None:
            self.model.prediction_history.progress = self._noted.numpy()
        self.model._resume_from = Position(
            **{name: int(v) for name, v in self._counters.items()}
        )

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._saved_at >= self.seconds:
            # A checkpoint stores one copy of the statistics that replicas keep
            # separately within an epoch. Several workers do not synchronise
            # here: their clocks differ, so that they would wait for each other.
            if not distribution.is_multi_worker(self.model.distribute_strategy):
                self.model.synchronize()
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self._save()

    def _save(self):
        position = self.model.position
        for name, counter in self._counters.items():
            counter.assign(getattr(position, name))
        if self._noted is not None:
            self._noted.assign(self.model.prediction_history.progress)
        self._manager.save()
        self._saved_at = time.monotonic()

    def _progress(self):
        """A variable of what the model's history notes beside its table."""
        self._noted = None
        history = getattr(self.model, "prediction_history", None)
        if history is None:
            return {}
        self._noted = tf.Variable(
            history.progress, shape=[None, 2], trainable=False
        )
        return {_PROGRESS: self._noted}

    def _folder(self):
        """Folder of this worker; all must save, but only the chief's counts."""
        strategy = self.model.distribute_strategy
        if distribution.is_chief(strategy):
            return self.directory
        task = strategy.cluster_resolver.task_id
        return os.path.join(self.directory, f"worker_{task}")


def _by_name(model):
    """Variables of a model, its optimizer and metrics, by stable names."""
    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": [v for m in model.metrics for v in m.variables],
    }
    return {
        f"{group}_{number}": variable.value
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }
