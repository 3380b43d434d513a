"""Runs trainers as processes and collects their results."""

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")

#: Flags of the data in the benchmarks of IEG.
IEG_DATA = {
    "dataset": "cifar10",
    "validation": 0,
    "max_train_samples": 10000,
    "noise_type": "symmetric",
    "noise_convention": "ieg",
    "noise_rate": 0.8,
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One call of a trainer.

    Attributes:
        name: str, name of its folder.
        trainer: str, module below `trainers`.
        flags: dict of its flags.
        group: str, row of the table to which its results belong.
    """

    name: str
    trainer: str
    flags: dict
    group: str

    def command(self, folder, data_dir):
        """The command line."""
        options = self.flags | {"output_dir": folder}
        if data_dir is not None:
            options["data_dir"] = data_dir
        return [sys.executable, "-m", f"trainers.{self.trainer}"] + [
            f"--{name}={value}" for name, value in options.items()
        ]


def run_all(runs, work_dir, data_dir):
    """Runs each to its end, in order, and skips finished ones."""
    os.makedirs(work_dir, exist_ok=True)
    for run in runs:
        folder = os.path.join(work_dir, run.name)
        if os.path.exists(os.path.join(folder, "summary.json")):
            continue
        print(f"== {run.name}", flush=True)
        subprocess.run(run.command(folder, data_dir), check=True)


def figures(run, work_dir):
    """Results of a finished run for its row of the table: dict."""
    folder = os.path.join(work_dir, run.name)
    with open(os.path.join(folder, "summary.json"), encoding="utf-8") as s:
        summary = json.load(s)
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as s:
        records = [json.loads(line) for line in s]
    test = [r.get("test_accuracy", r["val_accuracy"]) for r in records]
    chosen = summary["best_by_validation"]
    full = [r for r in records if r.get("loss_unlabeled")] or records
    # The first epoch of a phase includes tracing, hence the median.
    return {
        "last": test[-1],
        # Selected by validation accuracy if there is a validation split, else
        # the maximum.
        "best": chosen["test"] if chosen else max(test),
        "mean_last_10": statistics.mean(test[-10:]),
        "label_auc": summary["labels"]["label_auc"],
        # For methods that weigh samples or choose labels.
        "weight_auc": records[-1].get("weight_auc"),
        "kept_auc": records[-1].get("kept_auc"),
        "seconds": statistics.median(r["seconds"] for r in full),
        "minutes": summary["wall_seconds"] / 60.0,
        "curve": test,
        # For recipes, by phase.
        "detections": {
            name: found["label_auc"]
            for name, found in (summary.get("detections") or {}).items()
        },
    }


def report(name, description, runs, work_dir, reference=None, note=""):
    """Writes results as JSON and as a Markdown table.

    Args:
        name: str, name of the files.
        description: str, text above the table.
        runs: list of `Run`; unfinished ones are omitted.
        work_dir: str, folder of the runs.
        reference: dict from group to a dict of published or measured results.
        note: str, remark on these results.
    """
    done = [
        run
        for run in runs
        if os.path.exists(os.path.join(work_dir, run.name, "summary.json"))
    ]
    rows = {}
    for run in done:
        rows.setdefault(run.group, []).append(
            {
                "name": run.name,
                "flags": _portable(run.flags),
                **figures(run, work_dir),
            }
        )
    measured_on = machine()
    os.makedirs(RESULTS, exist_ok=True)
    content = {
        "machine": measured_on,
        "note": note,
        "reference": reference,
        "runs": rows,
    }
    with open(os.path.join(RESULTS, f"{name}.json"), "w") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    with open(os.path.join(RESULTS, f"{name}.md"), "w") as stream:
        stream.write(_markdown(name, description, measured_on, rows, reference))
        if note:
            stream.write(f"\n{note}\n")


def _portable(options):
    """Flags with paths relative to the top folder."""
    top = os.path.dirname(os.path.dirname(RESULTS))
    return {
        name: os.path.relpath(value, top)
        if isinstance(value, str) and value.startswith(top)
        else value
        for name, value in options.items()
    }


def machine():
    """The machine on which results are measured: dict."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "processor": _processor(),
        "python": platform.python_version(),
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


_COLUMNS = {
    "last": "last",
    "mean_last_10": "mean of last 10",
    "best": "best",
    "label_auc": "label AUC",
    "weight_auc": "weight AUC",
    "kept_auc": "kept AUC",
    "seconds": "seconds per epoch",
}


def _markdown(name, description, machine, rows, reference):
    columns = [
        column
        for column in _COLUMNS
        if any(r[column] is not None for runs in rows.values() for r in runs)
    ]
    titles = ["run", "seeds", *(_COLUMNS[column] for column in columns)]
    lines = [f"# {name}", "", description.strip(), ""]
    lines += [
        f"Machine: {machine['processor']}, {machine['cores']} cores. Mean over "
        "seeds, with the lowest and the highest value; seconds per epoch are "
        "medians over the epochs after the warm-up and include evaluation.",
        "",
        "| " + " | ".join(titles) + " |",
        "|---" * len(titles) + "|",
    ]
    for group, runs in rows.items():
        cells = [_spread([r[column] for r in runs]) for column in columns]
        lines.append(f"| {group} | {len(runs)} | " + " | ".join(cells) + " |")
        if reference and group in reference:
            cells = [_number(reference[group].get(c)) for c in columns]
            lines.append(
                f"| {group}, reference | 1 | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines) + "\n"


def _spread(values):
    values = [v for v in values if v is not None]
    if not values:
        return ""
    text = _number(statistics.mean(values))
    if len(values) > 1:
        text += f" ({_number(min(values))} to {_number(max(values))})"
    return text


def _number(value):
    if value is None:
        return ""
    return f"{value:.3f}" if value < 2 else f"{value:.0f}"
