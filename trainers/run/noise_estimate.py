"""Settings for noise of unknown rate, chosen when the warm-up ends."""

import json
import os

import keras
import numpy as np

from noisy_keras import callbacks
from noisy_keras.callbacks.noise_estimate import write_estimate
from noisy_keras.labels import noise_rate
from noisy_keras.utils import distribution
from trainers import presets
from trainers.presets import dividemix
from trainers.run import folder as run_folder

# Classes with fewer samples have no transition that is worth inverting.
_LEAST_OF_CLASS = 20
#: Name of the file in the folder of a run.
FILE = "noise_estimate.json"


def make(run, folder, out, warmup_epochs=None, first_epoch=0):
    """The callback that estimates the noise, where its rate is unknown.

    Args:
        run: `Run`; its `estimate` is set.
        folder: str, folder of the run.
        out: rich console.
        warmup_epochs: int, epochs before the estimate; default: the model's.
        first_epoch: int, first epoch of the phase of a recipe.

    Returns:
        list of one callback, or empty.
    """
    wanted = run.settings.data["noise_type"] == presets.ESTIMATED
    if warmup_epochs is None:
        warmup_epochs = getattr(run.model, "warmup_epochs", 0)
    if warmup_epochs == "auto":
        path = os.path.join(folder, FILE)
        return [_Decisions(run, path, out)]
    if not wanted or warmup_epochs < 1:
        return []

    def then(model, found):
        run.estimate = found
        changes, why = dividemix.for_estimate(found.rate, found.concentration)
        changes = {
            name: value
            for name, value in changes.items()
            if name not in run.settings.replaced and hasattr(model, name)
        }
        if changes:
            model.change(**changes)
        out.print(describe(found, run.train.class_names, changes, why))

    path = os.path.join(folder, FILE)
    after = first_epoch + warmup_epochs
    return [callbacks.EstimateNoise(run.train, after, path, then)]


class _Decisions(keras.callbacks.Callback):
    """Prints what the method decides, and keeps its estimate of the noise."""

    def __init__(self, run, path, out):
        super().__init__()
        self.run, self.path, self.out = run, path, out
        self._printed = 0

    def on_epoch_begin(self, epoch, logs=None):
        # What was decided before the epoch, that is, with the ones before it.
        new = self.model.decisions[self._printed :]
        self._printed += len(new)
        for decision in new:
            self.out.print(decision.text)

    def on_train_end(self, logs=None):
        model, source = self.model, self.run.train
        found = noise_rate.estimate_from_history(
            model.prediction_history, source.labels, model.num_classes
        )
        self.run.estimate = found
        if found is None or not distribution.is_chief(self.run.strategy):
            return
        write_estimate(
            self.path, found, source.class_names, model.planned_epochs
        )
        self.out.print(describe(found, source.class_names, {}, ""))


def keep(run, folder):
    """Estimates the noise once a run has trained, and writes the estimate.

    Args:
        run: `Run`; its `estimate` is set.
        folder: str, folder of the run.
    """
    model, source = run.model, run.train
    found = noise_rate.estimate_from_history(
        model.prediction_history, source.labels, model.num_classes
    )
    run.estimate = found
    if found is not None and distribution.is_chief(run.strategy):
        write_estimate(
            os.path.join(folder, FILE),
            found,
            source.class_names,
            run.settings.training["epochs"],
        )


def transition(folder):
    """The noise of a run's labels, for the calibration on its validation split.

    Args:
        folder: str, folder of the run.

    Returns:
        float `[K, K]`, the probability of each given label (column) by true
        label (row); None where noise was added and not found, or a class has
        too few samples in training to tell.
    """
    paths = [os.path.join(folder, n) for n in (FILE, run_folder.CONFIG)]
    if not all(map(os.path.exists, paths)):
        return None
    contents = []
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            contents.append(json.load(stream))
    found, config = contents
    matrix = np.asarray(found.get("transition", ()), np.float64)
    joint = np.asarray(found.get("joint", ()), np.float64)
    # Held-out samples have the noise of the others where that is not ours.
    if config.get("noise") is not None or matrix.ndim != 2 or not matrix.size:
        return None
    given = joint.sum(axis=1) * (config.get("samples") or 0)
    return matrix if given.min() >= _LEAST_OF_CLASS else None


def describe(found, class_names, changes, why):
    """The estimate in a line, and the settings that follow in another.

    Args:
        found: `NoiseEstimate`.
        class_names: names of the classes.
        changes: dict of the arguments that change.
        why: str, the noise that these are for.

    Returns:
        str.
    """
    lines = [f"estimated noise: {found.rate:.1%} of the labels are wrong"]
    if found.interval is not None:
        low, high = found.interval
        lines[0] += f" ({low:.1%} to {high:.1%})"
    wrong = found.joint * (1.0 - np.eye(len(found.joint)))
    if wrong.any():
        given, true = np.unravel_index(wrong.argmax(), wrong.shape)
        lines[0] += (
            f", most often {class_names[true]!r} labelled "
            f"{class_names[given]!r} ({wrong[given, true]:.1%} of all)"
        )
    if changes:
        chosen = ", ".join(f"{k} {v:g}" for k, v in changes.items())
        lines.append(f"settings from here on: {chosen} ({why})")
    return "\n".join(lines)
