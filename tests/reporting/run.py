"""Generated files of a run, with arbitrary names."""

import csv
import json

import numpy as np

COLUMNS = (
    "id",
    "path",
    "given_label",
    "suggested_label",
    "clean_probability",
    "confidence",
    "verdict",
)


def write(
    folder, names, samples=60, finished=True, dataset="digits", divisions=(1,)
):
    """Writes a run's files.

    Args:
        folder: of the run, a `Path`; made if need be.
        names: of the classes.
        samples: of the audit.
        finished: whether with the files that come at the end.
        dataset: name.
        divisions: epochs whose losses were divided.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "method": "sanm",
        "preset": "a paper",
        "replaced": ["epochs"],
        "data": {"dataset": dataset, "noise_rate": 0.4},
        "training": {"epochs": 3, "learning_rate": 0.02},
        "host": {},
        "plugin": {},
    }
    _json(
        folder / "config.json",
        {
            "settings": settings,
            "method": {"warmup_epochs": 1},
            "samples": samples,
            "classes": list(names),
            "versions": {"python": "3.11.0"},
        },
    )
    _lines(folder / "metrics.jsonl", [_epoch(e) for e in (1, 2, 3)])
    _lines(
        folder / "loss_histograms.jsonl",
        [_histogram(e, k) for e in divisions for k in (0, 1)],
    )
    if not finished:
        return
    random = np.random.RandomState(0)
    given, suggested = random.randint(0, len(names), (2, samples))
    same = random.uniform(size=samples) < 0.7
    suggested = np.where(same, given, suggested)
    clean = random.uniform(size=samples)
    rows = [
        (
            f"id {i} of {names[given[i]]}",
            "",
            names[given[i]],
            names[suggested[i]],
            f"{clean[i]:.6f}",
            "0.900000",
            "ok" if clean[i] >= 0.5 else "suspect",
        )
        for i in range(samples)
    ]
    audit(folder, rows)
    _json(
        folder / "summary.json",
        {
            "final": {"epoch": 3, "validation": 0.5, "test": 0.625},
            "best_by_validation": {"epoch": 2, "test": 0.75},
            "mean_last_10": {"test": 0.5},
            "epochs_averaged": 3,
            "selection": {"split": "validation", "rule": "the best"},
            "labels": {
                "samples": samples,
                "ok": int(np.sum(clean >= 0.5)),
                "suspect": int(np.sum(clean < 0.5)),
            },
        },
    )
    _json(
        folder / "calibration.json",
        {
            "split": "test",
            "labels": "true",
            "samples": 20,
            "overall_accuracy": 0.75,
            "mean_confidence": 0.8,
            "expected_calibration_error": 0.123,
            "maximum_calibration_error": 0.4,
            "edges": [0.0, 0.5, 1.0],
            "count": [0, 20],
            "confidence": [None, 0.8],
            "accuracy": [None, 0.75],
        },
    )
    pictures = folder / "pictures"
    pictures.mkdir()
    np.savez_compressed(
        pictures / "masks.npz",
        epoch=3,
        columns=np.array(["original", "activation"]),
        panels=random.randint(0, 256, (2, 2, 8, 8, 3)).astype(np.uint8),
        title=np.array([f"given {names[0]}\nclean 0.10", "given"]),
    )


def audit(folder, rows, columns=COLUMNS):
    """Writes a `label_audit.csv`."""
    path = folder / "label_audit.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def _epoch(number):
    return {
        "epoch": number,
        "loss": 3.0 / number,
        "val_accuracy": number / 4,
        "odd": None,
        "seconds": 10.0,
        "division_seconds": 2.0,
        "training_seconds": 7.0,
        "evaluation_seconds": 0.5,
    }


def _histogram(epoch, network):
    return {
        "epoch": epoch,
        "network": network,
        "counts": {"right": [30, 5, 0, 1], "wrong": [0, 4, 10, 10]},
        "mixture": {
            "family": "gaussian",
            "weights": [0.6, 0.4],
            "means": [0.125, 0.75],
            "variances": [0.01, 0.04],
        },
    }


def _json(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")


def _lines(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
