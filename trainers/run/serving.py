"""The export of a run for serving, and the contents of its model card."""

import contextlib
import json
import os
import re

from noisy_keras import recipes
from noisy_keras import serving
from noisy_keras.serving import publish
from trainers import UsageError
from trainers.flags import data
from trainers.run import errors
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import noise_estimate


def write_best(run, folder):
    """Writes `best.keras`, the model of the epoch of best validation accuracy.

    Args:
        run: `Run`, trained.
        folder: str, folder of the run.

    Returns:
        A list of (name of a file, what it is); empty where no epoch was kept.
    """
    keeper = run.keeper
    several = run.strategy.num_replicas_in_sync > 1
    if keeper is None or keeper.best_epoch is None or several:
        return []
    path = os.path.join(folder, run_folder.BEST_MODEL)
    with keeper.weights_of("best") as model:
        run_folder.save_model(path, model)
    what = f"the model of epoch {keeper.best_epoch}, the best by validation"
    return [(run_folder.BEST_MODEL, what)]


def write(run, folder, out, which=True):
    """Writes `export/1/`, the SavedModel of a run that has finished.

    Whatever goes wrong here, the run is finished: it is printed.

    Args:
        run: `Run`, whose other files are written.
        folder: str, folder of the run.
        out: rich console.
        which: True for the model that is kept; `"last"` or `"best"` for that of
            an epoch.

    Returns:
        A list of (name of a file, what it is).
    """
    target = os.path.join(folder, run_folder.EXPORT)
    # Killed after it was published, a run goes on to here again.
    version = publish.next_version(target) - 1
    if not version:
        with errors.survived(out, f"{run_folder.EXPORT}/ could not be written"):
            version = os.path.basename(_export(run, folder, target, which).path)
        if not version:
            _forget_export(folder)
            return []
    path = os.path.join(target, str(version), serving.METADATA)
    with open(path, encoding="utf-8") as stream:
        record_calibration(folder, json.load(stream)["calibration"])
    name = f"{run_folder.EXPORT}/{version}/"
    given = "pictures' bytes go in"
    if len(run.train.image_shape) == 1:
        given = "features go in"
    return [(name, f"the model for TensorFlow Serving: {given}")]


def _export(run, folder, target, which):
    model = run.model
    path = os.path.join(folder, run_folder.CONFIG)
    with open(path, encoding="utf-8") as stream:
        config = json.load(stream)
    with contextlib.ExitStack() as stack:
        if which in ("last", "best"):
            if run.keeper is not None and run.keeper.best_epoch is not None:
                model = stack.enter_context(run.keeper.weights_of(which))
        elif run.strategy.num_replicas_in_sync > 1:
            # Without the variables' copies.
            model = finished_run.load_model(folder)
        exported = serving.export(
            model,
            target,
            class_names=config["classes"],
            validation_data=run.validation,
            name=model_name(config),
            facts=facts(folder, config, which),
            next_version=True,
            transition=noise_estimate.transition(folder),
        )
    return exported


def check(run, which):
    """Raises unless a run will have the epoch that is to be exported.

    Args:
        run: `Run`, not trained yet.
        which: as of `write`, or False.

    Raises:
        UsageError: there will be no best epoch.
    """
    if which not in ("last", "best"):
        return
    several = run.strategy.num_replicas_in_sync > 1
    recipe = isinstance(run.model, recipes.Recipe)
    if several or recipe or (which == "best" and run.validation is None):
        raise UsageError(
            f"--export: expected no choice of an epoch here; {which} is for "
            "one training with validation samples, on one device"
        )


def choice(summary, which):
    """Which epoch is exported, as `summary.json` holds it.

    Args:
        summary: dict, the other content of `summary.json`.
        which: as of `write`.

    Returns:
        dict of `which` and the accuracies of the epoch.
    """
    name = which if isinstance(which, str) else "kept"
    return {"which": name, **(_figures(summary, which) or {})}


def _figures(summary, which):
    """The accuracies of the epoch that is exported: dict, or None."""
    key = {"last": "final", "best": "best_by_validation"}.get(which, "kept")
    # Summaries of earlier versions have no `kept`.
    return summary.get(key) or (summary.get("final") if key == "kept" else None)


def model_name(config):
    """The name of a run's model for clients: method and data set."""
    settings = config["settings"]
    short = data.short_name(settings["data"]["dataset"])
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{settings['method']}-{short}")


def facts(folder, config, which=True):
    """The facts on a run for the model card.

    Args:
        folder: str, folder of the run.
        config: dict, the content of its `config.json`.
        which: as of `write`, the model that the card is of.

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
        "accuracy": _accuracy(folder, which),
    }


def _without_folders(dataset):
    """A data set without the folders of this machine that lead to it."""
    kind, name = data.split_name(dataset)
    if kind not in ("folder", "csv", "features", "tfrecord"):
        return dataset
    return f"{kind}:{os.path.basename(os.path.normpath(name))}"


def _accuracy(folder, which):
    summary = _summary(folder) or {}
    found = _figures(summary, which) or {}
    parts = [
        f"{found[k]:.2%} on {k}" for k in ("validation", "test") if k in found
    ]
    if not parts:
        return None
    epoch, last = found.get("epoch"), (summary.get("final") or {}).get("epoch")
    where = "the last epoch" if epoch == last else "the epoch that is kept"
    return f"At {where} ({epoch}), all networks together: {', '.join(parts)}."


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


def _forget_export(folder):
    summary = _summary(folder) or {}
    if summary.pop("exported", None) is not None:
        path = os.path.join(folder, run_folder.SUMMARY)
        run_folder.write_json(path, summary)


def _summary(folder):
    path = os.path.join(folder, run_folder.SUMMARY)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)
