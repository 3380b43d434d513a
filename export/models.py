"""The model of a finished run, as something that can be served."""

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
    """What was written.

    Attributes:
        exported: `noisy_keras.serving.Exported`.
        name: of the model.
        notes: what a person should be told, one string each.
    """

    exported: object
    name: str
    notes: tuple


def check(run, name, output):
    """Raises unless a run can be exported, before TensorFlow loads.

    Args:
        run: its folder.
        name: of the model to be, or None.
        output: folder to write to, or None.

    Returns:
        The content of its config.

    Raises:
        UsageError: it cannot.
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


def write(
    run, output=None, *, name=None, version=None, data_dir=None, **options
):
    """Exports a run.

    Args:
        run: folder of a finished run.
        output: folder to write to; default: `served/` in the run.
        name: of the model; default: method and data set.
        version: number; default: the next one.
        data_dir: as of the trainers.
        **options: `format`, `ensemble` and `calibrate`, a bool.

    Returns:
        `Written`.

    Raises:
        UsageError: it cannot be exported, or there is such a version.
    """
    config = check(run, name, output)
    # Imported here: they load TensorFlow.
    from noisy_keras import serving
    from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
    from noisy_keras.serving import server_files
    from trainers.run import serving as serving_of_run

    finished_run.check_version(run)
    format = options.get("format", serving.SAVED_MODEL)
    if name is None:
        name = serving_of_run.model_name(config)
    output = output or os.path.join(run, "served")
    # Servers would look for a graph in every version of a model.
    folder = name if format == serving.SAVED_MODEL else f"{name}-{format}"
    path = os.path.join(output, folder)
    if version is not None:
        path = os.path.join(path, str(version))
        if os.path.lexists(path):
            raise UsageError(
                f"--version: expected a new one, because versions are never "
                f"overwritten; {path} exists"
            )
    model = finished_run.load_model(run)
    if isinstance(model, SelfSupervisedModel):
        raise UsageError(
            "--run: expected a run of a method that predicts classes; got one "
            f"of {config['settings']['method']}, whose {run}/encoder.keras "
            "such a method can start from"
        )
    source, notes = None, []
    if options.get("calibrate", True):
        source, why = _validation(run, data_dir)
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
            facts=serving_of_run.facts(run, config),
            next_version=version is None,
        )
        if format == serving.SAVED_MODEL:
            kept = server_files.write(output, name)
            if kept:
                notes.append(
                    f"Left as they are, because you changed them: "
                    f"{', '.join(kept)}."
                )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"--run: {error}") from error
    serving_of_run.tell(run, exported.calibration.as_dict())
    return Written(exported, name, (*exported.notes, *notes))


def _validation(run, data_dir):
    """The validation source of a run, and what is to be said of it."""
    try:
        found = finished_run.load(run, data_dir)
    except UsageError as error:
        return None, f"The run's data cannot be had ({error})."
    return found.validation, ""
