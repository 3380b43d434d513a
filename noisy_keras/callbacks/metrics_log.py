"""The metrics of a run, one JSON object per epoch."""

import json
import math
import os
import time

import keras

from noisy_keras.utils import distribution
from noisy_keras.utils import files


class MetricsLog(keras.callbacks.Callback):
    """Writes `metrics.jsonl`: epoch, metrics, seconds and images per second.

    `seconds` is the duration of the whole epoch. `division_seconds`,
    `training_seconds` and `evaluation_seconds` (on `validation_data`) are those
    of its parts; the rest is spent in other callbacks. `images_per_second`
    counts all images in training batches, including trusted and unlabelled
    ones. A loss term that no step of the epoch has is left out.

    The file is replaced atomically at the end of each epoch. When a run
    resumes, epochs that it trains again are removed.

    Args:
        path: str or path-like, the file.
        phase: str, name of a recipe's phase, added to each object; None adds
            nothing.
    """

    def __init__(self, path, phase=None):
        super().__init__()
        self.path = os.fspath(path)
        self.phase = phase
        self.records = []

    def on_train_begin(self, logs=None):
        self.records = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.records is None:
            # The epoch at which training resumes is not known earlier.
            self.records = [r for r in read(self.path) if r["epoch"] <= epoch]
        self._first_step = self._last_step = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self._last_step = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        record = {"epoch": epoch + 1}
        if self.phase is not None:
            record["phase"] = self.phase
        for name, value in (logs or {}).items():
            value = float(value)
            if math.isnan(value) and name in self.model._means:
                continue  # A term that no step of the epoch has.
            # JSON has no NaN: a metric without a value is null.
            record[name] = round(value, 6) if math.isfinite(value) else None
        record["seconds"] = round(time.monotonic() - self.model.epoch_began, 3)
        for part, seconds in self.model.epoch_seconds.items():
            record[f"{part}_seconds"] = round(seconds, 3)
        training = max(self._last_step - self._first_step, 1e-9)
        record["images_per_second"] = round(
            self.model.epoch_samples / training, 1
        )
        self.records.append(record)
        if distribution.is_chief(self.model.distribute_strategy):
            with files.replacing(self.path) as stream:
                for one in self.records:
                    stream.write(json.dumps(one) + "\n")


def read(path):
    """Reads the records of a `metrics.jsonl`.

    Args:
        path: str or path-like, the file, which need not exist.

    Returns:
        List of dicts, one per epoch.
    """
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.strip()]
