"""What was run, on what, and what came of it, in words and numbers."""

from noisy_keras.reporting.label_charts import shortened

_LONGEST = 200
_EXACT = 4
_SLOWEST = 5
_PARTS = {
    "training": "training",
    "division": "dividing the samples",
    "evaluation": "evaluation",
}
# Of the data, what most people ask for first.
_DATA = (
    ("dataset", "data set"),
    ("noise_type", "injected noise"),
    ("noise_rate", "nominal noise rate"),
    ("noise_seed", "noise seed"),
    ("image_size", "picture side"),
    ("max_train_samples", "samples kept at most"),
    ("validation", "held out"),
    ("trusted", "trusted samples per class"),
    ("trusted_csv", "trusted samples"),
)


def cards(run, judged):
    """The results at a glance.

    Args:
        run: `RunFiles`.
        judged: what `val_accuracy` is measured on.

    Returns:
        A list of (what, value, remark).
    """
    made = []
    summary = run.summary or {}
    made += _accuracies(run, summary, judged)
    labels = summary.get("labels") or {}
    if labels.get("samples"):
        wrong = sum(v for k, v in _verdicts(labels) if k != "ok")
        told = (
            f"{wrong / labels['samples']:.1%} of {labels['samples']:,} labels"
        )
        made.append(("labels called wrong", f"{wrong:,}", told))
    truth = run.config.get("effective_noise_rate")
    if truth is not None:
        made.append(
            ("labels truly wrong", f"{truth:.1%}", "of the training set")
        )
    estimated = summary.get("estimated_noise_rate")
    if estimated is not None:
        made.append(
            ("estimated noise", f"{estimated:.1%}", "after the warm-up")
        )
    if labels.get("label_auc") is not None:
        told = [
            f"{name} {labels[f'label_{name}']:.1%}"
            for name in ("precision", "recall")
            if labels.get(f"label_{name}") is not None
        ]
        made.append(
            ("label AUC", f"{labels['label_auc']:.3f}", ", ".join(told))
        )
    made += _of_recipes(summary)
    if run.calibration is not None:
        made.append(
            (
                "calibration error",
                f"{run.calibration['expected_calibration_error']:.3f}",
                f"expected, {run.calibration['split']}",
            )
        )
    seconds = sum(r.get("seconds", 0.0) for r in run.records)
    if run.records:
        count = len(run.records)
        made.append(
            ("time", duration(seconds), f"{count} epoch{'s' * (count > 1)}")
        )
    return made


def _accuracies(run, summary, judged):
    """The cards of accuracy; of a run that goes on, what there is."""
    final, best = summary.get("final"), summary.get("best_by_validation")
    if final is None:
        last = next((r for r in run.records[::-1] if "val_accuracy" in r), None)
        if last is None:
            return []
        told = f"so far, epoch {last['epoch']}"
        return [(f"{judged} accuracy", f"{last['val_accuracy']:.2%}", told)]
    made = []
    for split in ("test", "validation"):
        if split in final:
            told = f"last epoch ({final['epoch']})"
            made.append((f"{split} accuracy", f"{final[split]:.2%}", told))
    for name, value in final.items():
        if name.startswith("knn_"):
            told = f"{name.removeprefix('knn_')}, last epoch"
            made.append(("nearest neighbours", f"{value:.2%}", told))
    if best and "test" in best:
        told = f"epoch {best['epoch']}"
        made.append(("test, best by validation", f"{best['test']:.2%}", told))
    mean = summary.get("mean_last_10") or {}
    if "test" in mean:
        told = f"of the last {summary.get('epochs_averaged', 10)} epochs"
        made.append(("test, mean", f"{mean['test']:.2%}", told))
    return made


def _of_recipes(summary):
    """The cards of what DMLP purified and what DRPL detected."""
    made = []
    purified = summary.get("purification")
    if purified:
        right, told = purified.get("right_labels"), "by the purified ones"
        if right:
            before, after = right["before"], right["after"]
            told = f"right before {before:.1%}, {after:.1%} after"
        made.append(("labels replaced", f"{purified['replaced']:,}", told))
    for name, found in (summary.get("detections") or {}).items():
        told = "labels believed"
        if found.get("label_auc") is not None:
            told += f", AUC {found['label_auc']:.3f}"
        what = name.replace("_", " ")
        made.append((what, f"{found['believed']:,}", told))
    return made


def _verdicts(labels):
    return [
        (k, v)
        for k, v in labels.items()
        if isinstance(v, int) and k != "samples"
    ]


def tables(run):
    """What was run: settings and versions.

    Args:
        run: `RunFiles`.

    Returns:
        A list of (heading, rows), the rows being (name, value, where from).
    """
    config = run.config
    settings = config["settings"]
    replaced = set(settings.get("replaced", ()))

    def origin(name):
        return "flag" if name in replaced else "preset"

    def rows(values):
        return [
            (name.replace("_", " "), shown(value), origin(name))
            for name, value in values.items()
            if value is not None and value != {}
        ]

    data = dict(settings.get("data", {}))
    if data.get("noise_type") == "estimated":  # Of nobody's making.
        data |= dict.fromkeys(("noise_type", "noise_rate", "noise_seed"))
    told = [
        (what, shown(data[name]), "")
        for name, what in _DATA
        if data.get(name) is not None
    ]
    if "samples" in config:
        told.insert(1, ("training pictures", f"{config['samples']:,}", ""))
    if run.class_names:
        names = shortened(", ".join(run.class_names), _LONGEST)
        told.insert(2, ("classes", f"{len(run.class_names)}: {names}", ""))
    made = [("Data", told), ("Training", rows(settings.get("training", {})))]
    own = config.get("method") or settings.get("host", {})
    made.append(("Method", rows(own)))
    for name, values in (config.get("plugins") or {}).items():
        made.append((f"Plug-in {name}", rows(values)))
    versions = config.get("versions", {})
    made.append(("Versions", [(n, shown(v), "") for n, v in versions.items()]))
    return [(heading, lines) for heading, lines in made if lines]


def timing(records):
    """Where the time went.

    Args:
        records: list of dicts, as of `metrics_log.read`.

    Returns:
        dict of `parts` and, of a recipe, `phases`, lists of (what, time,
        share) with the slowest first, and `epochs`, the slowest epochs as
        (epoch, phase, time); or None.
    """
    timed = [r for r in records if r.get("seconds")]
    if not timed:
        return None
    total = sum(r["seconds"] for r in timed)
    spent = {
        what: sum(r.get(f"{name}_seconds") or 0.0 for r in timed)
        for name, what in _PARTS.items()
    }
    if any(spent.values()):
        rest = max(0.0, total - sum(spent.values()))
        spent["other measurements, pictures, files"] = rest
    names = dict.fromkeys(r.get("phase") for r in timed)
    phases = {
        name: sum(r["seconds"] for r in timed if r.get("phase") == name)
        for name in names
    }
    slowest = sorted(timed, key=lambda r: -r["seconds"])[:_SLOWEST]
    return {
        "total": duration(total),
        "parts": _shares(spent, total),
        "phases": _shares(phases, total) if len(phases) > 1 else [],
        "epochs": [
            (r["epoch"], r.get("phase", ""), duration(r["seconds"]))
            for r in slowest
        ],
    }


def _shares(spent, total):
    """(what, time, share), the slowest first."""
    return [
        (what, duration(seconds), f"{seconds / total:.0%}")
        for what, seconds in sorted(spent.items(), key=lambda item: -item[1])
        if seconds > 0.0
    ]


def phases(run, judged):
    """How the phases of a recipe ended: rows of strings, maybe none."""
    found = (run.summary or {}).get("phases") or {}
    splits = [
        s for s in (judged, "test") if any(s in p for p in found.values())
    ]
    splits = list(dict.fromkeys(splits))
    rows = [
        [
            name,
            str(one["epoch"]),
            *(f"{one[s]:.2%}" if s in one else "" for s in splits),
        ]
        for name, one in found.items()
    ]
    return {"splits": splits, "rows": rows} if rows else None


def duration(seconds):
    """A time as people say it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, _ = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def shown(value):
    """A setting as a reader sees it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{_EXACT}g}"
    if isinstance(value, (list, tuple)):
        value = ", ".join(shown(v) for v in value) or "none"
    if isinstance(value, dict):
        value = ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    return shortened(value, _LONGEST)
