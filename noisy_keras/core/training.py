"""`fit` of a noisy-label model: epochs of rounds under one callback list.

Keras' `fit` cuts a dataset of changing length to the length that it had in its
first epoch. Therefore every round is one inner `fit` of exact length. Callbacks
see epochs: their hooks are called once per epoch, and batches are counted over
its rounds.
"""

import dataclasses
import math
import time

import keras
import numpy as np

from noisy_keras.core import inputs
from noisy_keras.core import rounds as rounds_module
from noisy_keras.utils.errors import ConfigurationError

# Number of batches between checks of the loss, each of which waits for the
# device.
_CHECK_EVERY = 20

# The class that has Keras' `fit`. Tools that log by themselves replace that of
# `keras.Model`, and would take every round for a training of its own.
_KERAS = next(
    c for c in keras.Model.__mro__ if c is not keras.Model and "fit" in vars(c)
)


@dataclasses.dataclass
class Position:
    """A place in training: numbers of finished epochs, rounds and steps."""

    epoch: int = 0
    round: int = 0
    step: int = 0

    @property
    def inside_epoch(self):
        """Whether the current epoch has begun."""
        return bool(self.round or self.step)


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
        model: compiled `NoisyLabelModel`.
        x: the training data. One of:
            a `Source`;
            images as an array `[N, H, W, C]`, with their labels in `y`;
            a `tf.data.Dataset` of `(image, label)` or `(image, label,
            sample_weight)`, which is read into memory once (a dataset that
            shuffles must be the same object when training goes on);
            an `EpochPlan`, or any function of the epoch's number to a list of
            `Round`s or of datasets of `{phase: fields}`;
            or one dataset of `{phase: fields}`.
        y: the given labels where `x` is an array, in any form that
            `nk.data.from_arrays` takes. Integers are classes of the model, in
            `[0, K)`.
        batch_size: int, number of samples in a step over all replicas, B;
            default: that of a batched dataset, else the method's.
        epochs: int, number of the last epoch; as in Keras, not the number of
            epochs to be trained from `initial_epoch` on.
        verbose: as in Keras.
        callbacks: list of Keras callbacks. No method needs one.
        validation_split: must be 0: the model has one row per training sample,
            so validation samples are split off before it is built, by
            `source.hold_out`.
        validation_data: `Source`, `tf.data.Dataset` of `(image, label)`, or a
            tuple of arrays `(images, labels)`; datasets and tuples may have
            weights as well.
        shuffle: must be True; the order is a function of (seed, epoch).
        class_weight: dict from class, by number or name, to what the loss of
            its samples is multiplied by; the class of a sample is that of its
            given label. Methods that weight, divide or mix samples themselves
            refuse it (`refuses_sample_weight`).
        sample_weight: float array `[N]`, what the loss of each sample is
            multiplied by; as above.
        initial_epoch: int, number of the first epoch, from 0.
        steps_per_epoch: int, upper bound on the steps of each round; None
            takes all samples.
        validation_steps: int, number of batches of validation data; None takes
            all.
        validation_batch_size: int; default: 500.
        validation_freq: int, number of epochs between validations, or a list of
            the epochs after which to validate, from 1.
        seed: int in `[0, 2^32)`, seed of the order, the views and everything
            random in the steps.

    Returns:
        Keras' `History`.

    Raises:
        ConfigurationError: an argument that the method cannot honour, or data
            that do not fit the model.
        FloatingPointError: the loss became NaN or infinite, which is noticed
            within 20 calls of the compiled step.
    """
    model._assert_compile_called("fit")
    if validation_split:
        raise ConfigurationError(
            "Expected no `validation_split`: the model is built for the "
            "training samples alone. Split first, `train, validation = "
            "source.hold_out(share)`, and pass `validation_data`. Received: "
            f"validation_split={validation_split}"
        )
    if not shuffle:
        raise ConfigurationError(
            "Expected `shuffle=True`; the order is a function of `seed`. "
            f"Received: shuffle={shuffle}"
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
    # A recipe counts epochs over all phases.
    model.planned_epochs = epochs - model.first_epoch
    plan = inputs.as_plan(
        model,
        x,
        y,
        batch_size,
        seed,
        steps_per_epoch,
        sample_weight,
        class_weight,
    )
    validation, told = inputs.as_validation(
        model, validation_data, validation_batch_size
    )
    shown = keras.tree.flatten(callbacks) if callbacks else []
    if verbose != 0 and not any(
        isinstance(c, keras.callbacks.ProgbarLogger) for c in shown
    ):
        shown.append(_Progbar())
    outer = keras.callbacks.CallbackList(
        shown,
        add_history=True,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=None,
    )
    model.stop_training = False
    model._resume_from = None
    outer.on_train_begin()
    # A callback may have restored a checkpoint and set the position: ours, or
    # Keras' BackupAndRestore, whose epoch the inner `fit` must not see.
    restored = getattr(model, "_initial_epoch", None)
    model._initial_epoch = None
    position = model._resume_from or Position(
        initial_epoch if restored is None else restored
    )
    model.position = position
    logs = None
    for epoch in range(position.epoch, epochs):
        start = position if epoch == position.epoch else Position(epoch)
        _train_epoch(model, plan, start, outer, epochs, verbose)
        logs = _epoch_logs(model)
        _check_finite(logs, epoch)
        if validation is not None and _is_due(epoch + 1, validation_freq):
            began = time.monotonic()
            with told():
                results = _KERAS.evaluate(
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


def _train_epoch(model, plan, start, outer, epochs, verbose):
    """Trains the rounds of one epoch, from a position on."""
    epoch = start.epoch
    # A recipe counts epochs over all phases; a plan counts its model's own.
    own = epoch - model.first_epoch
    model.position = start
    # The division is part of an epoch's time, and comes before its hooks.
    model.epoch_began = time.monotonic()
    if not start.inside_epoch:
        model.reset_metrics()
        # A plan may be any function of the epoch.
        begin = getattr(plan, "begin_epoch", None)
        if begin is not None:
            begin(own)
    divided = time.monotonic()
    model.epoch_seconds = {"division": divided - model.epoch_began}
    rounds = [rounds_module.as_round(item) for item in plan(own)]
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
            _KERAS.fit(
                model,
                one.distributed(model.distribute_strategy, first),
                epochs=epoch + 1,
                initial_epoch=epoch,
                callbacks=_RoundCallbacks(outer, sum(lengths[:number])),
                # A distributed dataset does not know its length, and a step
                # that finds no data has by then changed the metrics.
                steps_per_epoch=one.steps - first,
                shuffle=False,  # The plan has set the order.
                verbose=0,
            )
            model.synchronize()
            if model.stop_training:
                # The position that a checkpoint saves has the remaining steps.
                break
        else:
            end = getattr(plan, "end_epoch", None)
            if end is not None:
                end(own)
            source = getattr(plan, "source", None)
            if source is not None:
                model.audit_strategy.end_epoch(model, source)
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
    logs = {}
    for name, value in model.get_metrics_result().items():
        value = np.asarray(value)
        # Metrics such as `F1Score` may have a number per class.
        logs[name] = float(value.reshape(())) if value.size == 1 else value
    for name, mean in model._means.items():
        if name != "loss" and not _has_values(mean):
            # A term that no step of the epoch had is not zero. It is NaN in
            # what callbacks get, because Keras' loggers take their columns from
            # the first epoch; the progress bar and our files leave it out. The
            # loss has no step where a callback ends training before the first.
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


class _Progbar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar without the terms that no step of a phase has."""

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, self._measured(logs))

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, self._measured(logs))

    def _measured(self, logs):
        means = self.model._means
        return {
            name: value
            for name, value in (logs or {}).items()
            if name not in means or _has_values(means[name])
        }


def _has_values(mean):
    return float(keras.ops.convert_to_numpy(mean.count)) > 0.0


class _RoundCallbacks(keras.callbacks.CallbackList):
    """Callbacks of an inner `fit`: passes batch hooks on, swallows others."""

    def __init__(self, outer, steps_before):
        super().__init__()
        self._outer = outer
        self._steps_before = steps_before
        self._start = outer.model.position
        self._unchecked = _CHECK_EVERY - 1  # So that the first is checked.

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
            # The reported loss is a running mean, so it stays NaN.
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
