"""The folder of a run: its files, and whether a run can go on in it."""

import contextlib
import json
import os
import time

from trainers import UsageError
from trainers.flags import data

CONFIG = "config.json"
MODEL = "model.keras"
BEST_MODEL = "best.keras"
SUMMARY = "summary.json"
LABELS = "noise_manifest.npz"
SAMPLES = "samples.npz"
METRICS = "metrics.jsonl"
HISTOGRAMS = "loss_histograms.jsonl"
CALIBRATION = "calibration.json"
AUDIT = "label_audit.csv"
PICTURES = "pictures"
TENSORBOARD = "tensorboard"
REPORT = "report.html"
UNREADABLE = "unreadable.csv"
DUPLICATES = "duplicates.csv"
EXPORT = "export"
STARTUP_LOG = "tensorflow.log"
FEATURES = "features.npz"
# What a run that was refused may have left.
_BEFORE = {STARTUP_LOG, LABELS, SAMPLES}
# What one that was stopped while features were made has left: the next process
# goes on with them.
_STARTED = _BEFORE | {FEATURES, f"{FEATURES}.parts"}


def default_folder(method, dataset):
    """The path of a folder that no run has yet.

    Args:
        method: str, name of the method.
        dataset: str, value of `--dataset`.

    Returns:
        str.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = data.short_name(dataset)
    base = os.path.join("runs", f"{method}-{name}-{stamp}")
    folder, number = base, 1
    while os.path.exists(folder):
        number += 1
        folder = f"{base}-{number}"
    return folder


def check(folder, settings, resume, extension=None):
    """Raises unless a run can begin or go on in a folder.

    Args:
        folder: str, folder of the run; need not exist.
        settings: `Settings`.
        resume: bool, whether an earlier run in it may be resumed.
        extension: `Extension` of the run in it, whose settings these are but
            for what more epochs change; or None.

    Returns:
        bool, True if there is a run of the same settings.

    Raises:
        UsageError: the folder holds another run, or other files, or cannot be
            written.
    """
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(f"--output_dir: {folder} is a file, not a folder.")
    try:
        os.makedirs(folder, exist_ok=True)
        probe = os.path.join(folder, ".writable")
        with open(probe, "w", encoding="utf-8"):
            pass
        os.unlink(probe)
    except OSError as error:
        raise UsageError(
            f"--output_dir: cannot write to {folder}: {error.strerror}."
        ) from error
    path = os.path.join(folder, CONFIG)
    if not os.path.exists(path):
        # A run that was refused at once may have left the start-up messages.
        if set(os.listdir(folder)) - _STARTED:
            raise UsageError(
                f"--output_dir: {folder} holds files, but no run to go on "
                "with; name an empty or a new folder."
            )
        return False
    if not resume:
        raise UsageError(
            f"--output_dir: {folder} holds a run; name another folder, or "
            "leave out --noresume to go on with it."
        )
    if extension is None:
        _check_same(folder, "settings", settings.as_dict())
    return True


def check_used(folder, used, defaults=None):
    """Raises unless a run is resumed with the arguments that it began with.

    After an update, defaults may differ although the flags are the same.

    Args:
        folder: str, folder of the run, which has a config.
        used: dict of parts of the config.
        defaults: dict of the same structure, the defaults of arguments. An
            argument that the run's version did not have yet counts as having
            its default; a plug-in that the run did not have is a difference.

    Raises:
        UsageError: they differ.
    """
    for part, values in used.items():
        _check_same(folder, part, values, (defaults or {}).get(part, {}))


def _check_same(folder, part, values, defaults=None):
    with open(os.path.join(folder, CONFIG), encoding="utf-8") as stream:
        before = json.load(stream).get(part, {})
    # Through JSON and back, as the settings of the file. A default that JSON
    # cannot hold equals none of these.
    defaults = json.loads(json.dumps(defaults or {}, default=repr))
    before = _completed(before, defaults)
    found = differences(before, values)
    if found:
        shown = "; ".join(found[:4])
        raise UsageError(
            f"--output_dir: {folder} holds a run of other {part}: {shown}. "
            "Name another folder, or use the same flags and version to go on "
            "with it."
        )


def differences(before, values):
    """How settings differ from those in a file, as a list of str.

    Args:
        before: dict, as JSON holds it.
        values: dict.
    """
    # Through JSON and back, so that tuples compare as lists.
    return list(_differences(before, json.loads(json.dumps(values))))


def read_settings(folder):
    """The `settings` part of a run's config.

    Args:
        folder: str, folder of the run.

    Returns:
        dict.

    Raises:
        UsageError: there is none.
    """
    path = os.path.join(folder, CONFIG)
    try:
        with open(path, encoding="utf-8") as stream:
            settings = json.load(stream)["settings"]
        names = settings["method"], settings["data"]["dataset"]
        complete = all(isinstance(name, str) for name in names)
    except (KeyError, OSError, TypeError, ValueError):
        complete = False
    if not complete:
        raise UsageError(
            f"--run: expected the settings of a run in {path}; it has none"
        )
    return settings


def keep_labels(folder, source, resumed):
    """Writes the labels of a run; of a resumed run, compares them.

    Args:
        folder: str, folder of the run.
        source: `Source` to be trained on.
        resumed: bool, whether the run goes on from an earlier process.

    Raises:
        UsageError: it was begun with other labels.
    """
    # Imported here: it loads TensorFlow, and `check` comes before that.
    from noisy_keras.data.sources import manifest
    from noisy_keras.utils import files

    path = os.path.join(folder, LABELS)
    if not os.path.exists(path):
        with files.replacing(path, "wb") as stream:
            manifest.save(stream, source)
    elif resumed and not manifest.matches(path, source):
        raise UsageError(
            f"--output_dir: the run in {folder} was begun with other labels "
            "or samples. Name another folder, or bring the data back to what "
            "it was."
        )


def keep_samples(folder, record):
    """Writes which samples a run was given, unless that is written.

    Args:
        folder: str, folder of the run.
        record: `SampleRecord`.
    """
    # Imported here: it loads TensorFlow, and `check` comes before that.
    from noisy_keras.utils import files

    path = os.path.join(folder, SAMPLES)
    if not os.path.exists(path):
        with files.replacing(path, "wb") as stream:
            record.save(stream)


def read_samples(folder):
    """Which samples a run was given.

    Args:
        folder: str, folder of the run.

    Returns:
        `SampleRecord`, or None for runs of version 0.1.0.

    Raises:
        UsageError: it cannot be read.
    """
    from noisy_keras.data.sources import sample_record
    from trainers.run import errors

    path = os.path.join(folder, SAMPLES)
    if not os.path.exists(path):
        return None
    with errors.reported(OSError):
        return sample_record.load(path)


def discard_unused(folder):
    """Removes the folder of a run that was refused before it began.

    Args:
        folder: str, folder of the run; it stays if it holds files of a run.
    """
    files = set(os.listdir(folder))
    if files <= _BEFORE:
        with contextlib.suppress(OSError):
            for name in files:
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)


def save_model(path, model):
    """Saves a Keras model, whole or not at all."""
    folder, name = os.path.split(path)
    # Keras writes in place: the file has another name until it is whole.
    unfinished = os.path.join(folder, f".{name}")
    model.save(unfinished)
    os.replace(unfinished, path)


def write_json(path, content):
    """Writes a JSON file, whole or not at all."""
    # Imported here: it loads TensorFlow, and `check` comes before that.
    from noisy_keras.utils import files

    with files.replacing(path) as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")


def _completed(before, defaults):
    """Settings of a file, with the defaults of arguments that it lacks."""
    completed = dict(before)
    for key, value in defaults.items():
        if isinstance(value, dict):
            if isinstance(before.get(key), dict):
                completed[key] = _completed(before[key], value)
        else:
            completed.setdefault(key, value)
    return completed


def _differences(before, now, prefix=""):
    for key in sorted(set(before) | set(now)):
        if prefix == "" and key in ("replaced", "preset"):
            continue  # How the settings came about does not matter.
        if f"{prefix}{key}" == "data.max_unreadable":
            continue  # It may be raised to go on.
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key} was {old}, now {new}"
