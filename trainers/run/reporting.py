"""The report of a run: what it needs of the model, and writing it."""

import os

import numpy as np

from noisy_keras import analysis
from noisy_keras import reporting
from noisy_keras.callbacks import drawing
from noisy_keras.callbacks import loss_histograms
from noisy_keras.callbacks import metrics_log
from noisy_keras.labels import division
from noisy_keras.labels import measuring
from noisy_keras.reporting import page
from noisy_keras.reporting import run_files
from noisy_keras.reporting import thumbnails
from trainers.run import errors
from trainers.run import folder as run_folder
from trainers.run import loggers

_SUSPECTS = 16


def calibration(run, out):
    """How reliable the confidence of the trained model is.

    Whatever goes wrong here, the run is trained: it is printed.

    Args:
        run: `Run`, trained.
        out: rich console.

    Returns:
        dict, as `calibration.json` holds it: on the test set, or on the
        validation split where there is none; of its true labels where all are
        known. None where it cannot be measured.
    """
    split = "validation" if run.test is None else "test"
    if getattr(run, split) is None:
        return None  # No samples are held out.
    with errors.survived(out, "calibration could not be measured"):
        return {"split": split} | _calibration(run.model, getattr(run, split))
    return None


def _calibration(model, source):
    true = source.truth_known.all() and source.foreign is None
    # One pass as the audit's, in the same order on all replicas.
    found = measuring.measure(model, source)
    right = found.suggested == (source.true_labels if true else source.labels)
    bins = analysis.reliability_of_confidence(found.confidence, right)
    return {
        "labels": "true" if true else "given",
        "samples": source.num_samples,
        "overall_accuracy": float(np.mean(right)),
        "mean_confidence": float(np.mean(found.confidence)),
        "expected_calibration_error": bins.expected_calibration_error,
        "maximum_calibration_error": bins.maximum_calibration_error,
        "edges": bins.edges.tolist(),
        "count": bins.count.tolist(),
        "confidence": _without_nan(bins.confidence),
        "accuracy": _without_nan(bins.accuracy),
    }


def write(run, folder, out):
    """Writes `report.html`, and its pictures for TensorBoard.

    Whatever goes wrong here, the run is finished: it is printed.

    Args:
        run: `Run`, whose other files are written.
        folder: str, folder of the run.
        out: rich console.

    Returns:
        A list of (name of a file, what it is).
    """
    with errors.survived(out, f"{run_folder.REPORT} could not be written"):
        _keep_detections(run, folder)
        reporting.write(folder, _audited(run))
        if loggers.TENSORBOARD in run.loggers:
            _to_tensorboard(run, folder)
        return [(run_folder.REPORT, "all of this on one page, for any browser")]
    return []


def _without_nan(values):
    """JSON has no NaN; a bin without samples is null."""
    return [None if np.isnan(v) else float(v) for v in values]


def _keep_detections(run, folder):
    """Adds a recipe's detections to the histograms of the losses."""
    divisions = getattr(run.recipe, "divisions", {})
    if not divisions:
        return
    path = os.path.join(folder, run_folder.HISTOGRAMS)
    records = [r for r in metrics_log.read(path) if "name" not in r]
    last = max((r["epoch"] for r in records), default=0)
    for name, found in divisions.items():
        title = name.replace("_", " ").capitalize()
        records.append(
            {"epoch": last, "name": title, "network": 0}
            | loss_histograms.histogram(
                run.train,
                found.found["measure"],
                division.of_arrays(found.found),
            )
        )
    loss_histograms.write(path, records)


def _audited(run):
    return {"train": run.train, "validation": run.validation}


def _to_tensorboard(run, folder):
    files = run_files.read(folder)
    pictures = page.drawn(files)
    suspects = (files.audit.suspects if files.audit else [])[:_SUSPECTS]
    images = thumbnails.images_of(_audited(run), suspects)
    images = [image for image in images if image is not None]
    if images:
        pictures["most_suspect"] = np.clip(np.stack(images), 0.0, 1.0)
    epoch = files.records[-1]["epoch"] if files.records else 0
    drawing.to_tensorboard(
        os.path.join(folder, run_folder.TENSORBOARD), pictures, epoch
    )
