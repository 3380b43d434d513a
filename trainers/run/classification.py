"""What is particular to runs of methods that predict classes.

`self_supervised` has the same functions, for methods that learn without labels.
"""

import os

import numpy as np
from rich import table

from noisy_keras import callbacks
from noisy_keras.labels import held_out
from noisy_keras.labels.audit import EVIDENCE
from noisy_keras.labels.audit import SPLITS
from noisy_keras.labels.quality import audit_quality
from noisy_keras.reporting import facts
from trainers import presets
from trainers.run import callbacks as run_callbacks
from trainers.run import class_figures
from trainers.run import folder as run_folder
from trainers.run import loggers
from trainers.run import reporting
from trainers.run import serving

#: Predictions of fewer epochs depend more on the network than on the labels:
#: one epoch of cross-entropy on the digits has AUC 0.64, sixty have 0.996.
_FEW_EPOCHS = 5
#: Name of the file with the best epoch so far, among the checkpoints.
BEST = "best_epoch.npz"


def measurements(run, source, knn_every=None, say=None):
    """The callbacks that add what is measured to the logs of each epoch.

    Args:
        run: `Run`.
        source: `Source` whose labels are judged.
        knn_every: unused here.
        say: function of a line, for what a person should know; or None.

    Returns:
        A list of callbacks.
    """
    del knn_every
    found = [
        callbacks.LabelQuality(source),
        callbacks.LossOverlap(source, say),
    ]
    if run.judged is not None:
        found.append(callbacks.BalancedAccuracy(run.judged))
    # What else there is, `fit` judges each epoch.
    if run.validation is not None and run.test is not None:
        found.insert(0, run_callbacks.TestAccuracy(run.test))
    return found


def records(run, folder, source, picture_every=None, phase=None):
    """The callbacks that write the files of a run while it trains.

    Args:
        run: `Run`.
        folder: str, folder of the run.
        source: `Source` in training.
        picture_every: int, epochs between pictures, or None.
        phase: str, name of a recipe's phase, or None.

    Returns:
        A list of callbacks.
    """
    events = None
    if loggers.TENSORBOARD in run.loggers:
        events = os.path.join(folder, run_folder.TENSORBOARD)
    return [
        *run_callbacks.logs(run, folder, phase, source),
        callbacks.LossHistograms(
            source, os.path.join(folder, run_folder.HISTOGRAMS), phase
        ),
        callbacks.MaskPictures(
            source,
            os.path.join(folder, run_folder.PICTURES),
            every=picture_every,
            tensorboard=events,
        ),
    ]


def selects(run):
    """Whether validation chooses the epoch to keep.

    Args:
        run: `Run`.

    Returns:
        bool: where labels are noisy as found, and a split was held out.
    """
    unknown = run.settings.data["noise_type"] == presets.ESTIMATED
    return unknown and run.validation is not None


def keep_best(run, folder):
    """The callback that keeps the best epoch beside the last.

    The model is that of the best epoch where labels are noisy as found, and
    that epoch is clearly better. Where noise is added to a published data set,
    results are those of the last epoch, as in the papers' tables.

    Args:
        run: `Run`.
        folder: str, folder of the run.

    Returns:
        list of one callback, or empty without a validation split.
    """
    if run.validation is None:
        return []
    path = os.path.join(folder, "checkpoints", BEST)
    return [callbacks.KeepBest(run.validation, path, restore=selects(run))]


def validation_data(run):
    """The `Source` that `fit` judges each epoch by."""
    return run.judged


def calibration(run, out):
    """What `calibration.json` holds: dict, or None where it is not known."""
    return reporting.calibration(run, out)


def artefacts(run, folder, out, export):
    """Writes what is particular to these runs, once all other files are there.

    Args:
        run: `Run`.
        folder: str, folder of the run.
        out: rich console.
        export: bool, whether to export the model for serving; or `"last"` or
            `"best"`, which epoch of it.

    Returns:
        A list of (name of a file, what it is).
    """
    made = serving.write_best(run, folder)
    return made + (serving.write(run, folder, out, export) if export else [])


def summary(run, epochs):
    """The part of `summary.json` that is particular to these runs.

    Args:
        run: `Run`, trained.
        epochs: list of dicts, the records of `metrics.jsonl`.

    Returns:
        dict. Accuracies are of the ensemble of all networks unless said
        otherwise. The best epoch is chosen by validation accuracy; where no
        validation split was held out, nothing is chosen, and the best test
        epoch is listed as what it is.
    """
    judged = run.judged_name
    # Of a recipe, those of the last phase: the model that there is now.
    phase = epochs[-1].get("phase")
    own = [r for r in epochs if r.get("phase") == phase]
    measured = [accuracies(record, judged) for record in own]
    best = measured[-1]
    if judged is not None:
        best = max(measured, key=lambda e: e[judged])
    last = measured[-1]
    tail = measured[-10:]
    classes, predicted = class_figures.of_run(run)
    found = {
        "estimated_noise_rate": run.estimate and run.estimate.rate,
        "estimated_noise_interval": run.estimate
        and run.estimate.interval
        and list(run.estimate.interval),
        "selection": {
            "split": None if judged != "validation" else judged,
            "rule": "none: no validation split was held out"
            if judged != "validation"
            else "epoch of highest validation accuracy",
        },
        "final": last,
        "best_by_validation": best if judged == "validation" else None,
        "mean_last_10": {
            key: float(np.mean([e[key] for e in tail]))
            for key in last
            if key != "epoch"
        },
        "epochs_averaged": len(tail),
        "kept_epoch": run.kept_epoch or last["epoch"],
        "kept": next(
            (m for m in measured if m["epoch"] == run.kept_epoch), last
        ),
        "no_better_than_guessing": judged is not None
        and held_out.is_guessing(predicted[judged], run.judged.labels),
        "class_figures": classes,
        "ensemble": {"test": last["test"]} if "test" in last else None,
        "single_network": _single_networks(run),
    }
    if judged == "test":
        found["best_on_test"] = {
            **best,
            "note": "chosen on the test set; for published tables only",
        }
    return found


def accuracies(record, judged):
    """The epoch and the accuracies of a record of `metrics.jsonl`: dict."""
    values = {"epoch": record["epoch"]}
    if judged is not None:
        values[judged] = record["val_accuracy"]
    if "test_accuracy" in record:
        values["test"] = record["test_accuracy"]
    return values


def _single_networks(run):
    """Test accuracy of each network on its own, at the end."""
    if len(run.model.networks) == 1 or run.test is None:
        return None
    right = np.zeros(len(run.model.networks))
    for number, network in enumerate(run.model.networks):
        for start in range(0, run.test.num_samples, 500):
            index = np.arange(start, min(start + 500, run.test.num_samples))
            logits = network.predict_on_batch(run.test.fetch(index))["logits"]
            right[number] += np.sum(
                logits.argmax(axis=1) == run.test.labels[index]
            )
    return {"test": [float(r) for r in right / run.test.num_samples]}


def found_labels(run, audit):
    """What an audit finds of the labels of a run, as `summary.json` holds it.

    Args:
        run: `Run`.
        audit: `LabelAudit` of all samples.

    Returns:
        dict of the training samples; with those of validation, where any are
        held out, in `validation`, and of both in `all`.
    """
    train, held = map(audit.of_split, SPLITS)
    epochs = None  # Whose predictions were kept, of most samples.
    if train.epochs is not None:
        epochs = float(np.median(train.epochs))
    found = {
        **_counts(train),
        "mostly_wrong": list(train.mostly_wrong),
        "evidence": audit.evidence,
        "epochs": epochs,
        **_quality(train),
    }
    if len(held):
        found["validation"] = _counts(held) | _quality(held)
        found["all"] = _counts(audit) | _quality(audit)
    return found


def _counts(audit):
    return {"samples": len(audit), **audit.counts()}


def _quality(audit):
    names = ("label_auc", "label_precision", "label_recall")
    quality = audit_quality(audit)
    return {name: quality.get(name) for name in names}


def print_results(out, found):
    """Prints the accuracies.

    Args:
        out: rich console.
        found: dict, as in `summary.json`.
    """
    accuracy = table.Table(title="Accuracy", title_justify="left")
    accuracy.add_column("")
    splits = [s for s in ("validation", "test") if s in found["final"]]
    if not splits:
        out.print("Accuracy: unknown, as no samples were held out.")
        return
    for split in splits:
        accuracy.add_column(split, justify="right")
    rows = [
        ("best by validation", found["best_by_validation"]),
        ("last epoch", found["final"]),
        (f"mean of last {found['epochs_averaged']}", found["mean_last_10"]),
    ]
    for name, row in rows:
        if row is not None:
            cells = [f"{row[s]:.2%}" if s in row else "" for s in splits]
            epoch = row.get("epoch")
            label = f"{name} (epoch {epoch})" if epoch else name
            accuracy.add_row(label, *cells)
    out.print(accuracy)
    for split, figures in found.get("class_figures", {}).items():
        line = class_figures.describe(figures)
        out.print(f"On {split}: {line}.")
    for note in facts.notes(found):
        out.print(note)


def _called_wrong(counts):
    return counts["samples"] - counts["ok"] - counts.get("unreadable", 0)


def print_labels(out, labels):
    """Prints how many labels were found wrong, and how reliably.

    Args:
        out: rich console.
        labels: dict, `labels` of `summary.json`.
    """
    every = labels.get("all", labels)
    unread = every.get("unreadable", 0)
    wrong = _called_wrong(every)
    parts = f"{every['relabelled']} of them with a sure suggestion"
    if every["out_of_distribution"]:
        parts += f", {every['out_of_distribution']} maybe of no class"
    held = labels.get("validation")
    if held is not None:
        parts += (
            f", {_called_wrong(held)} of the {held['samples']} that were held "
            "out"
        )
    share = wrong / max(every["samples"], 1)
    out.print(
        f"Labels called wrong: {wrong} of {every['samples']} ({share:.1%}), "
        f"{parts}."
    )
    if unread:
        out.print(f"Not judged, because pictures cannot be read: {unread}.")
    for note in facts.warnings(labels):
        out.print(note)
    if labels.get("evidence"):
        evidence = labels["evidence"]
        out.print(f"By {EVIDENCE.get(evidence, evidence)}.")
    by_history = labels.get("evidence") == "cross_epoch_history"
    epochs = labels.get("epochs") or _FEW_EPOCHS
    if by_history and epochs < _FEW_EPOCHS:
        out.print(
            f"Predictions per label so far: {epochs:g}. A network that has "
            "hardly been trained finds most labels wrong; train it longer to "
            "know."
        )
    if labels.get("label_auc") is not None:
        out.print(f"Against the true labels: {_against_truth(labels)}.")
        if every is not labels and every["label_auc"] is not None:
            out.print(f"With those held out: {_against_truth(every)}.")


def _against_truth(labels):
    return (
        f"AUC {labels['label_auc']:.3f}, "
        f"precision {labels['label_precision'] or 0.0:.1%}, "
        f"recall {labels['label_recall']:.1%}"
    )
