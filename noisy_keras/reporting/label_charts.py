"""Charts of noise rates, of suggested labels and of calibration."""

import numpy as np

from noisy_keras.reporting import figures
from noisy_keras.reporting import intervals
from noisy_keras.utils import names

#: Largest number of classes in a figure or a matrix.
MOST = 20
_NAME = 18
# Largest number of classes of a matrix that shows counts.
_WITH_COUNTS = 12


def class_rates(audit, class_names, truth=True):
    """Noise rate of each given class, as detected by the audit.

    Args:
        audit: `AuditTally`.
        class_names: list of str, all classes in order.
        truth: bool, whether to include the true noise rates where known.

    Returns:
        List of dicts by descending share: `name`, `total`, `flagged`, `share`,
            `low` and `high` (Wilson's 95% interval) and `true`, the share of
            labels known to be noisy, or None.
    """
    names = [n for n in class_names if audit.given[n]]
    names += [n for n in audit.given if n not in set(class_names)]
    if not names:
        return []
    total = np.asarray([audit.given[n] for n in names])
    flagged = np.asarray([audit.flagged[n] for n in names])
    low, high = intervals.wilson_interval(flagged, total)
    order = np.argsort(-flagged / total, kind="stable")
    return [
        {
            "name": names[k],
            "total": int(total[k]),
            "flagged": int(flagged[k]),
            "share": float(flagged[k] / total[k]),
            "low": float(low[k]),
            "high": float(high[k]),
            "true": audit.wrong[names[k]] / audit.known[names[k]]
            if truth and audit.known[names[k]]
            else None,
        }
        for k in order
    ]


def draw_rates(rates):
    """Draws the noise rates of classes with their intervals.

    Args:
        rates: list of dicts, as returned by `class_rates`.

    Returns:
        Tuple of the title, the alternative text and the
        `matplotlib.figure.Figure`.
    """
    from matplotlib import ticker

    shown = rates[:MOST]
    canvas, axis = figures.new(1.2 + 0.26 * len(shown))
    place = np.arange(len(shown))
    share = np.asarray([r["share"] for r in shown])
    spans = [share - [r["low"] for r in shown], [r["high"] for r in shown]]
    axis.errorbar(
        share,
        place,
        xerr=[spans[0], spans[1] - share],
        fmt="o",
        color=figures.COLOURS[0],
        capsize=2.5,
        label="flagged as noisy, 95% interval",
    )
    known = [k for k in place if shown[k]["true"] is not None]
    if known:
        axis.plot(
            [shown[k]["true"] for k in known],
            known,
            "x",
            color=figures.COLOURS[1],
            markeredgewidth=2.0,
            zorder=5,
            label="true noise rate",
        )
    axis.set_yticks(place, [shortened(r["name"], _NAME) for r in shown])
    axis.invert_yaxis()
    axis.set_xlim(left=0.0)
    axis.xaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=0))
    axis.xaxis.set_major_locator(ticker.MaxNLocator(5))
    axis.set_xlabel("share of the class's labels")
    canvas.legend(loc="outside lower center", ncols=1)
    first, last = rates[0], rates[-1]
    text = (
        "Share of labels flagged as noisy, by given class: from "
        f"{first['share']:.0%} for {first['name']} down to {last['share']:.0%} "
        f"for {last['name']}."
    )
    return "Noise rate by given class", text, canvas


def draw_reliability(found):
    """Draws accuracy by confidence, and the distribution of confidence.

    Args:
        found: dict, the content of `calibration.json`.

    Returns:
        Tuple of the title, the alternative text and the
        `matplotlib.figure.Figure`.
    """
    from matplotlib import ticker

    edges = np.asarray(found["edges"])
    count = np.asarray(found["count"])
    middle = (edges[1:] + edges[:-1]) / 2
    width = np.diff(edges)
    accuracy = np.asarray(
        [np.nan if v is None else v for v in found["accuracy"]], float
    )
    confidence = np.asarray(
        [np.nan if v is None else v for v in found["confidence"]], float
    )
    canvas, (upper, lower) = figures.new(
        4.4, rows=2, sharex=True, height_ratios=(3, 1)
    )
    upper.bar(
        middle,
        np.nan_to_num(accuracy),
        width=0.92 * width,
        color=figures.COLOURS[0],
        alpha=0.75,
        label="accuracy",
    )
    upper.plot(
        confidence,
        accuracy,
        "o",
        color=figures.COLOURS[1],
        markersize=4,
        label="mean confidence of the bin",
    )
    upper.plot([0, 1], [0, 1], "--", color="black", linewidth=1)
    upper.set_ylim(0.0, 1.02)
    upper.set_ylabel("accuracy")
    lower.bar(middle, count / count.sum(), width=0.92 * width, color="#777777")
    lower.set_ylabel("samples")
    lower.set_xlabel("confidence")
    lower.set_xlim(0.0, 1.0)
    for axis in (upper, lower):
        axis.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, 0))
    lower.xaxis.set_major_formatter(ticker.PercentFormatter(1.0, 0))
    canvas.legend(loc="outside lower center", ncols=2)
    text = (
        f"Accuracy by confidence on {found['samples']} samples: accuracy "
        f"{found['overall_accuracy']:.1%} at a mean confidence of "
        f"{found['mean_confidence']:.1%}; expected calibration error "
        f"{found['expected_calibration_error']:.3f}."
    )
    return "Reliability", text, canvas


def confusion(audit, class_names):
    """Counts of given and suggested labels, for the most confused classes.

    Args:
        audit: `AuditTally`.
        class_names: list of str, all classes in order.

    Returns:
        Dict of `names`, `rows` (lists of counts) and `left_out`, the number of
        omitted classes.
    """
    names = list(dict.fromkeys([*class_names, *audit.given]))
    if len(names) > MOST:
        mixed = dict.fromkeys(names, 0)
        for (given, suggested), count in audit.pairs.items():
            if given != suggested:
                for name in (given, suggested):
                    mixed[name] = mixed.get(name, 0) + count
        most = set(sorted(mixed, key=lambda n: -mixed[n])[:MOST])
        kept = [n for n in names if n in most]
    else:
        kept = names
    rows = [[audit.pairs[g, s] for s in kept] for g in kept]
    return {
        "names": kept,
        "rows": rows,
        "left_out": len(names) - len(kept),
    }


def off_diagonal_shades(rows):
    """Strength of the shading of a confusion matrix.

    Args:
        rows: int array-like `[n, n]`, counts.

    Returns:
        Float array `[n, n]` in `[0, 1]`, 0 on the diagonal.
    """
    counts = np.asarray(rows, float)
    off = counts * (1.0 - np.eye(len(counts)))
    # Square roots of the counts, so that rare pairs stay visible.
    return np.sqrt(off / max(off.max(), 1.0))


def draw_confusion(found):
    """Draws the counts of given and suggested labels as a matrix.

    Args:
        found: dict, as returned by `confusion`.

    Returns:
        Tuple of the title, the alternative text and the
        `matplotlib.figure.Figure`.
    """
    names = [shortened(name, _NAME) for name in found["names"]]
    rows = np.asarray(found["rows"])
    canvas, axis = figures.new(1.6 + 0.22 * len(names))
    axis.imshow(off_diagonal_shades(rows), cmap="Oranges", vmin=0, vmax=1.3)
    small = len(names) <= _WITH_COUNTS
    for row, column in np.argwhere(rows > 0) if small else ():
        axis.text(
            column, row, rows[row, column], ha="center", va="center", fontsize=6
        )
    ticks = range(len(names))
    axis.set_xticks(ticks, names, rotation=90, fontsize=8)
    axis.set_yticks(ticks, names, fontsize=8)
    axis.set_xlabel("suggested")
    axis.set_ylabel("given")
    axis.grid(False)
    mixed = rows.sum() - np.trace(rows)
    text = f"{mixed} of {rows.sum()} labels differ from the suggested ones."
    return "Given against suggested labels", text, canvas


def shortened(text, most):
    """Truncates a text.

    Args:
        text: the text, or an object that is converted to one.
        most: int, largest number of characters.

    Returns:
        Str, ending in "…" if it was truncated.
    """
    text = names.one_line(text)
    return text if len(text) <= most else text[: most - 1] + "…"
