"""Settings, results and times of a run, for the tables of the page."""

from noisy_keras.labels.audit import NOT_WRONG
from noisy_keras.reporting.label_charts import shortened

_LONGEST = 200
_EXACT = 4
_SLOWEST = 5
# Classes that a warning names, and the longest of their names.
_NAMED, _NAME = 10, 40
_PARTS = {
    "training": "training",
    "division": "division of the samples",
    "evaluation": "evaluation",
}
# Settings of the data in the table, with their names there.
_DATA = (
    ("dataset", "data set"),
    ("noise_type", "synthetic noise"),
    ("noise_rate", "nominal noise rate"),
    ("noise_seed", "noise seed"),
    ("image_size", "image size (pixels)"),
    ("max_train_samples", "maximum number of samples"),
    ("validation", "validation set"),
    ("trusted", "trusted samples per class"),
    ("trusted_csv", "trusted samples"),
)


def cards(run, val_split):
    """The main results.

    Args:
        run: `RunFiles`.
        val_split: str, name of the split on which `val_accuracy` is measured.

    Returns:
        List of (name, value, remark), all str.
    """
    made = []
    summary = run.summary or {}
    made += _accuracies(run, summary, val_split)
    made += _balanced(summary)
    labels = summary.get("labels") or {}
    every = labels.get("all") or labels
    if every.get("samples"):
        flagged = sum(v for k, v in _verdicts(every) if k not in NOT_WRONG)
        remark = (
            f"{flagged / every['samples']:.1%} of {every['samples']:,} "
            f"labels, {every.get('relabelled', 0):,} of them with a sure "
            "suggestion"
        )
        made.append(("labels called wrong", f"{flagged:,}", remark))
    truth = run.config.get("effective_noise_rate")
    if truth is not None:
        made.append(("true noise rate", f"{truth:.1%}", "of the training set"))
    estimated = summary.get("estimated_noise_rate")
    if estimated is not None:
        made.append(
            (
                "estimated share of wrong labels",
                _interval(summary) or f"{estimated:.1%}",
                f"likeliest {estimated:.1%}, {_estimated_when(run)}",
            )
        )
    if labels.get("label_auc") is not None:
        remarks = [
            f"{name} {labels[f'label_{name}']:.1%}"
            for name in ("precision", "recall")
            if labels.get(f"label_{name}") is not None
        ]
        made.append(
            ("label AUC", f"{labels['label_auc']:.3f}", ", ".join(remarks))
        )
    made += _of_recipes(summary)
    if run.calibration is not None:
        remark = f"expected, {run.calibration['split']}"
        if (summary.get("calibration") or {}).get("noise_corrected"):
            remark += ", by the labels as given"
        error = run.calibration["expected_calibration_error"]
        made.append(("calibration error", f"{error:.3f}", remark))
    seconds = sum(r.get("seconds", 0.0) for r in run.records)
    if run.records:
        count = len(run.records)
        made.append(
            ("time", duration(seconds), f"{count} epoch{'s' * (count > 1)}")
        )
    return made


def _interval(summary):
    low, high = summary.get("estimated_noise_interval") or (None, None)
    return None if low is None else f"{low:.1%} to {high:.1%}"


def two_rates(summary):
    """Why fewer or more labels are called wrong than are estimated to be.

    Args:
        summary: dict, as in `summary.json`.

    Returns:
        List of str, a sentence or two; empty where both agree.
    """
    labels = summary.get("labels") or {}
    interval = summary.get("estimated_noise_interval")
    if not labels.get("samples") or not interval:
        return []
    called = labels["samples"] - labels["ok"] - labels.get("unreadable", 0)
    called /= labels["samples"]
    low, high = interval
    if low <= called <= high:
        return []
    if called < low:
        why = (
            "the estimate counts wrong labels although it is not known which; "
            "those are called wrong that are doubted one by one"
        )
    else:
        why = (
            "the audit also doubts labels of pictures that are hard to tell "
            "apart, which the estimate discounts"
        )
    return [
        f"Labels called wrong: {called:.1%}; estimated share of wrong labels: "
        f"{low:.1%} to {high:.1%}. They differ because {why}."
    ]


def _balanced(summary):
    """Cards of the balanced accuracy, where class sizes make it differ."""
    return [
        (
            f"{split} balanced accuracy",
            f"{found['balanced_accuracy']:.2%}",
            "mean recall of the classes",
        )
        for split, found in (summary.get("class_figures") or {}).items()
        if found.get("balanced_accuracy") is not None
    ]


def _estimated_when(run):
    host = run.config.get("settings", {}).get("host", {})
    if host.get("warmup_epochs") == "auto":
        return "over all epochs"
    return "after the warm-up"


def notes(summary):
    """What is unusual about the results of a run.

    Args:
        summary: dict, as in `summary.json`.

    Returns:
        List of str, a sentence or two each.
    """
    found = []
    if summary.get("no_better_than_guessing"):
        found.append(
            "The accuracy is that of guessing: either the labels have nothing "
            "to do with the images, or the training was too short. Do not rely "
            "on the list of wrong labels."
        )
    last = (summary.get("final") or {}).get("epoch")
    kept = summary.get("kept_epoch", last)
    if kept != last:
        found.append(
            f"The model is that of epoch {kept}, which is right on clearly "
            "more validation samples than the last."
        )
    exported = summary.get("exported") or {}
    if exported.get("epoch") not in (None, kept):
        found.append(
            f"The exported model is that of epoch {exported['epoch']} "
            f"({exported.get('which')})."
        )
    return found + two_rates(summary)


def warnings(labels):
    """What should make a reader doubt the judgement of the labels.

    Args:
        labels: dict, `labels` of `summary.json`.

    Returns:
        List of str, a sentence or two each.
    """
    names = labels.get("mostly_wrong") or []
    if not names:
        return []
    shown = ", ".join(repr(shortened(n, _NAME)) for n in names[:_NAMED])
    if len(names) > _NAMED:
        shown += f" and {len(names) - _NAMED} more"
    return [
        "Warning: most labels of these classes are called wrong: "
        f"{shown}. Look at them before you use the corrected labels; a class "
        "that the network has not learnt looks like this, too."
    ]


def calibrated(summary):
    """What the calibration of the exported model has changed.

    Args:
        summary: dict, as in `summary.json`.

    Returns:
        List of str, a sentence; empty where nothing was exported.
    """
    found = summary.get("calibration")
    if not found:
        return []
    before, after = found.get("before"), found.get("after")
    noise = ""
    if found.get("noise_corrected"):
        noise = " (corrected for their noise)"
    if after is None:
        text = f"not scaled, because {found.get('skipped')}"
        if before:
            text += (
                f"; on {found['samples']:,} validation samples{noise} the "
                f"calibration error is {before['ece']:.3f}"
            )
        return [f"The exported model is {text}."]
    return [
        f"The exported model has temperature {found['temperature']:.3f}. On "
        f"{found['samples']:,} validation samples{noise} the calibration "
        f"error is {before['ece']:.3f} before and {after['ece']:.3f} after, "
        "each fold judged by a temperature of the others."
    ]


def decisions(summary):
    """What a run has found and decided while it trained.

    Args:
        summary: dict, as in `summary.json`.

    Returns:
        List of str, a sentence each.
    """
    found = (summary.get("auto") or {}).get("decisions", ())
    return [line[:1].upper() + line[1:] + "." for line in found]


def _accuracies(run, summary, val_split):
    """Cards of the accuracies; of an unfinished run, the latest one."""
    final, best = summary.get("final"), summary.get("best_by_validation")
    if final is None:
        last = next((r for r in run.records[::-1] if "val_accuracy" in r), None)
        if last is None:
            return []
        remark = f"so far, epoch {last['epoch']}"
        value = f"{last['val_accuracy']:.2%}"
        return [(f"{val_split} accuracy", value, remark)]
    made = []
    for split in ("test", "validation"):
        if split in final:
            remark = f"last epoch ({final['epoch']})"
            made.append((f"{split} accuracy", f"{final[split]:.2%}", remark))
    for name, value in final.items():
        if name.startswith("knn_"):
            remark = f"{name.removeprefix('knn_')}, last epoch"
            made.append(("nearest neighbours", f"{value:.2%}", remark))
    if best and "validation" in best:
        remark = f"best epoch ({best['epoch']})"
        value = f"{best['validation']:.2%}"
        made.append(("validation accuracy", value, remark))
    if best and "test" in best:
        remark = f"epoch {best['epoch']}"
        made.append(("test, best by validation", f"{best['test']:.2%}", remark))
    mean = summary.get("mean_last_10") or {}
    if "test" in mean:
        remark = f"over the last {summary.get('epochs_averaged', 10)} epochs"
        made.append(("test, mean", f"{mean['test']:.2%}", remark))
    return made


def _of_recipes(summary):
    """Cards of DMLP's purified labels and of DRPL's detections."""
    made = []
    purified = summary.get("purification")
    if purified:
        right, remark = purified.get("right_labels"), "with purified labels"
        if right:
            before, after = right["before"], right["after"]
            remark = f"correct labels: {before:.1%} before, {after:.1%} after"
        made.append(("labels replaced", f"{purified['replaced']:,}", remark))
    for name, found in (summary.get("detections") or {}).items():
        remark = "labels kept as clean"
        if found.get("label_auc") is not None:
            remark += f", AUC {found['label_auc']:.3f}"
        title = name.replace("_", " ")
        made.append((title, f"{found['believed']:,}", remark))
    return made


def _verdicts(labels):
    return [
        (k, v)
        for k, v in labels.items()
        if isinstance(v, int) and k != "samples"
    ]


def tables(run):
    """Settings and versions of a run.

    Args:
        run: `RunFiles`.

    Returns:
        List of (heading, rows); the rows are (name, value, origin), all str.
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
    if data.get("noise_type") == "estimated":  # Not synthetic.
        data |= dict.fromkeys(("noise_type", "noise_rate", "noise_seed"))
    lines = [
        (title, shown(data[name]), "")
        for name, title in _DATA
        if data.get(name) is not None
    ]
    if "samples" in config:
        lines.insert(1, ("training images", f"{config['samples']:,}", ""))
    if run.class_names:
        names = shortened(", ".join(run.class_names), _LONGEST)
        lines.insert(2, ("classes", f"{len(run.class_names)}: {names}", ""))
    made = [("Data", lines), ("Training", rows(settings.get("training", {})))]
    own = config.get("method") or settings.get("host", {})
    made.append(("Method", rows(own)))
    for name, values in (config.get("plugins") or {}).items():
        made.append((f"Plug-in {name}", rows(values)))
    versions = config.get("versions", {})
    made.append(("Versions", [(n, shown(v), "") for n, v in versions.items()]))
    return [(heading, lines) for heading, lines in made if lines]


def timing(records):
    """How the time of a run was spent.

    Args:
        records: list of dicts, as returned by `metrics_log.read`.

    Returns:
        Dict of `total`, a str; `parts` and, for a recipe, `phases`: lists of
        (name, time, share), the slowest first; and `epochs`: the slowest epochs
        as (epoch, phase, time). None without any times.
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
        spent["other callbacks and files"] = rest
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


def phases(run, val_split):
    """Results at the end of a recipe's phases.

    Args:
        run: `RunFiles`.
        val_split: str, name of the split on which `val_accuracy` is measured.

    Returns:
        Dict of `splits`, a list of str, and `rows`, lists of str; None for a
        run without phases.
    """
    found = (run.summary or {}).get("phases") or {}
    splits = [
        s for s in (val_split, "test") if any(s in p for p in found.values())
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
    """Formats a duration.

    Args:
        seconds: float.

    Returns:
        Str, such as `"2.3 s"`, `"10 min"` or `"2 h 30 min"`.
    """
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
    """Formats the value of a setting.

    Args:
        value: bool, number, str, or a list or dict of these.

    Returns:
        Str of limited length.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{_EXACT}g}"
    if isinstance(value, (list, tuple)):
        value = ", ".join(shown(v) for v in value) or "none"
    if isinstance(value, dict):
        value = ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    return shortened(value, _LONGEST)
