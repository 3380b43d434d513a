"""Exports the model of a run for serving."""

import dataclasses
import json
import os
import re

from trainers import UsageError
from trainers.run import finished_run
from trainers.run import folder as run_folder

#: Names that are safe in paths, URLs and configurations.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Written:
    """Result of an export of a model.

    Attributes:
        exported: `noisy_keras.serving.Exported`.
        name: str, name of the model.
        notes: tuple of str, remarks for the user.
    """

    exported: object
    name: str
    notes: tuple


def check(run, name, output):
    """Checks that a run can be exported, before TensorFlow is loaded.

    Args:
        run: str, folder of the run.
        name: str, name of the model, or None.
        output: str, folder to write to, or None.

    Returns:
        Dict, the content of the run's `config.json`.

    Raises:
        UsageError: If it cannot be exported.
    """
    finished_run.check(run)
    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(
            f"--name: expected letters, digits, '-', '_' and '.'; got {name!r}"
        )
    if output is not None and os.path.lexists(output):
        if not os.path.isdir(output):
            raise UsageError(f"--output: expected a folder; {output} is a file")
    with open(os.path.join(run, run_folder.CONFIG), encoding="utf-8") as s:
        config = json.load(s)
    names = config.get("classes")
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"--run: expected the names of the classes in "
            f"{run}/{run_folder.CONFIG}, `classes`; got {names!r}"
        )
    return config


def check_which(run, which):
    """Checks that a run has the model that is wanted.

    Args:
        run: str, folder of the run, checked.
        which: str, `"kept"`, `"last"` or `"best"`.

    Returns:
        str, name of the model's file.

    Raises:
        UsageError: it has not.
    """
    if which == "best":
        path = os.path.join(run, run_folder.BEST_MODEL)
        if not os.path.exists(path):
            raise UsageError(
                f"--which: expected {path} for best; runs of one training with "
                "validation samples have it"
            )
        return run_folder.BEST_MODEL
    path = os.path.join(run, run_folder.SUMMARY)
    if which == "last" and os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            summary = json.load(stream)
        last = (summary.get("final") or {}).get("epoch")
        kept = summary.get("kept_epoch", last)
        if kept != last:
            raise UsageError(
                f"--which: expected kept or best; {run_folder.MODEL} is of "
                f"epoch {kept}, and the last, {last}, was not kept. Train with "
                "--export=last to export it"
            )
    return run_folder.MODEL


def write(
    run,
    output=None,
    *,
    name=None,
    version=None,
    data_dir=None,
    dataset=None,
    **options,
):
    """Exports the model of a run.

    Args:
        run: str, folder of a finished run.
        output: str, folder to write to; None takes `served/` in the run.
        name: str, name of the model; None takes method and data set.
        version: int, version number; None takes the next one.
        data_dir: str, folder of the run's data set, as in training.
        dataset: str, where the data set is now, as `--dataset` takes it; None
            if it has not moved.
        **options: `format` and `which` (as of `check_which`), strs, and
            `ensemble` and `calibrate`, bools.

    Returns:
        `Written`.

    Raises:
        UsageError: If the run cannot be exported or the version exists.
    """
    config = check(run, name, output)
    # Imported here because they load TensorFlow.
    from noisy_keras import serving
    from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
    from noisy_keras.serving import server_files
    from noisy_keras.utils.errors import ConfigurationError
    from trainers.run import noise_estimate
    from trainers.run import serving as serving_of_run

    finished_run.check_version(run)
    format = options.get("format", serving.SAVED_MODEL)
    if name is None:
        name = serving_of_run.model_name(config)
    output = output or os.path.join(run, "served")
    # A folder of its own: servers expect a graph in every version of a model.
    folder = name if format == serving.SAVED_MODEL else f"{name}-{format}"
    path = os.path.join(output, folder)
    if version is not None:
        path = os.path.join(path, str(version))
        if os.path.lexists(path):
            raise UsageError(
                f"--version: expected a new one, because versions are never "
                f"overwritten; {path} exists"
            )
    which = options.get("which", "kept")
    model = finished_run.load_model(run, check_which(run, which))
    if isinstance(model, SelfSupervisedModel):
        raise UsageError(
            "--run: expected a run of a method that predicts classes; got one "
            f"of {config['settings']['method']}, whose {run}/encoder.keras "
            "such a method can start from"
        )
    source, notes = None, []
    if options.get("calibrate", True):
        source, why = _validation(run, data_dir, dataset)
        if why:
            notes.append(why)
    try:
        exported = serving.export(
            model,
            path,
            format=format,
            class_names=config["classes"],
            validation_data=source,
            ensemble=options.get("ensemble", True),
            name=name,
            facts=serving_of_run.facts(run, config, which),
            next_version=version is None,
            transition=noise_estimate.transition(run),
        )
        if format == serving.SAVED_MODEL:
            kept = server_files.write(
                output, name, of_vectors=len(model.image_shape) == 1
            )
            if kept:
                notes.append(
                    f"Not overwritten, because you have changed them: "
                    f"{', '.join(kept)}."
                )
    except (ConfigurationError, ImportError, OSError, RuntimeError) as error:
        raise UsageError(f"--run: {error}") from error
    serving_of_run.record_calibration(run, exported.calibration.as_dict())
    return Written(exported, name, (*exported.notes, *notes))


def _validation(run, data_dir, dataset=None):
    """The validation source of a run, and a note if files are missing."""
    try:
        found = finished_run.load(run, data_dir, dataset)
    except UsageError as error:
        return None, f"The run's data cannot be loaded ({error})."
    return found.validation, f"{found.changes}." if found.changes else ""
