"""Charts of the losses and of the mixtures that divide them."""

import math

import numpy as np

from noisy_keras.reporting import figures

_PANELS = 6
_LABELS = {
    "right": ("clean labels", "#0072b2"),
    "wrong": ("noisy labels", "#d55e00"),
    "unknown": ("all labels", "#777777"),
}
# Stands for a count of 0 on a logarithmic axis.
_ZERO = 0.5


def chosen(records):
    """Selects some divisions, evenly spread over the run.

    Args:
        records: list of dicts, as written by `LossHistograms`.

    Returns:
        List of at most 6 of them, all of the first network.
    """
    own = [r for r in records if r["network"] == 0]
    keep = np.linspace(0, len(own) - 1, min(_PANELS, len(own)))
    return [own[k] for k in sorted(set(keep.round().astype(int)))]


def panels(records):
    """Draws a histogram for each selected division.

    Args:
        records: list of dicts, as written by `LossHistograms`.

    Returns:
        List of (title, alternative text, `matplotlib.figure.Figure`).
    """
    return [(_title(r), _described(r), _draw(r)) for r in chosen(records)]


def over_epochs(records):
    """Draws all divisions of the first network in one picture.

    Args:
        records: list of dicts, as written by `LossHistograms`.

    Returns:
        Tuple of the title, the alternative text and the
        `matplotlib.figure.Figure`; None if there are fewer than three epochs.
    """
    own = [r for r in records if r["network"] == 0 and "name" not in r]
    if len(own) < 3:
        return None
    from matplotlib import colors
    from matplotlib import ticker

    counts = np.stack([sum(np.asarray(c) for c in _counts(r)) for r in own])
    epochs = np.asarray([r["epoch"] for r in own])
    canvas, axis = figures.new(3.3)
    mesh = axis.pcolormesh(
        np.append(epochs - 0.5, epochs[-1] + 0.5),
        np.linspace(0.0, 1.0, counts.shape[1] + 1),
        np.maximum(counts.T, _ZERO),
        norm=colors.LogNorm(_ZERO, max(counts.max(), 1.0)),
        cmap="cividis",
        rasterized=True,
    )
    for k, style in enumerate(("-", "--")):
        means = [_means(r["mixture"])[k] for r in own]
        axis.plot(
            epochs,
            means,
            color="white",
            linestyle=style,
            linewidth=1.4,
        )
    axis.grid(False)
    axis.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))
    axis.set_xlabel("epoch")
    axis.set_ylabel("normalised loss")
    axis.set_title("Losses over the run", fontsize=10.5, loc="left")
    bar = canvas.colorbar(mesh, label="samples", pad=0.02)
    figures.plain_ticks(bar.ax.yaxis)
    first, last = (_means(r["mixture"]) for r in (own[0], own[-1]))
    text = (
        f"Number of samples by epoch and normalised loss. The mixture's means "
        f"go from {first[0]:.2f} and {first[1]:.2f} in epoch {epochs[0]} to "
        f"{last[0]:.2f} and {last[1]:.2f} in epoch {epochs[-1]}."
    )
    return "Losses over the run", text, canvas


def density(mixture, values):
    """Densities of a mixture's components, multiplied by their weights.

    Args:
        mixture: dict as returned by `labels.division.describe`.
        values: float array `[n]` in `(0, 1)`.

    Returns:
        Float array `[n, 2]`.
    """
    values = np.asarray(values, float)[:, None]
    weights = np.asarray(mixture["weights"])
    if mixture["family"] == "gaussian":
        means = np.asarray(mixture["means"])
        variances = np.asarray(mixture["variances"])
        squares = np.square(values - means) / variances
        each = np.exp(-0.5 * squares) / np.sqrt(2.0 * np.pi * variances)
        return weights * each
    a = np.asarray(mixture["concentration1"])
    b = np.asarray(mixture["concentration0"])
    log = (a - 1) * np.log(values) + (b - 1) * np.log1p(-values)
    return weights * np.exp(log - _log_beta(a, b))


def _log_beta(a, b):
    """Logarithm of the Beta function, for arrays `[2]`."""
    pairs = zip(a, b, strict=True)
    return np.asarray(
        [math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y) for x, y in pairs]
    )


def _means(mixture):
    if mixture is None:
        return np.full(2, np.nan)
    if mixture["family"] == "gaussian":
        return np.asarray(mixture["means"])
    a = np.asarray(mixture["concentration1"])
    return a / (a + np.asarray(mixture["concentration0"]))


def _counts(record):
    return list(record["counts"].values())


def _title(record):
    return record.get("name") or f"Epoch {record['epoch']}"


def _draw(record):
    canvas, axis = figures.new(2.6)
    samples = sum(sum(c) for c in _counts(record))
    for name, counts in record["counts"].items():
        label, colour = _LABELS[name]
        edges = np.linspace(0.0, 1.0, len(counts) + 1)
        axis.stairs(
            np.maximum(counts, _ZERO),
            edges,
            baseline=_ZERO,
            fill=True,
            color=colour,
            alpha=0.45,
            label=f"{label} ({sum(counts)})",
        )
    if record["mixture"] is not None:
        # Without the ends, where a Beta density may be infinite.
        grid = np.linspace(0.004, 0.996, 249)
        expected = density(record["mixture"], grid) * samples / len(counts)
        for k, style in enumerate(("-", "--")):
            axis.plot(
                grid,
                np.where(expected[:, k] > _ZERO, expected[:, k], np.nan),
                color="black",
                linestyle=style,
                linewidth=1.3,
            )
    most = max(max(c) for c in _counts(record))
    axis.set_yscale("log")
    figures.plain_ticks(axis.yaxis)
    axis.set_ylim(_ZERO, 2.0 * max(most, 10.0))
    axis.set_xlim(0.0, 1.0)
    axis.set_xlabel("normalised loss")
    axis.set_ylabel("samples")
    axis.set_title(_title(record), fontsize=10.5, loc="left")
    canvas.legend(loc="outside lower center", ncols=2)
    return canvas


def _described(record):
    """Alternative text of a figure."""
    means, mixture = _means(record["mixture"]), record["mixture"]
    samples = sum(sum(c) for c in _counts(record))
    text = f"Histogram of the losses of {samples} samples. "
    if mixture is None:
        return text + "All are equal: no mixture was fitted."
    lower, upper = mixture["weights"]
    return text + (
        f"The mixture has {lower:.0%} of them around {means[0]:.2f} and "
        f"{upper:.0%} around {means[1]:.2f}."
    )
