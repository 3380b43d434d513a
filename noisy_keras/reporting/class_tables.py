"""Tables of how well each class is predicted, for the page of a run."""

import numpy as np

from noisy_keras.reporting import label_charts

#: Largest number of classes in a table, and of a matrix.
MOST_ROWS, MOST_OF_MATRIX = 20, label_charts.MOST


def tables(summary):
    """The tables of each split.

    Args:
        summary: dict, the content of `summary.json`.

    Returns:
        List of dicts of `name` of the split, `balanced_accuracy`, `macro_f1`,
        `rows` (dicts of str, the worst classes first), `left_out`, the number
        of classes that are not among them, and `matrix`: dict of `names` and
        `rows` as of the page's other matrix, or None.
    """
    made = []
    for name, found in (summary.get("class_figures") or {}).items():
        classes = found.get("classes") or []
        if not classes or found.get("balanced_accuracy") is None:
            continue
        made.append(
            {
                "name": name,
                "balanced_accuracy": found["balanced_accuracy"],
                "macro_f1": found["macro_f1"],
                "rows": [_row(one) for one in classes[:MOST_ROWS]],
                "left_out": max(0, len(classes) - MOST_ROWS),
                "matrix": _matrix(found),
            }
        )
    return made


def _row(one):
    shares = {
        key: "" if one[key] is None else f"{one[key]:.1%}"
        for key in ("recall", "precision")
    }
    f1 = "" if one["f1"] is None else f"{one['f1']:.3f}"
    return {"name": one["name"], "samples": one["samples"], "f1": f1} | shares


def _matrix(found):
    counts, names = found.get("confusion"), found.get("class_names")
    if not counts or len(counts) > MOST_OF_MATRIX:
        return None
    shades = np.round(0.75 * label_charts.off_diagonal_shades(counts), 3)
    rows = [
        (name, list(zip(row, strength, strict=True)))
        for name, row, strength in zip(
            names, counts, shades.tolist(), strict=True
        )
    ]
    return {"names": names, "rows": rows}
