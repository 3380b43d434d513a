"""A thousand photographs, 19 % of them wrongly labelled: how good is the audit?

Crops of real pictures that come with Python packages, in six classes of uneven
size, are written to a folder with one sub-folder per class. Of each class, the
same share of files lies in a wrong sub-folder: half in that of the next class,
half in any other. Commands train on that folder, with a small network, and
their audits of all the samples are compared with the truth.

A second data set has 150, 150 and 8 photographs of three classes, all of them
labelled rightly: how many of the rare class are called wrong?

    pip install '.[pretrained]' scikit-learn scikit-image matplotlib
    python benchmarks/photographs.py --seeds=0,1,2
    python benchmarks/photographs.py --methods=elr_on_features,auto_on_features

Finished runs are not repeated, and results that other flags gave are kept:
benchmarks/results/photographs.json and photographs.md.
"""

import csv
import json
import os
import subprocess
import sys
import time

import harness
import numpy as np
from absl import app
from absl import flags
from photographs_data import CLASSES
from photographs_data import NEW
from photographs_data import draw

flags.DEFINE_string("work_dir", "runs/photographs", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_list("methods", None, "Methods; default: all.")
flags.DEFINE_list("datasets", ["photographs", "rare"], "Data sets.")
FLAGS = flags.FLAGS

WRONG = 0.19
#: Of the second data set, where all labels are right.
RARE = {
    "building": (150, ("china",)),
    "flower": (150, ("flower",)),
    "cat": (8, ("chelsea",)),
}
#: The same for all methods: a small network, as for two cores.
SETTINGS = {
    "network": "preact_resnet18",
    "width": 16,
    "image_size": 32,
    "epochs": 30,
    "batch_size": 50,
}

#: Of methods whose name ends in `_on_features`: a frozen, pretrained network,
#: and the preset for its features.
FROZEN = {"frozen_backbone": "efficientnet_lite0", "image_size": 128}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def train(method, folder, seed):
    """Trains by the command line and returns the run's folder."""
    output = f"{folder}_{method}"
    if not os.path.exists(os.path.join(output, "summary.json")):
        name, _, frozen = method.partition("_on_")
        settings = (FROZEN if frozen else SETTINGS) | {
            "dataset": f"folder:{os.path.join(folder, 'pictures')}",
            "output_dir": output,
            "seed": seed,
        }
        began = time.monotonic()
        command(f"trainers.{name}", settings)
        # From the command to the report: `wall_seconds` is of the epochs alone.
        minutes = (time.monotonic() - began) / 60
        with open(f"{output}.minutes", "w", encoding="utf-8") as stream:
            stream.write(f"{minutes:.2f}")
    return output


def command(module, settings):
    options = [f"--{name}={value}" for name, value in settings.items()]
    subprocess.run([sys.executable, "-m", module, *options], check=True)


def audit(output, folder, rarest):
    """How well the audit of a run agrees with the truth: dict."""
    true = {r["path"]: r["true_label"] for r in read(folder, "truth.csv")}
    rows = read(output, "label_audit.csv")
    if len(rows) != len(true) or {r["path"] for r in rows} != set(true):
        raise ValueError(
            f"{output}: expected one row for each of {len(true)} files, got "
            f"{len(rows)}"
        )
    wrong = np.array([true[r["path"]] != r["given_label"] for r in rows])
    called = np.array([r["verdict"] != "ok" for r in rows])
    suggested = [
        r for r in rows if r["suggested_label"] not in ("", r["given_label"])
    ]
    rare = np.array([true[r["path"]] == rarest for r in rows])
    relabelled = np.array([r["verdict"] == "relabelled" for r in rows])
    with open(os.path.join(output, "summary.json"), encoding="utf-8") as stream:
        summary = json.load(stream)
    return {
        "samples": len(rows),
        "wrong": int(wrong.sum()),
        "called_wrong": int(called.sum()),
        "precision": float(wrong[called].mean()) if called.any() else None,
        "recall": float(called[wrong].mean()) if wrong.any() else None,
        "suggested": len(suggested),
        "suggested_rightly": sum(
            true[r["path"]] == r["suggested_label"] for r in suggested
        ),
        "rarest_class_called_wrong_though_right": int(
            (called & ~wrong & rare).sum()
        ),
        "rarest_class_relabelled_though_right": int(
            (relabelled & ~wrong & rare).sum()
        ),
        "estimated_rate": summary.get("estimated_noise_rate"),
        "minutes": summary["wall_seconds"] / 60,
        "command_minutes": command_minutes(output),
    }


def command_minutes(output):
    """Minutes of the whole command, None of a run of an earlier version."""
    try:
        with open(f"{output}.minutes", encoding="utf-8") as stream:
            return float(stream.read())
    except OSError:
        return None


def predicted(output, folder, calibrate):
    """Accuracy, balanced accuracy and calibration error on new pictures."""
    path = os.path.join(output, f"new_{calibrate}.csv")
    settings = {
        "run": output,
        "input": os.path.join(folder, "new.csv"),
        "output": path,
        "calibrate": calibrate,
        "overwrite": True,
    }
    command("trainers.predict", settings)
    rows = read(path)
    right = [r["predicted_label"] == r["given_label"] for r in rows]
    right = np.array(right)
    sure = np.array([float(r["probability"]) for r in rows])
    bins = np.minimum((sure * 15).astype(int), 14)
    # Share of a bin's samples times its gap.
    gaps = [
        abs(right[bins == b].sum() - sure[bins == b].sum()) for b in set(bins)
    ]
    # As many new pictures of each class: the accuracy is the balanced one.
    return float(right.mean()), float(sum(gaps) / len(rows))


_METHODS = ("cross_entropy", "dividemix")
_ON_FEATURES = ("elr_on_features", "auto_on_features")
#: Name, classes, share of wrong labels and methods of a data set.
DATASETS = (
    ("photographs", CLASSES, WRONG, (*_METHODS, "auto", *_ON_FEATURES)),
    ("rare", RARE, 0.0, _METHODS),
)


def main(argv):
    del argv
    for seed in map(int, FLAGS.seeds):
        for name, classes, share, methods in DATASETS:
            if name not in FLAGS.datasets:
                continue
            folder = os.path.join(FLAGS.work_dir, f"{name}_{seed}")
            draw(folder, seed, classes, share)
            for method in methods:
                if not FLAGS.methods or method in FLAGS.methods:
                    keep(result(name, method, seed, folder, classes))


def result(name, method, seed, folder, classes):
    """Trains, if it has not been done yet, and judges: a row of the table."""
    output = train(method, folder, seed)
    accuracy, before = predicted(output, folder, False)
    _, after = predicted(output, folder, True)
    return {
        "dataset": name,
        "method": method,
        "seed": seed,
        "accuracy": accuracy,
        "calibration_error_before": before,
        "calibration_error": after,
        **audit(output, folder, list(classes)[-1]),
    }


def keep(row):
    """Writes a row to the results, in place of an earlier one of that run."""
    print(json.dumps(row), flush=True)
    path = os.path.join(harness.RESULTS, "photographs")
    rows = [row]
    if os.path.exists(f"{path}.json"):
        with open(f"{path}.json", encoding="utf-8") as stream:
            rows += json.load(stream)["runs"]
    # The first of each run: the new one.
    runs = {key(r): r for r in reversed(rows)}
    content = {
        "machine": harness.machine(),
        "settings": SETTINGS,
        "runs": [runs[k] for k in sorted(runs)],
    }
    os.makedirs(harness.RESULTS, exist_ok=True)
    with open(f"{path}.json", "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    with open(f"{path}.md", "w", encoding="utf-8") as stream:
        stream.write(page(content["runs"]))


def key(row):
    return row["dataset"], row["method"], row["seed"]


COLUMNS = {
    "accuracy": "accuracy",
    "called_wrong": "called wrong",
    "precision": "precision",
    "recall": "recall",
    "suggested": "suggested",
    "suggested_rightly": "rightly",
    "rarest_class_called_wrong_though_right": "rarest class, right labels: "
    "called wrong",
    "rarest_class_relabelled_though_right": "relabelled",
    "estimated_rate": "estimated rate",
    "calibration_error_before": "calibration error before",
    "calibration_error": "after",
    "minutes": "minutes of the epochs",
    "command_minutes": "of the command",
}


def page(results):
    """The Markdown page of all runs."""
    lines = ["# photographs", ""]
    lines += [
        "photographs: 1000 crops of eight pictures in six classes of 320 to "
        f"50; {WRONG:.0%} of the labels of each class are wrong, half of them "
        "those of the next class, half any other. rare: three classes of 150, "
        "150 and 8, with right labels. Called wrong: all verdicts but `ok`, of "
        "training and held-out samples. Accuracy and calibration error (15 "
        f"bins) are those on {NEW} new crops of each class, whose labels are "
        "right.",
        "",
        "| data | method | seed | " + " | ".join(COLUMNS.values()) + " |",
        "|---" * (len(COLUMNS) + 3) + "|",
    ]
    names = ("dataset", "method", "seed")
    for row in results:
        cells = [cell(row.get(name)) for name in (*names, *COLUMNS)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cell(value):
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    app.run(main)
