"""Curves of the metrics over epochs."""

import math

import numpy as np

from noisy_keras.reporting import figures

# Largest number of points of a curve; a phone's screen has no more pixels.
_POINTS = 400
# Largest number of metrics that are drawn without a panel of their own.
_OTHERS = 6
_NAMES = {
    "accuracy": "training, given labels",
    "val_accuracy": "validation",
    "test_accuracy": "test",
    "val_balanced_accuracy": "validation, balanced",
    "knn_given": "neighbours, training",
    "knn_validation": "neighbours, validation",
    "knn_test": "neighbours, test",
    "loss": "training",
    "val_loss": "validation",
    "test_loss": "test",
    "label_auc": "AUC",
    "label_precision": "precision",
    "label_recall": "recall",
    "labels_suspect": "suspect labels",
    "learning_rate": "learning rate",
}
_DETECTION = "Detection of noisy labels, against true labels"
_PANELS = (
    (
        "Accuracy",
        (
            "val_accuracy",
            "test_accuracy",
            "accuracy",
            "val_balanced_accuracy",
            "knn_given",
            "knn_validation",
            "knn_test",
        ),
    ),
    ("Loss", ("loss", "val_loss", "test_loss")),
    (
        _DETECTION,
        ("label_auc", "label_precision", "label_recall"),
    ),
    ("Suspect labels", ("labels_suspect",)),
    ("Learning rate", ("learning_rate",)),
)
_PARTS = "Terms of the training loss"
_SHARES = ("Accuracy", _DETECTION)
_NOT_DRAWN = ("epoch", "phase", "seconds", "images_per_second")


def panels(records, val_split="validation"):
    """Draws the metrics, related ones in one figure.

    Args:
        records: list of dicts, as returned by `metrics_log.read`.
        val_split: str, name of the split on which `val_accuracy` is measured.

    Returns:
        List of (title, alternative text, `matplotlib.figure.Figure`).
    """
    names = _NAMES | {
        "val_accuracy": val_split,
        "val_loss": val_split,
        "val_balanced_accuracy": f"{val_split}, balanced",
    }
    present = list(dict.fromkeys(name for r in records for name in r))
    # A loss with a single term has the same curve as that term.
    present = [
        n for n in present if n == "loss" or not _same(records, n, "loss")
    ]
    groups = [(t, [n for n in g if n in present]) for t, g in _PANELS]
    used = {n for _, group in groups for n in group} | set(_NOT_DRAWN)
    parts = [
        n
        for n in present
        if n.startswith("loss_") and not n.endswith("_seconds")
    ]
    groups.insert(2, (_PARTS, parts))
    used |= set(parts)
    rest = [n for n in present if n not in used and not n.endswith("_seconds")]
    for kind in ("weight", "kept"):
        own = [n for n in rest if n == kind or n.startswith(f"{kind}_")]
        groups.append((f"Trust in labels: {kind}", own))
        rest = [n for n in rest if n not in own]
    groups += [(n.replace("_", " "), [n]) for n in rest[:_OTHERS]]
    made = []
    for title, group in groups:
        series = {
            names.get(n, n.replace("_", " ")): _series(records, n)
            for n in group
        }
        series = {n: s for n, s in series.items() if len(s)}
        if len(series) == 1 and title == _PARTS:
            [title] = series
        if series:
            drawn = _draw(title, series, records, title in _SHARES)
            made.append((title, _described(title, series), drawn))
    return made


def _series(records, name):
    """Epochs and values `[n, 2]` of a metric, where it is a finite number."""
    pairs = [
        (r["epoch"], r[name])
        for r in records
        if isinstance(r.get(name), (int, float)) and math.isfinite(r[name])
    ]
    if len(pairs) > _POINTS:
        keep = np.linspace(0, len(pairs) - 1, _POINTS).round().astype(int)
        pairs = [pairs[k] for k in keep]
    return np.asarray(pairs, float)


def _same(records, name, other):
    return all(r[name] == r.get(other) for r in records if name in r)


def _draw(title, series, records, shares):
    from matplotlib import ticker

    canvas, axis = figures.new()
    for number, (name, points) in enumerate(series.items()):
        axis.plot(
            *points.T,
            color=figures.COLOURS[number % len(figures.COLOURS)],
            linestyle=figures.STYLES[number % len(figures.STYLES)],
            linewidth=1.6,
            # A single point has no line.
            marker="o" if len(points) < 3 else None,
            label=name,
        )
    if shares:
        axis.yaxis.set_major_formatter(ticker.PercentFormatter(1.0))
    axis.xaxis.set_major_locator(ticker.MaxNLocator(7, integer=True))
    _mark_phases(axis, records)
    axis.set_xlabel("epoch")
    axis.set_title(title, fontsize=10.5, loc="left")
    if len(series) > 1:
        # Outside of the axes, where it covers no curve.
        canvas.legend(loc="outside lower center", ncols=2)
    return canvas


def phase_begins(records):
    """Where the phases of a recipe begin.

    Args:
        records: list of dicts, as returned by `metrics_log.read`.

    Returns:
        List of (name, first epoch).
    """
    begins = {}
    for record in records:
        if record.get("phase") is not None:
            begins.setdefault(record["phase"], record["epoch"])
    return list(begins.items())


def _mark_phases(axis, records):
    for _, epoch in phase_begins(records)[1:]:
        axis.axvline(epoch - 0.5, color="#888888", linewidth=0.8, zorder=1)


def _described(title, series):
    """Alternative text of a figure."""
    parts = [
        f"{name} from {points[0, 1]:.4g} in epoch {points[0, 0]:.0f} to "
        f"{points[-1, 1]:.4g} in epoch {points[-1, 0]:.0f}"
        for name, points in series.items()
    ]
    return f"{title} by epoch: {'; '.join(parts)}."
