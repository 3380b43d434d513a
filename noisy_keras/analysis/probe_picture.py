"""Chart of linear probes: accuracy against depth."""

from noisy_keras.callbacks import drawing


def draw_probes(path, found, title="Linear probes"):
    """Draws the accuracy of probes against depth, a line per network.

    Args:
        path: str or path-like, the PNG file.
        found: `Probes`.
        title: str, drawn above the chart.
    """
    from matplotlib import figure
    from matplotlib import ticker

    numbers = sorted({probe.network for probe in found.probes})
    # Networks of one method have the same depths; others would not share an
    # axis.
    lines = {n: [p for p in found.probes if p.network == n] for n in numbers}
    longest = max(lines.values(), key=len)
    canvas = figure.Figure(figsize=(1.5 + 0.95 * len(longest), 4.2), dpi=120)
    axis = canvas.subplots()
    for number, line in lines.items():
        place = range(len(line))
        drawn = axis.errorbar(
            place,
            [100 * p.accuracy for p in line],
            [100 * p.error for p in line],
            marker="o",
            capsize=3,
            label=f"network {number + 1}: linear probe",
        )
        axis.axhline(
            100 * found.classifier[number],
            color=drawn[0].get_color(),
            linestyle="--",
            linewidth=1,
            label=f"network {number + 1}: its own classifier",
        )
    axis.set_xticks(
        range(len(longest)),
        [f"{p.depth}\n{'×'.join(map(str, p.shape))}" for p in longest],
        fontsize=8,
    )
    axis.set_xlim(-0.4, len(longest) - 0.6)
    axis.set_xlabel("depth (below: size of the feature map, h×w×channels)")
    axis.set_ylabel(
        f"accuracy on {found.judged_samples} evaluated images (%)\n"
        "bars: standard error"
    )
    axis.yaxis.set_major_locator(ticker.MaxNLocator(8, steps=[1, 2, 5, 10]))
    axis.grid(axis="y", alpha=0.3)
    axis.set_title(
        f"{title},\ntrained on {found.labels} labels of "
        f"{found.train_samples} images",
        fontsize=10,
    )
    axis.legend(fontsize=8, loc="best")
    drawing.write(path, canvas)
