"""Histograms of the losses, and the mixtures that divide them, per epoch."""

import json
import os

import keras
import numpy as np

from noisy_keras.callbacks import metrics_log
from noisy_keras.core import audits
from noisy_keras.utils import distribution
from noisy_keras.utils import files

_BINS = 50
_DIGITS = 6


class LossHistograms(keras.callbacks.Callback):
    """Writes a histogram of each division of losses, a JSON object per line.

    For methods that divide samples by a mixture on their losses. Each object
    has the keys `epoch`, `network`, `counts` and `mixture`. `counts` holds
    numbers of samples in 50 bins of the normalised loss in `[0, 1]`, separately
    for labels known to be `right`, known to be `wrong` and `unknown`. `mixture`
    holds the `family`, `"gaussian"` or `"beta"`, and its parameters, or is
    null. An object takes a few hundred bytes, whatever the number of samples.
    True labels are used for the counts only and never reach a training batch.

    The file is replaced atomically at the end of each epoch. When a run
    resumes, epochs that it trains again are removed.

    Args:
        source: `Source` in training.
        path: str or path-like, the file.
        phase: str, name of a recipe's phase, added to each object; None adds
            nothing.
    """

    def __init__(self, source, path, phase=None):
        super().__init__()
        self.source = source
        self.path = os.fspath(path)
        self.phase = phase
        self.records = None

    def on_train_begin(self, logs=None):
        self.records = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.records is None:
            # The epoch at which training resumes is not known earlier.
            before = metrics_log.read(self.path)
            self.records = [r for r in before if r["epoch"] <= epoch]

    def on_epoch_end(self, epoch, logs=None):
        # A phase of a recipe may train on part of the source.
        whole = self.model.num_samples == len(self.source)
        found = audits.loss_divisions(self.model, self.source) if whole else []
        phase = {} if self.phase is None else {"phase": self.phase}
        made = [
            {"epoch": epoch + 1, **phase, "network": k}
            | histogram(self.source, values, mixture)
            for k, (values, mixture) in enumerate(found)
        ]
        self.records += made
        if made and distribution.is_chief(self.model.distribute_strategy):
            write(self.path, self.records)


def histogram(source, values, mixture):
    """Histogram of the losses of one division.

    Args:
        source: `Source` of N samples.
        values: float array `[N]` in `[0, 1]`, normalised losses to the given
            labels; NaN where there is none.
        mixture: dict as returned by `describe` of the labels' division, or
            None.

    Returns:
        Dict of `counts` and `mixture`, serialisable as JSON.
    """
    known, right = source.truth_known, np.zeros(source.num_samples, bool)
    if known.any():
        right = source.labels == source.true_labels
    groups = {
        "right": known & right,
        "wrong": known & ~right,
        "unknown": ~known,
    }
    # Rounding can move values slightly outside of the interval.
    place = np.clip(values, 0.0, 1.0) * _BINS
    valid = ~np.isnan(place)
    counts = {
        name: np.bincount(
            np.minimum(place[group & valid].astype(int), _BINS - 1),
            minlength=_BINS,
        ).tolist()
        for name, group in groups.items()
        if group.any()
    }
    return {"counts": counts, "mixture": _rounded(mixture)}


def write(path, records):
    """Writes records as lines of JSON, atomically.

    Args:
        path: str or path-like, the file.
        records: list of dicts.
    """
    with files.replacing(path) as stream:
        for record in records:
            stream.write(json.dumps(record) + "\n")


def _rounded(mixture):
    if mixture is None:
        return None
    return {
        name: value
        if name == "family"
        else [float(f"{v:.{_DIGITS}g}") for v in value]
        for name, value in mixture.items()
    }
