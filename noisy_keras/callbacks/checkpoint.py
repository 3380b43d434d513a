"""A checkpoint from which training goes on as if it had never stopped."""

import os
import time

import keras
import tensorflow as tf

from noisy_keras.core.training import Position
from noisy_keras.utils import distribution
from noisy_keras.utils.errors import ConfigurationError


class ResumableCheckpoint(keras.callbacks.Callback):
    """Saves everything that training depends on, and restores it by itself.

    That is the weights with all tables, the optimizer, the running metrics and
    the position (epoch, round, step). Order, views and random numbers are
    functions of the seed and the position, so a process that was killed at any
    moment ends, once started again, with the weights it would have had. On
    one CPU that holds bit for bit. Saving within an epoch sets the replicas'
    moving statistics to their mean, as its end does; with several workers it
    does not, and from such a checkpoint all have the first replica's.

    Put it last: what other callbacks write at an epoch's end is then there
    whenever the checkpoint says that the epoch is done.

    A folder with the checkpoint of another model is a `ValueError` when
    training begins.

    Args:
        directory: of the checkpoints; made if need be.
        minutes: between saves within an epoch; every epoch's end is saved
            anyway.
        keep: checkpoints to keep.

    Example:
        >>> source = nk.data.load("digits")
        >>> model = nk.SANM("tiny", source)
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
        checkpoint = tf.train.Checkpoint(
            variables=_by_name(self.model), **self._counters
        )
        self._manager = tf.train.CheckpointManager(
            checkpoint, self._folder(), max_to_keep=self.keep
        )
        latest = tf.train.latest_checkpoint(self.directory)
        if latest is None:
            return
        try:
            checkpoint.restore(latest).assert_consumed()
        except (ValueError, AssertionError) as error:
            raise ConfigurationError(
                f"Expected a checkpoint of this very model in {latest}. "
                "Received: one with other variables or shapes; name another "
                "folder, or build the model that it was saved from."
            ) from error
        self.model._resume_from = Position(
            **{name: int(v) for name, v in self._counters.items()}
        )

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._saved_at >= self.seconds:
            # A checkpoint has one copy of what replicas keep apart within an
            # epoch. Not so with several workers, who would wait for each other
            # here, and whose clocks differ.
            if not distribution.is_multi_worker(self.model.distribute_strategy):
                self.model.synchronize()
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self._save()

    def _save(self):
        position = self.model.position
        for name, counter in self._counters.items():
            counter.assign(getattr(position, name))
        self._manager.save()
        self._saved_at = time.monotonic()

    def _folder(self):
        """Every worker must take part in saving; only the chief's is kept."""
        strategy = self.model.distribute_strategy
        if distribution.is_chief(strategy):
            return self.directory
        task = strategy.cluster_resolver.task_id
        return os.path.join(self.directory, f"worker_{task}")


def _by_name(model):
    """All variables of a model, its optimizer and metrics, by stable names."""
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
