"""Reading a finished run back: its model and the data that it was made with."""

import dataclasses
import json
import os
import re
import zipfile
from typing import Any

from trainers import UsageError
from trainers.flags import require_run
from trainers.run import folder as run_folder

_NEEDED = (run_folder.CONFIG, run_folder.MODEL, run_folder.LABELS)


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that any trainer has made.

    Attributes:
        folder: of the run.
        method: name of the trainer.
        data: the `data` part of its `Settings`.
        model: the trained `NoisyLabelModel`.
        train: `Source` that it was trained on, with its labels.
        judged: `Source` of other samples: test, else validation.
        judged_name: `"test"` or `"validation"`.
        validation: `Source`, or None where none was held out.
    """

    folder: str
    method: str
    data: dict
    model: Any
    train: Any
    judged: Any
    judged_name: str
    validation: Any = None


def check(folder, needed=_NEEDED):
    """Raises unless a folder holds a finished run.

    Args:
        folder: of the run.
        needed: names of files that it must have.

    Returns:
        The `settings` part of its config.

    Raises:
        UsageError: it does not.
    """
    require_run(folder)
    if not os.path.isdir(folder):
        raise UsageError(
            f"--run: expected the folder of a finished run; got {folder!r}, "
            "which is no folder"
        )
    for name in needed:
        if not os.path.exists(os.path.join(folder, name)):
            raise UsageError(
                f"--run: expected a finished run with {name}; {folder} has "
                "none. A run that was interrupted goes on when it is started "
                "again."
            )
    return run_folder.read_settings(folder)


def check_version(folder):
    """Raises if a later version than this one has made a run.

    Args:
        folder: of the run, checked.

    Raises:
        UsageError: it has.
    """
    # Imported here: it loads TensorFlow, and `check` comes before that.
    from noisy_keras.version import __version__

    path = os.path.join(folder, run_folder.CONFIG)
    with open(path, encoding="utf-8") as stream:
        config = json.load(stream)
    made = str((config.get("versions") or {}).get("noisy_keras", "0"))
    if _numbers(made) > _numbers(__version__):
        raise UsageError(
            f"--run: expected a run of noisy_keras {__version__} or earlier; "
            f"{folder} was made by {made}. Install that version, or a later "
            "one."
        )


def _numbers(version):
    """A version's leading numbers, without zeros at their end."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(n) for n in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def load(folder, data_dir):
    """Loads a run's model and the sources that it was trained and judged on.

    Args:
        folder: of the run.
        data_dir: as the flag of the trainer.

    Returns:
        A `FinishedRun`.

    Raises:
        UsageError: it has not finished, or its data cannot be had as it was.
    """
    # Imported here: it loads TensorFlow, and `check` comes before that.
    from noisy_keras.core import inputs

    settings = check(folder)
    check_version(folder)
    found = sources(folder, data_dir, settings)
    model = load_model(folder)
    try:
        inputs.check_source(model, found.train, training=True)
    except ValueError as error:
        raise UsageError(str(error)) from error
    judged_name = "validation" if found.test is None else "test"
    return FinishedRun(
        folder=folder,
        method=settings["method"],
        data=_with_labels(
            settings["data"], os.path.join(folder, run_folder.LABELS)
        ),
        model=model,
        train=found.train,
        judged=getattr(found, judged_name),
        judged_name=judged_name,
        validation=found.validation,
    )


def sources(folder, data_dir, settings, exact=True):
    """The sources that a run was trained and judged on.

    Args:
        folder: of the run.
        data_dir: as the flag of the trainer.
        settings: as of `check`.
        exact: whether they must be what they were; else pictures may lack.

    Returns:
        As `data.sources`.

    Raises:
        UsageError: the data cannot be had as they were.
    """
    from noisy_keras.data.sources import manifest
    from trainers.run import data as data_module

    labels = os.path.join(folder, run_folder.LABELS)
    data = _with_labels(settings["data"], labels)
    try:
        found = data_module.sources(data, data_dir, labels)
    except KeyError as error:
        raise UsageError(
            f"--run: expected the setting {error} in the "
            f"{run_folder.CONFIG} of {folder}; it has none"
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    if exact and not manifest.matches(labels, found.train):
        raise UsageError(
            f"--run: the data are not what the run in {folder} was trained "
            "on: other samples or labels. Bring them back to what they were."
        )
    return found


def load_model(folder):
    """The trained `NoisyLabelModel` of a run.

    Args:
        folder: of the run, checked.

    Raises:
        UsageError: it cannot be read.
    """
    import keras

    from noisy_keras.core.model import NoisyLabelModel

    path = os.path.join(folder, run_folder.MODEL)
    try:
        model = keras.models.load_model(path)
    except (
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        told = str(error).strip().split("\n")[0]
        raise UsageError(
            f"--run: expected a model that a trainer saved in {path}; reading "
            f"it failed ({type(error).__name__}: {told})"
        ) from error
    if not isinstance(model, NoisyLabelModel):
        raise UsageError(
            f"--run: expected a model that a trainer saved in {path}; got a "
            f"{type(model).__name__}"
        )
    return model


def _with_labels(data, path):
    """The data settings of a run, its labels from its own manifest."""
    import numpy as np

    # Runs of earlier versions have no such settings.
    later = (
        "audit",
        "noise_foreign_classes",
        "trusted",
        "trusted_csv",
        "trusted_total",
    )
    data = dict.fromkeys(later) | data
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names_foreign = "foreign_id" in arrays.files
    except (AttributeError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"--run: expected a noise manifest in {path}; reading it failed "
            f"({type(error).__name__}: {error})"
        ) from error
    if data.get("noise_type") == "open_set" and not names_foreign:
        return data  # Only the generator knows which pictures were shown.
    return data | {"noise_manifest": os.path.abspath(path)}
