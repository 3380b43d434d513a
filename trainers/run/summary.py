"""The figures of a finished run."""

import numpy as np

from noisy_keras.callbacks.label_quality import label_quality
from trainers.run import phases


def summarize(run, records, audit):
    """What `summary.json` holds.

    Args:
        run: a `Run`, trained.
        records: of `metrics.jsonl`.
        audit: `LabelAudit` of the training source.

    Returns:
        dict. Accuracies are of the ensemble of all networks unless said
        otherwise. The best epoch is chosen by validation accuracy; where no
        validation split was held out, nothing is chosen, and the best test
        epoch is listed as what it is.
    """
    judged = run.judged_name
    # Of a recipe, those of the last phase: the model that there is now.
    phase = records[-1].get("phase")
    own = [r for r in records if r.get("phase") == phase]
    epochs = [_accuracies(record, judged) for record in own]
    best = max(epochs, key=lambda e: e[judged])
    last = epochs[-1]
    tail = epochs[-10:]
    summary = {
        "method": run.settings.method,
        "dataset": run.settings.data["dataset"],
        "effective_noise_rate": run.effective_noise_rate,
        "estimated_noise_rate": run.estimate and run.estimate.rate,
        "selection": {
            "split": None if judged == "test" else judged,
            "rule": "none: no validation split was held out"
            if judged == "test"
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
        "ensemble": {"test": last["test"]} if "test" in last else None,
        "single_network": _single_networks(run),
        "labels": found_labels(run, audit),
        "wall_seconds": round(sum(r["seconds"] for r in records), 1),
        "epochs": len(records),
    }
    if run.recipe is not None:
        summary |= _of_phases(run, records, judged)
    if judged == "test":
        summary["best_on_test"] = {
            **best,
            "note": "chosen on the test set; for published tables only",
        }
    return summary


def _of_phases(run, records, judged):
    """How each phase ended, and what each detection found."""
    last = {
        r["phase"]: _accuracies(r, judged)
        for r in records
        if "val_accuracy" in r
    }
    detections = {}
    for name, division in getattr(run.recipe, "divisions", {}).items():
        quality = label_quality(run.train, division.clean_probability)
        detections[name] = {
            "outcome": str(division.found["outcome"]),
            "believed": int(division.labeled.sum()),
            **quality,
            "fallback": division.fallback or None,
        }
    found = {"phases": last} | phases.purified(run)
    return found | ({"detections": detections} if detections else {})


def _accuracies(record, judged):
    values = {"epoch": record["epoch"], judged: record["val_accuracy"]}
    if "test_accuracy" in record:
        values["test"] = record["test_accuracy"]
    return values


def _single_networks(run):
    """Test accuracy of each network on its own, at the end."""
    if len(run.model.networks) == 1 or run.test is None:
        return None
    right = np.zeros(len(run.model.networks))
    for network, number in zip(run.model.networks, range(99), strict=False):
        for start in range(0, run.test.num_samples, 500):
            index = np.arange(start, min(start + 500, run.test.num_samples))
            logits = network.predict_on_batch(run.test.fetch(index))["logits"]
            right[number] += np.sum(
                logits.argmax(axis=1) == run.test.labels[index]
            )
    return {"test": [float(r) for r in right / run.test.num_samples]}


def found_labels(run, audit):
    """What an audit says of the labels of a run, as JSON holds it."""
    counts = audit.counts()
    quality = label_quality(run.train, audit.clean_probability)
    known = ("label_auc", "label_precision", "label_recall")
    return {
        "samples": len(audit),
        **counts,
        "evidence": audit.evidence,
        # That predictions were kept of, by most samples.
        "epochs": None
        if audit.epochs is None
        else float(np.median(audit.epochs)),
        **{name: quality.get(name) for name in known},
    }
