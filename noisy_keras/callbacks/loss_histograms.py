"""How the losses lie, and the mixture that divides them, epoch by epoch."""

import json
import os

import keras
import numpy as np

from noisy_keras.callbacks import metrics_log
from noisy_keras.utils import distribution
from noisy_keras.utils import files

_BINS = 50
_DIGITS = 6


class LossHistograms(keras.callbacks.Callback):
    """Writes a histogram of each division's losses, one JSON object per line.

    Of methods that divide samples by a mixture on their losses: `epoch`,
    `network`, `counts` (samples in 50 even bins of the normalised loss in
    `[0, 1]`, by what is known of their labels: `right`, `wrong`, `unknown`),
    and `mixture` (`family` `"gaussian"` or `"beta"` and its parameters, or
    null). A few hundred bytes for each, whatever the number of samples.
    `true_labels` are read here and reach no training batch.

    The file is replaced as a whole at each epoch's end. When a run resumes,
    epochs that it will train again are dropped from it.

    Args:
        source: the `Source` in training.
        path: of the file.
        phase: of a recipe that these epochs are, to be written with each; or
            None.
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
            # Only now is it known whether training resumed, and where.
            before = metrics_log.read(self.path)
            self.records = [r for r in before if r["epoch"] <= epoch]

    def on_epoch_end(self, epoch, logs=None):
        divisions = getattr(self.model, "loss_divisions", None)
        # A phase of a recipe may train on a part of the source.
        whole = self.model.num_samples == len(self.source)
        found = divisions(self.source) if divisions and whole else []
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
    """What a division's record says of the losses.

    Args:
        source: the `Source` whose labels they are to.
        values: float `[N]` in `[0, 1]`; NaN where there is none.
        mixture: dict as of `methods.division.describe`, or None.

    Returns:
        dict of `counts` and `mixture`, as JSON holds it.
    """
    known, right = source.truth_known, np.zeros(source.num_samples, bool)
    if known.any():
        right = source.labels == source.true_labels
    groups = {
        "right": known & right,
        "wrong": known & ~right,
        "unknown": ~known,
    }
    # What rounding puts outside of the interval belongs to its ends.
    place = np.clip(values, 0.0, 1.0) * _BINS
    there = ~np.isnan(place)
    counts = {
        name: np.bincount(
            np.minimum(place[which & there].astype(int), _BINS - 1),
            minlength=_BINS,
        ).tolist()
        for name, which in groups.items()
        if which.any()
    }
    return {"counts": counts, "mixture": _rounded(mixture)}


def write(path, records):
    """Writes records, whole or not at all.

    Args:
        path: of the file.
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
