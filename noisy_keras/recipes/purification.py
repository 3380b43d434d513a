"""Summaries of what a purification of labels has changed."""

import numpy as np


def describe(purified, source):
    """Summarises a purification in one line.

    Args:
        purified: `PurifiedLabels`.
        source: the `Source` whose labels were purified.

    Returns:
        str; with the shares of right labels before and after, where the truth
        is known.
    """
    parts = [f"{purified.replaced.sum()} of {len(purified)} labels replaced"]
    if purified.candidate == "given":
        parts[0] += ": no others are better on the held-out samples"
    else:
        number = purified.epoch + 1
        parts[0] += f" by the {purified.candidate} of epoch {number}"
    if purified.held_out_accuracy:
        best = purified.held_out_accuracy
        given, found = best["given"], best[purified.candidate]
        parts.append(f"held-out samples: {given:.1%} right before, {found:.1%}")
        parts[-1] += " after"
    found = right_labels(purified, source)
    if found:
        before, after = found["before"], found["after"]
        parts.append(f"labels: {before:.1%} right before, {after:.1%} after")
    return "; ".join(parts)


def right_labels(purified, source):
    """The shares of right labels before and after a purification.

    Args:
        purified: `PurifiedLabels`.
        source: the `Source` whose labels were purified.

    Returns:
        dict of `before` and `after`, floats in [0, 1]; empty where the truth is
        unknown. Labels of images of no class are wrong before and after.
    """
    known = source.truth_known
    if not known.any():
        return {}
    return {
        name: float(np.mean((labels == source.true_labels)[known]))
        for name, labels in (
            ("before", source.labels),
            ("after", purified.label),
        )
    }
