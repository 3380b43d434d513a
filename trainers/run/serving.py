"""What a run leaves to be served, and what its model card tells."""

import json
import os
import re

from noisy_keras import serving
from noisy_keras.serving import publish
from trainers.flags import data as data_flags
from trainers.run import finished_run
from trainers.run import folder as run_folder


def write(run, folder, out):
    """Writes `export/1/`, the SavedModel of a run that has finished.

    Whatever goes wrong here, the run is finished: it is told in a line.

    Args:
        run: a `prepare.Run`, whose other files are written.
        folder: of the run.
        out: rich console.

    Returns:
        The files to point to: list of (name, what it is).
    """
    target = os.path.join(folder, run_folder.EXPORT)
    # Killed after it was published, a run goes on to here again.
    version = publish.next_version(target) - 1
    if not version:
        try:
            version = os.path.basename(_export(run, folder, target).path)
        except Exception as error:  # An export may not lose a run.
            told = str(error).strip().split("\n")[0]
            out.print(
                f"{run_folder.EXPORT}/ could not be written "
                f"({type(error).__name__}: {told})"
            )
            return []
    path = os.path.join(target, str(version), serving.METADATA)
    with open(path, encoding="utf-8") as stream:
        tell(folder, json.load(stream)["calibration"])
    name = f"{run_folder.EXPORT}/{version}/"
    return [(name, "the model for TensorFlow Serving: pictures' bytes go in")]


def _export(run, folder, target):
    model = run.model
    if run.strategy.num_replicas_in_sync > 1:
        # Without the variables' copies.
        model = finished_run.load_model(folder)
    path = os.path.join(folder, run_folder.CONFIG)
    with open(path, encoding="utf-8") as stream:
        config = json.load(stream)
    return serving.export(
        model,
        target,
        class_names=config["classes"],
        validation_data=run.validation,
        name=model_name(config),
        facts=facts(folder, config),
        next_version=True,
    )


def model_name(config):
    """What clients call the model of a run by: method and data set."""
    settings = config["settings"]
    short = data_flags.short_name(settings["data"]["dataset"])
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{settings['method']}-{short}")


def facts(folder, config):
    """What the model card tells of a run.

    Args:
        folder: of the run.
        config: the content of its `config.json`.

    Returns:
        dict, as `noisy_keras.serving.card.write` takes it.
    """
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
        "accuracy": _accuracy(folder),
    }


def _accuracy(folder):
    last = (_summary(folder) or {}).get("final") or {}
    told = [
        f"{last[k]:.2%} on {k}" for k in ("validation", "test") if k in last
    ]
    if not told:
        return None
    return (
        f"At the last epoch ({last.get('epoch')}), all networks together: "
        f"{', '.join(told)}."
    )


def tell(folder, calibration):
    """Adds the calibration of what was exported to a run's summary.

    Args:
        folder: of the run.
        calibration: dict, as of `noisy_keras.serving.Calibration.as_dict`.
    """
    summary = _summary(folder)
    if summary is not None:
        summary["calibration"] = calibration
        path = os.path.join(folder, run_folder.SUMMARY)
        run_folder.write_json(path, summary)


def _summary(folder):
    path = os.path.join(folder, run_folder.SUMMARY)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)
