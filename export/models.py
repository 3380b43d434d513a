"""The model of a finished run, as something that can be served."""

import dataclasses
import json
import os
import re

from trainers import datasets
from trainers import finished_run
from trainers import run_folder
from trainers.usage import UsageError

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
        output: folder to write to; default: `export/` in the run.
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
    from noisy_keras.methods.self_supervised import SelfSupervisedModel
    from noisy_keras.serving import server_files

    finished_run.check_version(run)
    settings = config["settings"]
    short = datasets.short_name(settings["data"]["dataset"])
    format = options.get("format", serving.SAVED_MODEL)
    if name is None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{settings['method']}-{short}")
    output = output or os.path.join(run, "export")
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
            f"of {settings['method']}, whose {run}/encoder.keras such a method "
            "can start from"
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
            facts=_facts(run, config),
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
    _tell(run, exported.calibration)
    return Written(exported, name, (*exported.notes, *notes))


def _validation(run, data_dir):
    """The validation source of a run, and what is to be said of it."""
    try:
        found = finished_run.load(run, data_dir)
    except UsageError as error:
        return None, f"The run's data cannot be had ({error})."
    return found.validation, ""


def _facts(run, config):
    """What the model card tells of a run."""
    noise, rate = config.get("noise"), config.get("effective_noise_rate")
    told = "none was injected; what the labels had is not known"
    if noise:
        told = f"{noise['type']}, nominal rate {noise['rate']:.0%}"
    if rate is not None:
        told += f"; {rate:.1%} of the training labels are wrong"
    return {
        "method": config["settings"]["method"],
        "dataset": config["settings"]["data"]["dataset"],
        "samples": config.get("samples"),
        "noise": told,
        "accuracy": _accuracy(run),
    }


def _accuracy(run):
    path = os.path.join(run, run_folder.SUMMARY)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        summary = json.load(stream)
    last = summary.get("final") or {}
    told = [
        f"{last[k]:.2%} on {k}" for k in ("validation", "test") if k in last
    ]
    if not told:
        return None
    return (
        f"At the last epoch ({last.get('epoch')}), all networks together: "
        f"{', '.join(told)}."
    )


def _tell(run, calibration):
    """Adds the calibration to the run's summary."""
    path = os.path.join(run, run_folder.SUMMARY)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as stream:
        summary = json.load(stream)
    summary["calibration"] = calibration.as_dict()
    run_folder.write_json(path, summary)
