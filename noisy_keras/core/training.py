"""`fit` of a noisy-label model: epochs of rounds under one callback list.

Keras' `fit` cuts a dataset of changing length to what its first epoch showed,
so every round is one inner `fit` of exact length. Callbacks see epochs: their
hooks fire once per epoch, with batches counted over its rounds.
"""

import dataclasses
import math
import time
from typing import Protocol

import keras
import numpy as np

from noisy_keras.core import inputs
from noisy_keras.core import rounds as rounds_module
from noisy_keras.utils.errors import ConfigurationError

# Batches between looks at the loss, each of which waits for the device.
_CHECK_EVERY = 20


@dataclasses.dataclass
class Position:
    """A place in training: this many epochs, rounds and steps are done."""

    epoch: int = 0
    round: int = 0
    step: int = 0

    @property
    def inside_epoch(self):
        return bool(self.round or self.step)


class Schedule(Protocol):
    """Deals the rounds of each epoch."""

    def begin_epoch(self, epoch):
        """Measures and divides, where the method does so before an epoch.

        Not called again when training resumes inside the epoch: what it found
        is in the tables.
        """

    def __call__(self, epoch):
        """The epoch's rounds: a list of `Round`s or `tf.data.Dataset`s."""


def fit(
    model,
    x=None,
    y=None,
    *,
    batch_size=None,
    epochs=1,
    verbose="auto",
    callbacks=None,
    validation_split=0.0,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    initial_epoch=0,
    steps_per_epoch=None,
    validation_steps=None,
    validation_batch_size=None,
    validation_freq=1,
    seed=0,
):
    """Trains a model for a number of epochs.

    Args:
        model: a compiled `NoisyLabelModel`.
        x: what to train on:
            a `Source`; images as an array with labels in `y`; a `tf.data`
            dataset of `(image, label)`, which is read into memory once (one
            that shuffles must be the same object when training goes on); a
            schedule (`schedule(epoch)` returns a list of datasets of
            `{phase: fields}`); or one dataset of `{phase: fields}`.
        y: labels int `[N]`, for images as an array.
        batch_size: B; default: the method's.
        epochs: number of the last epoch.
        verbose: as in Keras.
        callbacks: standard Keras callbacks; none is needed for the method.
        validation_split: not used: a model has one row per training sample,
            so the split comes before it (`source.hold_out`).
        validation_data: a `Source`, a dataset, or a tuple of arrays.
        shuffle: True; the order is a function of (seed, epoch).
        class_weight: not used by these methods.
        sample_weight: not used by these methods.
        initial_epoch: number of the first epoch, from 0.
        steps_per_epoch: bound on the steps of each round; None takes all.
        validation_steps: batches of validation data; None takes all.
        validation_batch_size: default 500.
        validation_freq: epochs between validations.
        seed: of order, views and everything random in the steps.

    Returns:
        Keras' `History`.

    Raises:
        ValueError: an argument that the method cannot honour.
        FloatingPointError: the loss became NaN or infinite; noticed within 20
            calls of the compiled step.
    """
    model._assert_compile_called("fit")
    for name, value in (
        ("class_weight", class_weight),
        ("sample_weight", sample_weight),
    ):
        if value is not None:
            raise ConfigurationError(
                f"Expected no `{name}`: {type(model).__name__} weighs samples "
                "by itself."
            )
    if validation_split:
        raise ConfigurationError(
            "Expected no `validation_split`: the model is built for the "
            "training samples alone. Split first, `train, validation = "
            "source.hold_out(share)`, and pass `validation_data`."
        )
    if not shuffle:
        raise ConfigurationError(
            "Expected `shuffle=True`; the order is a function of `seed`."
        )
    if not 0 <= initial_epoch <= epochs or epochs < 1:
        raise ConfigurationError(
            "Expected at least 1 epoch and an `initial_epoch` up to it. "
            f"Received: epochs={epochs}, initial_epoch={initial_epoch}"
        )
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigurationError(
            f"Expected `seed` to be an integer in [0, 2^32). Received: {seed!r}"
        )
    schedule = inputs.as_schedule(
        model, x, y, batch_size, seed, steps_per_epoch
    )
    validation = inputs.as_validation(
        model, validation_data, validation_batch_size
    )
    outer = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=None,
    )
    model.stop_training = False
    model._resume_from = None
    outer.on_train_begin()
    # A callback may have restored a checkpoint and said where training is:
    # ours, or Keras' BackupAndRestore, which the inner `fit` must not hear.
    restored = getattr(model, "_initial_epoch", None)
    model._initial_epoch = None
    position = model._resume_from or Position(
        initial_epoch if restored is None else restored
    )
    logs = None
    for epoch in range(position.epoch, epochs):
        start = position if epoch == position.epoch else Position(epoch)
        _train_epoch(model, schedule, start, outer, epochs, verbose)
        logs = _epoch_logs(model)
        _check_finite(logs, epoch)
        if validation is not None and _is_due(epoch + 1, validation_freq):
            began = time.monotonic()
            results = keras.Model.evaluate(
                model,
                validation,
                steps=validation_steps,
                callbacks=_RoundCallbacks(outer, 0),
                return_dict=True,
                verbose=0,
            )
            logs |= {f"val_{name}": v for name, v in results.items()}
            model.epoch_seconds["evaluation"] = time.monotonic() - began
        outer.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    outer.on_train_end(logs)
    return model.history


def _train_epoch(model, schedule, start, outer, epochs, verbose):
    """Trains the rounds of one epoch, from a position on."""
    epoch = start.epoch
    # A recipe counts its epochs through; this method counts its own.
    own = epoch - model.first_epoch
    model.position = start
    # The division is part of an epoch's time, and comes before its hooks.
    model.epoch_began = time.monotonic()
    if not start.inside_epoch:
        model.reset_metrics()
        begin = getattr(schedule, "begin_epoch", None)
        if begin is not None:
            begin(own)
    divided = time.monotonic()
    model.epoch_seconds = {"division": divided - model.epoch_began}
    rounds = [rounds_module.as_round(item) for item in schedule(own)]
    lengths = [r.steps for r in rounds]
    model.epoch_samples = 0
    outer.set_params(
        {"verbose": verbose, "epochs": epochs, "steps": sum(lengths) or None}
    )
    outer.on_epoch_begin(epoch)
    if model.stop_training:
        return  # The inner `fit` would forget that it was asked to stop.
    # Metrics are means over all rounds of the epoch.
    model._keep_metrics = True
    try:
        for number, one in enumerate(rounds):
            first = start.step if number == start.round else 0
            if number < start.round or first >= one.steps:
                continue
            model.position = Position(epoch, number, first)
            model.batch_size = one.batch_size
            share = (one.steps - first) / one.steps
            model.epoch_samples += round(one.num_samples * share)
            keras.Model.fit(
                model,
                one.distributed(model.distribute_strategy, first),
                epochs=epoch + 1,
                initial_epoch=epoch,
                callbacks=_RoundCallbacks(outer, sum(lengths[:number])),
                # Said, because a distributed dataset does not know, and a step
                # that finds no data has by then touched the metrics.
                steps_per_epoch=one.steps - first,
                shuffle=False,  # The schedule has dealt an order.
                verbose=0,
            )
            model.synchronize()
            if model.stop_training:
                # The position says which steps are left, for a checkpoint.
                break
        else:
            model.position = Position(epoch + 1)
    finally:
        model._keep_metrics = False
        model.epoch_seconds["training"] = time.monotonic() - divided


def _is_due(epoch, frequency):
    """As Keras: every so many epochs, or in those listed, from 1."""
    if isinstance(frequency, int):
        return epoch % frequency == 0
    return epoch in frequency


def _epoch_logs(model):
    logs = {
        name: float(np.reshape(value, ()))
        for name, value in model.get_metrics_result().items()
    }
    for name, mean in model._means.items():
        unmeasured = float(keras.ops.convert_to_numpy(mean.count)) == 0.0
        if unmeasured and name != "loss":
            # A term that no step of the epoch had is not zero. It keeps its
            # place: loggers take their columns from the first epoch. The loss
            # is without a step where a callback ends training before it.
            logs[name] = math.nan
    return logs


def _check_finite(logs, epoch):
    loss = float(np.reshape((logs or {}).get("loss", 0.0), ()))
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"The loss became {loss} in epoch {epoch + 1}: training has "
            "diverged. Lower the learning rate and start from the last good "
            "checkpoint."
        )


class _RoundCallbacks(keras.callbacks.CallbackList):
    """What an inner `fit` sees: batches pass, epochs and training do not."""

    def __init__(self, outer, steps_before):
        super().__init__()
        self._outer = outer
        self._steps_before = steps_before
        self._start = outer.model.position
        self._unchecked = _CHECK_EVERY - 1  # So that the first is looked at.

    def _batch(self, batch):
        """Number of the batch in its epoch."""
        return self._steps_before + self._start.step + batch

    def on_train_batch_begin(self, batch, logs=None):
        self._outer.on_train_batch_begin(self._batch(batch), logs)

    def on_train_batch_end(self, batch, logs=None):
        self._outer.model.position = dataclasses.replace(
            self._start, step=self._start.step + batch + 1
        )
        self._unchecked += 1
        if self._unchecked == _CHECK_EVERY:
            self._unchecked = 0
            # The reported loss is a running mean, so a NaN stays in sight.
            _check_finite(logs, self._start.epoch)
        self._outer.on_train_batch_end(self._batch(batch), logs)

    def on_test_begin(self, logs=None):
        self._outer.on_test_begin(logs)

    def on_test_batch_begin(self, batch, logs=None):
        self._outer.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        self._outer.on_test_batch_end(batch, logs)

    def on_test_end(self, logs=None):
        self._outer.on_test_end(logs)

    def on_train_begin(self, logs=None):
        pass

    def on_epoch_begin(self, epoch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_train_end(self, logs=None):
        pass
