"""A run that is extended: the same command with more epochs.

Training goes on from the last checkpoint. What depends on the number of epochs
is what it is in a run of the larger number, from the next epoch on: the
learning rate, and the arguments of a method that are given in epochs.
"""

import dataclasses
import json
import os

from trainers import UsageError
from trainers.run import folder as run_folder

#: The key of `config.json` with the earlier numbers of epochs.
KEY = "extended_from"
#: Recipes divide their epochs among phases, of which some are finished.
_RECIPES = ("auto", "c2d", "dmlp", "drpl")


@dataclasses.dataclass(frozen=True)
class Extension:
    """How a run goes on.

    Attributes:
        before: `Settings` of the run so far.
        earlier: tuple of int, all numbers of epochs that it had, in order.
    """

    before: object
    earlier: tuple


def find(folder, settings, resolved, resume):
    """Whether a run in a folder is to be extended.

    Args:
        folder: str, folder of the run; need not exist.
        settings: `Settings` of the command.
        resolved: function of a number of epochs to the `Settings` that the
            same command has with it.
        resume: bool, whether an earlier run may be resumed.

    Returns:
        `Extension`, or None where there is no run, or one of as many epochs,
        or one that differs in more.

    Raises:
        UsageError: fewer epochs than before, or a recipe.
    """
    if not resume or not os.path.exists(
        os.path.join(folder, run_folder.CONFIG)
    ):
        return None
    kept = run_folder.read_settings(folder)
    epochs = _epochs(kept)
    wanted = settings.training["epochs"]
    if kept["method"] != settings.method or epochs in (None, wanted):
        return None
    try:
        before = resolved(epochs)
    except UsageError:
        return None  # Flags that do not suit that number of epochs.
    if run_folder.differences(kept, before.as_dict()):
        return None  # In more than epochs, which `check` reports.
    if wanted < epochs:
        raise UsageError(
            f"--epochs: expected at least {epochs}, as the run in {folder} "
            f"has; got {wanted}. Name another folder for a shorter run."
        )
    if settings.method in _RECIPES:
        raise UsageError(
            f"--epochs: expected {epochs}, as the run in {folder} has: a run "
            f"of {settings.method} divides its epochs among phases, and cannot "
            f"be extended; got {wanted}. Name another folder for a longer run."
        )
    with open(
        os.path.join(folder, run_folder.CONFIG), encoding="utf-8"
    ) as stream:
        earlier = json.load(stream).get(KEY, [])
    return Extension(before, (*earlier, epochs))


def _epochs(kept):
    found = (kept.get("training") or {}).get("epochs")
    return found if isinstance(found, int) else None


def trained_epochs(folder):
    """How many epochs of a run are trained, by its metrics: int."""
    from noisy_keras.callbacks import metrics_log

    records = metrics_log.read(os.path.join(folder, run_folder.METRICS))
    return max((record["epoch"] for record in records), default=0)


def describe(extension, settings, num_samples, done):
    """What becomes of the learning rate, in a line.

    Args:
        extension: `Extension`.
        settings: `Settings` of the extended run.
        num_samples: int, number of training samples N.
        done: int, number of epochs that are trained.

    Returns:
        str.
    """
    # Imported here: it loads TensorFlow, and `find` comes before that.
    from trainers.presets.shared import learning_rate

    before, now = extension.before.training, settings.training
    last = learning_rate.of_epoch(before, num_samples, max(done - 1, 0))
    following = learning_rate.of_epoch(now, num_samples, done)
    line = (
        f"extended from {before['epochs']} to {now['epochs']} epochs: the "
        f"learning rate is that of a run of {now['epochs']} epochs from here "
        f"on, {following:.3g} in epoch {done + 1}"
    )
    if done:
        line += f" after {last:.3g} in epoch {done}"
    return f"{line}; {learning_rate.schedule_in_words(now)}"
