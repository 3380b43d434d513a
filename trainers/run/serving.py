"""The export of a run for serving, and the contents of its model card."""

import json
import os
import re

from noisy_keras import serving
from noisy_keras.serving import publish
from trainers.flags import data
from trainers.run import errors
from trainers.run import finished_run
from trainers.run import folder as run_folder


def write(run, folder, out):
    """Writes `export/1/`, the SavedModel of a run that has finished.

    Whatever goes wrong here, the run is finished: it is printed.

    Args:
        run: `Run`, whose other files are written.
        folder: str, folder of the run.
        out: rich console.

    Returns:
        A list of (name of a file, what it is).
    """
    target = os.path.join(folder, run_folder.EXPORT)
    # Killed after it was published, a run goes on to here again.
    version = publish.next_version(target) - 1
    if not version:
        with errors.survived(out, f"{run_folder.EXPORT}/ could not be written"):
            version = os.path.basename(_export(run, folder, target).path)
        if not version:
            return []
    path = os.path.join(target, str(version), serving.METADATA)
    with open(path, encoding="utf-8") as stream:
        record_calibration(folder, json.load(stream)["calibration"])
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
    """The name of a run's model for clients: method and data set."""
    settings = config["settings"]
    short = data.short_name(settings["data"]["dataset"])
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{settings['method']}-{short}")


def facts(folder, config):
    """The facts on a run for the model card.

    Args:
        folder: str, folder of the run.
        config: dict, the content of its `config.json`.

    Returns:
        dict, as `noisy_keras.serving.card.write` takes it.
    """
    noise, rate = config.get("noise"), config.get("effective_noise_rate")
    described = "none was added; how noisy the labels were is not known"
    if noise:
        described = f"{noise['type']}, nominal rate {noise['rate']:.0%}"
    if rate is not None:
        described += f"; {rate:.1%} of the training labels are wrong"
    return {
        "method": config["settings"]["method"],
        "dataset": _without_folders(config["settings"]["data"]["dataset"]),
        "samples": config.get("samples"),
        "noise": described,
        "accuracy": _accuracy(folder),
    }


def _without_folders(dataset):
    """A data set without the folders of this machine that lead to it."""
    kind, name = data.split_name(dataset)
    if kind not in ("folder", "csv", "tfrecord"):
        return dataset
    return f"{kind}:{os.path.basename(os.path.normpath(name))}"


def _accuracy(folder):
    last = (_summary(folder) or {}).get("final") or {}
    parts = [
        f"{last[k]:.2%} on {k}" for k in ("validation", "test") if k in last
    ]
    if not parts:
        return None
    return (
        f"At the last epoch ({last.get('epoch')}), all networks together: "
        f"{', '.join(parts)}."
    )


def record_calibration(folder, calibration):
    """Adds the calibration of an exported model to the summary of its run.

    Args:
        folder: str, folder of the run.
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
