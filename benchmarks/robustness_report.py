"""Tables of the runs of `robustness.py`."""

import glob
import json
import os

import harness
import numpy as np

_ROW = (
    "| {noise} | {method} | {seeds} | {last} | {chosen} | {balanced} | {auc} | "
    "{called} / {wrong} | {estimated} / {true} | {epochs} | {passes} |"
)
_HEAD = (
    "| noise | method | seeds | last | chosen | balanced | AUC | "
    "called / truly wrong | estimated / true rate | epochs | passes |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)
_BASELINE = "cross_entropy"


def read(folder):
    """Finished runs: dict from (dataset, noise, budget, method, seed)."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        name = os.path.basename(path).removesuffix(".json").split("-")
        dataset, noise, budget, method, seed = name
        with open(path, encoding="utf-8") as stream:
            run = json.load(stream)
        found[dataset, noise, int(budget), method, int(seed)] = run
    return found


def write(description, folders):
    """Writes `robustness.json` and `robustness.md`.

    Args:
        description: str, text above the tables.
        folders: dict from the title of a part to the folder of its runs.
    """
    parts = {title: read(folder) for title, folder in folders.items()}
    lines = ["# robustness", "", description.strip(), ""]
    machine = harness.machine()
    lines += [f"Machine: {machine['processor']}, {machine['cores']} cores.", ""]
    for title, runs in parts.items():
        lines += [f"## {title}", "", *_summary(runs), ""]
        for dataset, budget in sorted({(k[0], k[2]) for k in runs}):
            lines += [f"### {dataset}, {budget} passes per picture", "", _HEAD]
            here = {
                k: v
                for k, v in runs.items()
                if (k[0], k[2]) == (dataset, budget)
            }
            groups = {}
            for (_, noise, _, method, _), run in here.items():
                groups.setdefault((noise, method), []).append(run)
            lines += [_row(*key, groups[key]) for key in sorted(groups)]
            lines.append("")
    with open(os.path.join(harness.RESULTS, "robustness.md"), "w") as stream:
        stream.write("\n".join(lines))
    content = {
        "machine": machine,
        "parts": {
            title: {"-".join(map(str, k)): run for k, run in runs.items()}
            for title, runs in parts.items()
        },
    }
    with open(os.path.join(harness.RESULTS, "robustness.json"), "w") as stream:
        json.dump(content, stream, separators=(",", ":"))
        stream.write("\n")


def _row(noise, method, runs):
    def mean(key):
        return float(np.mean([run.get(key) or 0.0 for run in runs]))

    def percent(key):
        return f"{100 * mean(key):.1f}"

    judged = all("label_auc" in run for run in runs)
    return _ROW.format(
        noise=noise,
        method=method,
        seeds=len(runs),
        **{
            key: f"{100 * mean(key):.1f}"
            for key in ("last", "chosen", "balanced")
        },
        auc=f"{mean('label_auc'):.3f}" if judged else "",
        called=round(mean("called")),
        wrong=round(mean("wrong")),
        estimated=f"{mean('estimated_rate'):.2f}",
        true=f"{mean('true_rate'):.2f}",
        epochs=round(mean("epochs")),
        passes=round(mean("passes")),
    )


def _summary(runs):
    """How methods compare with plain training, in lines."""
    lines = []
    for method in sorted({key[3] for key in runs} - {_BASELINE}):
        pairs = []
        for key in {(k[0], k[1], k[2]) for k in runs}:
            own, plain = (
                [v for k, v in runs.items() if k[:3] == key and k[3] == name]
                for name in (method, _BASELINE)
            )
            if own and plain:
                pairs.append((own, plain))
        if not pairs:
            continue

        def gaps(key, pairs=pairs):
            return np.array(
                [
                    np.mean([r[key] for r in own])
                    - np.mean([r[key] for r in plain])
                    for own, plain in pairs
                    if all(key in r for r in own + plain)
                ]
            )

        # Auto returns a network that it has chosen, not that of its last epoch.
        which = "kept" if method.startswith("auto") else "last"
        auc = gaps("label_auc")
        last = 100 * np.array(
            [
                np.mean([r.get(which, r["last"]) for r in own])
                - np.mean([r["last"] for r in plain])
                for own, plain in pairs
            ]
        )
        lines.append(
            f"- {method}: at or above cross-entropy's last epoch in "
            f"{np.sum(last >= 0)} of {len(last)} conditions, at most "
            f"{max(0.0, -last.min()):.1f} points below it in the others, "
            f"{np.median(last):+.1f} in the median; AUC at most "
            f"{max(0.0, -auc.min()):.3f} below."
        )
    for method in sorted({key[3] for key in runs}):
        own = [v for k, v in runs.items() if k[3] == method]
        noisy = [r for r in own if r["wrong"]]
        near = np.mean(
            [abs(r["called"] - r["wrong"]) <= 0.2 * r["wrong"] for r in noisy]
        )
        rate = np.mean(
            [abs(r["estimated_rate"] - r["true_rate"]) <= 0.05 for r in own]
        )
        lines.append(
            f"- {method}: labels called wrong within 20 % of their true number "
            f"in {near:.0%} of {len(noisy)} noisy runs; estimated rate within "
            f"5 points in {rate:.0%} of {len(own)} runs."
        )
    return lines
