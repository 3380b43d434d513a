"""The third part of a run: its files are written and its results printed."""

import os

from noisy_keras.callbacks import metrics_log
from noisy_keras.utils import distribution
from trainers.run import classification
from trainers.run import folder as run_folder
from trainers.run import loggers
from trainers.run import noise_estimate
from trainers.run import pictures
from trainers.run import recipes
from trainers.run import reporting
from trainers.run import serving


def finish(run, folder, out, export=True, images=None):
    """Writes audit, model, summary and report, and prints the results.

    Args:
        run: `Run`, trained.
        folder: str, folder of the run.
        out: rich console.
        export: bool, whether to export the model for serving; or `"last"` or
            `"best"`, which epoch of it.
        images: `Run` of the images, where the run was trained on features of
            them; or None.
    """
    audit = (run.recipe or run.model).label_audit(
        run.train, held_out=run.held_out
    )
    epochs = metrics_log.read(os.path.join(folder, run_folder.METRICS))
    summary = summarize(run, epochs, audit)
    if export and "kept" in summary:
        summary["exported"] = serving.choice(summary, export)
    # All replicas take part in this; one of them writes.
    calibration = run.variant.calibration(run, out)
    if not distribution.is_chief(run.strategy):
        return
    if run.encoding is not None:
        # Judged by the features, which are there; images go into the files.
        run = run.encoding.on_images(run, images)
    files = _write(run, folder, audit, summary, out, calibration)
    files += run.variant.artefacts(run, folder, out, export)
    if "exported" in summary:
        # The page says how the exported model is calibrated, too.
        reporting.write(run, folder, out)
    out.print()
    run.variant.print_results(out, summary)
    if run.recipe is not None:
        recipes.print_results(out, run)
    run.variant.print_labels(out, summary["labels"])
    out.print(f"Files in {folder}:")
    for name, what in files:
        out.print(f"  {name:<20} {what}")


def summarize(run, epochs, audit):
    """What `summary.json` holds.

    Args:
        run: `Run`, trained.
        epochs: list of dicts, the records of `metrics.jsonl`.
        audit: `LabelAudit` of all samples.

    Returns:
        dict.
    """
    summary = {
        "method": run.settings.method,
        "dataset": run.settings.data["dataset"],
        "effective_noise_rate": run.effective_noise_rate,
        **run.variant.summary(run, epochs),
        "labels": classification.found_labels(run, audit),
        "wall_seconds": round(sum(r["seconds"] for r in epochs), 1),
        "epochs": len(epochs),
    }
    if run.recipe is not None:
        summary |= recipes.summary(run, epochs)
    return summary


def _write(run, folder, audit, summary, out, calibration):
    """Writes what every run leaves, each file whole or not at all.

    Returns:
        A list of (name of a file, what it is).
    """
    audit.to_csv(os.path.join(folder, run_folder.AUDIT))
    run_folder.save_model(os.path.join(folder, run_folder.MODEL), run.model)
    if calibration is not None:
        run_folder.write_json(
            os.path.join(folder, run_folder.CALIBRATION), calibration
        )
    run_folder.write_json(os.path.join(folder, run_folder.SUMMARY), summary)
    files = reporting.write(run, folder, out)
    if run.recipe is not None:
        files.append(("phases/", "what each phase left for the next"))
    if pictures.write_unreadable(run, folder):
        what = "pictures that cannot be read, and why"
        files.append((run_folder.UNREADABLE, what))
    if os.path.exists(os.path.join(folder, run_folder.DUPLICATES)):
        what = "pictures that occur twice, with other labels or in other splits"
        files.append((run_folder.DUPLICATES, what))
    files += [
        (
            run_folder.AUDIT,
            "every label: right or wrong, and the class that is likely",
        ),
        (
            run_folder.MODEL,
            "the trained model, for keras.models.load_model",
        ),
        (run_folder.SUMMARY, "the figures above and more"),
        (run_folder.METRICS, "all metrics of every epoch"),
        (run_folder.LABELS, "the labels as the run was given them"),
        (run_folder.SAMPLES, "which samples were in training, which held out"),
    ]
    if run.estimate is not None:
        files.append((noise_estimate.FILE, "which classes are given for which"))
    files += loggers.files(folder, run.loggers)
    if os.path.isdir(os.path.join(folder, run_folder.PICTURES)):
        files.append(("pictures/", "masks and reconstructions"))
    return files
