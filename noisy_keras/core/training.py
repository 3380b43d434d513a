"""`fit` of a noisy-label model: epochs of rounds under one callback list.

Keras' `fit` cuts a dataset of changing length to what its first epoch showed,
so every round is one inner `fit` of exact length. Callbacks see epochs: their
hooks fire once per epoch, with batches counted over its rounds.
"""

import dataclasses
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.data.array_source import from_arrays
from noisy_keras.data.array_source import from_dataset
from noisy_keras.data.source import Source
from noisy_keras.networks import head

EVALUATION_BATCH_SIZE = 500

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
            dataset of `(image, label)` batches, which is read into memory; a
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
            batches.
    """
    model._assert_compile_called("fit")
    for name, value in (
        ("class_weight", class_weight),
        ("sample_weight", sample_weight),
    ):
        if value is not None:
            raise ValueError(
                f"Expected no `{name}`: {type(model).__name__} weighs samples "
                "by itself."
            )
    if validation_split:
        raise ValueError(
            "Expected no `validation_split`: the model is built for the "
            "training samples alone. Split first, `train, validation = "
            "source.hold_out(share)`, and pass `validation_data`."
        )
    if not shuffle:
        raise ValueError(
            "Expected `shuffle=True`; the order is a function of `seed`."
        )
    if not 0 <= initial_epoch <= epochs or epochs < 1:
        raise ValueError(
            "Expected at least 1 epoch and an `initial_epoch` up to it. "
            f"Received: epochs={epochs}, initial_epoch={initial_epoch}"
        )
    schedule = _as_schedule(model, x, y, batch_size, seed, steps_per_epoch)
    validation = _as_validation(model, validation_data, validation_batch_size)
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
    # A callback may have restored a checkpoint and said where training is.
    position = model._resume_from or Position(initial_epoch)
    logs = None
    for epoch in range(position.epoch, epochs):
        start = position if epoch == position.epoch else Position(epoch)
        _train_epoch(model, schedule, start, outer, epochs, verbose)
        logs = _epoch_logs(model)
        _check_finite(logs, epoch)
        if validation is not None and (epoch + 1) % validation_freq == 0:
            results = keras.Model.evaluate(
                model,
                validation,
                steps=validation_steps,
                callbacks=_RoundCallbacks(outer, 0),
                return_dict=True,
                verbose=0,
            )
            logs |= {f"val_{name}": v for name, v in results.items()}
        outer.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    outer.on_train_end(logs)
    return model.history


def _train_epoch(model, schedule, start, outer, epochs, verbose):
    """Trains the rounds of one epoch, from a position on."""
    epoch = start.epoch
    model.position = start
    if not start.inside_epoch:
        model.reset_metrics()
        begin = getattr(schedule, "begin_epoch", None)
        if begin is not None:
            begin(epoch)
    rounds = [_as_round(item) for item in schedule(epoch)]
    lengths = [r.steps for r in rounds]
    outer.set_params(
        {"verbose": verbose, "epochs": epochs, "steps": sum(lengths) or None}
    )
    outer.on_epoch_begin(epoch)
    # Metrics are means over all rounds of the epoch.
    model._keep_metrics = True
    try:
        for number, one in enumerate(rounds):
            first = start.step if number == start.round else 0
            if number < start.round or first >= one.steps:
                continue
            model.position = Position(epoch, number, first)
            keras.Model.fit(
                model,
                one.dataset(first),
                epochs=epoch + 1,
                initial_epoch=epoch,
                callbacks=_RoundCallbacks(outer, sum(lengths[:number])),
                shuffle=False,  # The schedule has dealt an order.
                verbose=0,
            )
            if model.stop_training:
                break
    finally:
        model._keep_metrics = False
    model.position = Position(epoch + 1)


def _epoch_logs(model):
    return {
        name: float(np.reshape(value, ()))
        for name, value in model.get_metrics_result().items()
    }


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

    def _batch(self, batch):
        """Number of the batch in its epoch."""
        return self._steps_before + self._start.step + batch

    def on_train_batch_begin(self, batch, logs=None):
        self._outer.on_train_batch_begin(self._batch(batch), logs)

    def on_train_batch_end(self, batch, logs=None):
        self._outer.model.position = dataclasses.replace(
            self._start, step=self._start.step + batch + 1
        )
        if batch % _CHECK_EVERY == 0:
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


class _DatasetRound:
    """A user's own dataset as a round."""

    def __init__(self, dataset):
        self.steps = int(dataset.cardinality())
        if self.steps < 0:
            raise ValueError(
                "Expected rounds of known, finite length. Received: a dataset "
                f"of cardinality {self.steps}; use `take(steps)` or "
                "`apply(tf.data.experimental.assert_cardinality(steps))`."
            )
        self._dataset = dataset

    def dataset(self, first_step):
        return self._dataset.skip(first_step)


def _as_round(item):
    return item if isinstance(item, batches.Round) else _DatasetRound(item)


def is_source(x):
    """Whether `x` is a `Source`."""
    return isinstance(x, Source)


def check_source(model, source, training=False):
    """Raises unless a source fits a model.

    Args:
        model: a `NoisyLabelModel`.
        source: a `Source`.
        training: whether the model's tables must have its rows.

    Raises:
        ValueError: with what differs.
    """
    compared = [
        ("images", model.image_shape, source.image_shape),
        ("classes", model.num_classes, source.num_classes),
    ]
    if training:
        compared.append(("samples", model.num_samples, source.num_samples))
    scale = head.pixel_normalization(model.networks[0])
    if scale is not None:
        compared.append(
            ("white pixels", scale.pixel_scale, source.pixel_scale)
        )
    for what, mine, other in compared:
        if mine != other:
            raise ValueError(
                f"Expected {what} as the model was built for: {mine}. "
                f"Received: {other}, from {source!r}"
            )


def evaluation_batches(model, source, batch_size=None):
    """A source as the dataset of `(image, label)` that Keras evaluates."""
    check_source(model, source)
    return batches.for_evaluation(source, batch_size or EVALUATION_BATCH_SIZE)


def _as_schedule(model, x, y, batch_size, seed, steps_per_epoch):
    """The schedule of whatever `fit` was given."""
    if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict):
        return lambda epoch: [x]
    if callable(x) and not is_source(x):
        return x
    if isinstance(x, tf.data.Dataset):
        x = from_dataset(x, model.num_classes)
    elif not is_source(x):
        if x is None or y is None:
            raise ValueError(
                "Expected a source, a dataset, a schedule, or images with "
                f"labels. Received: x of type {type(x).__name__}, y of type "
                f"{type(y).__name__}"
            )
        names = [str(c) for c in range(model.num_classes)]
        x = from_arrays(x, np.asarray(y).reshape(-1), class_names=names)
    check_source(model, x, training=True)
    batch_size = batch_size or model.default_batch_size
    if not 1 <= batch_size <= x.num_samples:
        raise ValueError(
            "Expected a batch size of at least 1 and at most the number of "
            f"samples, {x.num_samples}. Received: batch_size={batch_size}"
        )
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ValueError(
            "Expected at least one step per epoch. "
            f"Received: steps_per_epoch={steps_per_epoch}"
        )
    return model.make_schedule(x, batch_size, seed, steps_per_epoch)


def _as_validation(model, data, batch_size):
    if data is None or (
        isinstance(data, tf.data.Dataset) and not is_source(data)
    ):
        return data
    batch_size = batch_size or EVALUATION_BATCH_SIZE
    if is_source(data):
        return evaluation_batches(model, data, batch_size)
    return tf.data.Dataset.from_tensor_slices(tuple(data)).batch(batch_size)
