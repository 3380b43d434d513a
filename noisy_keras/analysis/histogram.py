"""Histogram of the losses that a detection divides, with its mixture.

Reference: Ortego et al. (DRPL), ICPR 2020; Arazo et al., ICML 2019, figure 1.
"""

import numpy as np

from noisy_keras.callbacks import drawing
from noisy_keras.labels.detection import OUTCOMES

_BINS = 50
# Higher bars are cut off and labelled with their density.
_HIGHEST = 5.0
# Losses this close to the bounds of the trimmed interval are inside.
_TOLERANCE = 2e-5
_COLOURS = {
    "true label unknown": "tab:gray",
    "clean label": "tab:blue",
    "noisy label": "tab:orange",
    "out of distribution": "tab:red",
}


def groups(source):
    """Groups samples by what is known about their labels.

    Args:
        source: `Source` of N samples.

    Returns:
        Dict from the description of a group to a bool array `[N]`, without
        empty groups.
    """
    known = source.truth_known
    foreign = np.zeros(source.num_samples, bool)
    right = foreign
    if source.foreign is not None:
        foreign = np.asarray(source.foreign)
    if source.true_labels is not None:
        right = source.labels == source.true_labels
    members = (
        ~known,
        known & right,
        known & ~right & ~foreign,
        foreign,
    )
    named = zip(_COLOURS, members, strict=True)
    return {name: group for name, group in named if group.any()}


def draw_histogram(path, source, loss, detection, title=""):
    """Draws a histogram of the normalised losses and the fitted densities.

    Bars are stacked. The areas of all bars sum to 1, and so do those under the
    two densities multiplied by their weights.

    Args:
        path: str or path-like, the PNG file.
        source: `Source` of N samples.
        loss: float array `[N]`, cross-entropy to the given label, in nats.
        detection: `Detection` on `loss`.
        title: str, drawn above the histogram.
    """
    from matplotlib import figure

    inside = (loss >= detection.low - _TOLERANCE) & (loss <= detection.high)
    canvas = figure.Figure(figsize=(7.5, 4.4), dpi=120)
    axis = canvas.subplots()
    parts = groups(source)
    width = 1.0 / _BINS
    share = 1.0 / max(1, inside.sum()) / width
    heights, edges, _ = axis.hist(
        [detection.measure[group & inside] for group in parts.values()],
        bins=np.linspace(0.0, 1.0, _BINS + 1),
        weights=[
            np.full(int(np.sum(group & inside)), share)
            for group in parts.values()
        ],
        stacked=True,
        color=[_COLOURS[name] for name in parts],
        alpha=0.55,
        label=[f"{name} ({group.sum()})" for name, group in parts.items()],
    )
    if detection.mixture is not None:
        _draw_mixture(axis, detection)
    _cut_off(axis, np.atleast_2d(heights)[-1], edges)
    axis.set_xlim(0.0, 1.0)
    axis.set_xlabel("normalised measure")
    axis.set_ylabel("density")
    span = detection.high - detection.low
    above = axis.secondary_xaxis(
        "top",
        functions=(
            lambda u: detection.low + span * u,
            lambda v: (v - detection.low) / max(span, 1e-12),
        ),
    )
    above.set_xlabel("cross-entropy to the given label (nats)")
    axis.set_title(_title(title, inside, detection), fontsize=9, pad=12)
    axis.legend(fontsize=8, loc="upper center", framealpha=1.0)
    canvas.tight_layout()
    drawing.write(path, canvas)


def _title(title, inside, detection):
    lines = [title] if title else []
    if detection.outcome != "fitted":
        lines.append(OUTCOMES[detection.outcome])
    left_out = int(np.sum(~inside))
    if left_out:
        lines.append(
            f"not shown: {left_out} of {len(inside)} samples, below the 5th "
            "or above the 95th percentile"
        )
    return "\n".join(lines)


def _cut_off(axis, heights, edges):
    """Limits the axis and labels the bars that exceed it with their heights.

    The losses of clean labels often lie in one or two bins, next to which all
    other bars would be invisible.
    """
    top = min(max(1.15 * heights.max(), 1.0), _HIGHEST)
    axis.set_ylim(0.0, top)
    for height, left, right in zip(heights, edges, edges[1:], strict=False):
        if height > top:
            axis.text(
                (left + right) / 2,
                0.97 * top,
                f"{height:.1f}",
                fontsize=7,
                rotation="vertical",
                ha="center",
                va="top",
            )


def _draw_mixture(axis, detection):
    # Imported here because the import takes a second.
    from tensorflow_probability import distributions

    mixture = detection.mixture
    grid = np.linspace(1e-3, 1.0 - 1e-3, 999, dtype=np.float32)
    density = distributions.Beta(
        mixture.concentration1, mixture.concentration0
    ).prob(grid[:, None])
    weighted = density.numpy() * mixture.weights
    names = ("clean", "noisy")
    for k, (name, style) in enumerate(zip(names, ("-", "--"), strict=True)):
        axis.plot(
            grid,
            weighted[:, k],
            color="black",
            linestyle=style,
            linewidth=1.5,
            label=f"mixture, {name}: {mixture.weights[k]:.2f} Beta("
            f"{mixture.concentration1[k]:.3g}, "
            f"{mixture.concentration0[k]:.3g})",
        )
    wrong = detection.clean_probability < 0.5
    if wrong.any() and not wrong.all():
        axis.axvline(
            detection.measure[wrong].min(),
            color="black",
            linestyle=":",
            linewidth=1,
            label="detected as noisy from here on",
        )
