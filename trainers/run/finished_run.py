"""Reading a finished run back: its model and the data that it was made with."""

import dataclasses
import json
import os
import re
import zipfile
from typing import Any

from absl import flags

from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.flags import require_run
from trainers.run import folder as run_folder

_NEEDED = (run_folder.CONFIG, run_folder.MODEL, run_folder.LABELS)
# Settings of the data that every run has, and those that came later.
_SETTINGS = (
    "dataset",
    "image_size",
    "max_train_samples",
    "validation",
    "noise_type",
    "noise_rate",
    "noise_convention",
    "noise_matrix",
    "noise_foreign",
    "noise_share",
    "noise_seed",
)
_LATER = (
    "audit",
    "folder_layout",
    "image_root",
    "label_column",
    "labels",
    "max_unreadable",
    "noise_foreign_classes",
    "path_column",
    "trusted",
    "trusted_csv",
    "trusted_total",
)
# What is in a `.keras` file.
_PARTS = {"config.json", "metadata.json"}


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished run of any method.

    Attributes:
        folder: str, folder of the run.
        method: str, name of the method.
        data: dict, the `data` part of its `Settings`.
        model: trained `NoisyLabelModel`.
        train: `Source` that it was trained on, with its labels.
        judged: `Source` of other samples: test, else validation, or None.
        judged_name: `"test"` or `"validation"`.
        validation: `Source`, or None where none was held out.
        changes: `Changes` of the files since the run began, or None.
    """

    folder: str
    method: str
    data: dict
    model: Any
    train: Any
    judged: Any
    judged_name: str
    validation: Any = None
    changes: Any = None


def define_dataset():
    """Defines the flag of the commands for finished runs."""
    flags.DEFINE_string(
        "dataset",
        None,
        "Where the run's data set is now, if it has moved, such as "
        "folder:PATH; default: where it was.",
    )


def check(folder, needed=_NEEDED):
    """Raises unless a folder holds a finished run.

    Args:
        folder: str, folder of the run.
        needed: names of the files that it must have.

    Returns:
        dict, the `settings` part of its config.

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
    """Raises if a run was made by a later version than this one.

    Args:
        folder: str, folder of the run, checked.

    Raises:
        UsageError: it was.
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


def load(folder, data_dir, dataset=None):
    """Loads a run's model and the sources that it was trained and judged on.

    Args:
        folder: str, folder of the run.
        data_dir: str, value of `--data_dir`, or None.
        dataset: str, value of `--dataset`, where the data set is now, or None.

    Returns:
        A `FinishedRun`.

    Raises:
        UsageError: it has not finished, or its data cannot be had as it was.
    """
    # Imported here: they load TensorFlow, and `check` comes before that.
    from noisy_keras.core import inputs
    from trainers.run import errors

    settings = check(folder)
    check_version(folder)
    found = sources(folder, data_dir, settings, dataset=dataset)
    model = load_model(folder)
    with errors.reported():
        # Samples may be gone.
        whole = not (found.changes and found.changes.gone)
        inputs.check_source(model, found.train, training=whole)
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
        changes=found.changes,
    )


def sources(folder, data_dir, settings, exact=True, dataset=None):
    """The sources that a run was trained and judged on.

    Args:
        folder: str, folder of the run.
        data_dir: str, value of `--data_dir`, or None.
        settings: dict, as of `check`.
        exact: bool, whether samples that are drawn again must be what they
            were.
        dataset: str, value of `--dataset`, where the data set is now, or None.

    Returns:
        `data.Sources`. Files are found by the run's record of its samples, if
        it has one; `changes` then tells which are gone and which are new.

    Raises:
        UsageError: the data cannot be had as it was.
    """
    from noisy_keras.data.sources import manifest
    from trainers.run import data as data_module
    from trainers.run import errors

    labels = os.path.join(folder, run_folder.LABELS)
    data = _with_labels(settings["data"], labels)
    missing = [name for name in _SETTINGS if name not in data]
    if missing:
        raise UsageError(
            f"--run: expected the setting {missing[0]!r} in the "
            f"{run_folder.CONFIG} of {folder}; it has none"
        )
    if dataset is not None:
        data_flags.check(dataset)
        data = data | {"dataset": dataset}
    record = run_folder.read_samples(folder)
    with errors.reported(OSError):
        found = data_module.sources(data, data_dir, labels, record)
    if found.changes is not None:
        return found
    if exact and not manifest.matches(labels, found.train):
        raise UsageError(
            f"--run: the data is not what the run in {folder} was trained on: "
            "other samples or labels. Bring it back to what it was, or, if it "
            "has moved, give its place with --dataset."
        )
    return found


def load_model(folder, name=run_folder.MODEL):
    """The trained `NoisyLabelModel` of a run.

    Args:
        folder: str, folder of the run, checked.
        name: str, name of its file.

    Raises:
        UsageError: it cannot be read.
    """
    import keras

    from noisy_keras.core.model import NoisyLabelModel
    from noisy_keras.networks import model_files
    from trainers.run import errors

    path = os.path.join(folder, name)
    expected = f"--run: expected a model that a trainer saved in {path}"
    if not _is_saved_model(path):
        raise UsageError(f"{expected}; it is another file, or broken")
    try:
        with errors.reported(OSError, zipfile.BadZipFile, flag="run"):
            model_files.import_libraries(path)
            model = keras.models.load_model(path)
    except TypeError as error:
        if "Could not locate class" not in str(error):
            raise
        reason = str(error).strip().split("\n")[0]
        raise UsageError(
            f"{expected}; it has classes that are not known here ({reason})"
        ) from error
    if not isinstance(model, NoisyLabelModel):
        raise UsageError(f"{expected}; got a {type(model).__name__}")
    return model


def _is_saved_model(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return _PARTS <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _with_labels(data, path):
    """The data settings of a run, its labels from its own manifest."""
    import numpy as np

    data = dict.fromkeys(_LATER) | data
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names_foreign = "foreign_id" in arrays.files
    except (
        AttributeError,
        EOFError,
        OSError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise UsageError(
            f"--run: expected a noise manifest in {path}; reading it failed "
            f"({type(error).__name__}: {error})"
        ) from error
    if data.get("noise_type") == "open_set" and not names_foreign:
        return data  # Only the generator knows which pictures were shown.
    return data | {"noise_manifest": os.path.abspath(path)}
