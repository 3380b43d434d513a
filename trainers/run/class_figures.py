"""How well each class is predicted, as `summary.json` holds it."""

import numpy as np

from noisy_keras.ops import per_class


def of_run(run):
    """The figures of the trained model on validation and test samples.

    Args:
        run: `Run`, trained.

    Returns:
        Tuple of a dict with the split's name as key, and as values dicts of
        `samples`, `balanced_accuracy`, `macro_f1`, `classes` (a list of dicts
        of `name`, `samples`, `recall`, `precision` and `f1`, the worst recall
        first) and `confusion` (rows by label, columns by predicted class; None
        above `per_class.MOST_OF_MATRIX` classes); and of a dict of int `[N]`,
        the predicted classes by split.
    """
    found, predicted = {}, {}
    for split in ("validation", "test"):
        source = getattr(run, split)
        if source is not None:
            predicted[split] = run.model.predict(source, verbose=0).argmax(1)
            found[split] = described(predicted[split], source)
    return found, predicted


def described(predicted, source):
    """The figures of one split: dict, as of `of_run`.

    Args:
        predicted: int `[N]`, predicted classes.
        source: `Source` of the samples.
    """
    found = per_class.class_figures(
        predicted, source.labels, source.num_classes
    )
    # Of classes that are equally bad, the larger first; without samples last.
    worst = np.lexsort((-found.samples, np.nan_to_num(found.recall, nan=2.0)))
    return {
        "samples": len(source.labels),
        "balanced_accuracy": _number(found.balanced_accuracy),
        "macro_f1": _number(found.macro_f1),
        "classes": [
            {
                "name": str(source.class_names[k]),
                "samples": int(found.samples[k]),
                **{
                    name: _number(getattr(found, name)[k])
                    for name in ("recall", "precision", "f1")
                },
            }
            for k in worst
        ],
        "class_names": [str(name) for name in source.class_names]
        if found.confusion is not None
        else None,
        "confusion": None
        if found.confusion is None
        else found.confusion.tolist(),
    }


def describe(figures):
    """The balanced accuracy and the worst class in a line.

    Args:
        figures: dict, as of `described`.

    Returns:
        str.
    """
    worst = figures["classes"][0]
    return (
        f"{figures['balanced_accuracy']:.2%} when each class counts alike; "
        f"worst: {worst['name']!r}, {worst['recall']:.1%} of "
        f"{worst['samples']}"
    )


def _number(value):
    """JSON has no NaN: null where a class has no samples."""
    return None if np.isnan(value) else round(float(value), 6)
