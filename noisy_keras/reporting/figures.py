"""Style and encoding of the page's figures."""

import base64
import contextlib
import io
import warnings

# The palette of Okabe and Ito, which most colour-blind people can distinguish.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#444444",
)
STYLES = ("-", "--", "-.", ":", "-", "--", "-.")
#: Width of a figure that fills the width of a phone, in inches of 72 points.
WIDTH = 4.2

_STYLE = {
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    # Text is stored as text instead of outlines, in a fifth of the bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "noisy_keras",
    # Class names that contain dollar signs are not formulas.
    "text.parse_math": False,
}


def plain_ticks(axis):
    """Formats a logarithmic axis with plain numbers instead of powers of ten.

    Args:
        axis: `matplotlib.axis.Axis`.
    """
    from matplotlib import ticker

    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:,.12g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


@contextlib.contextmanager
def styled():
    """Context manager that applies the style of the page's figures."""
    import matplotlib

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # The browser of the reader draws characters that matplotlib's font
        # lacks.
        warnings.filterwarnings("ignore", message="Glyph ")
        yield


def new(height=3.1, rows=1, **options):
    """Creates a figure of the page's width.

    Args:
        height: float, height in inches.
        rows: int, number of axes, one above another.
        **options: arguments of `matplotlib.figure.Figure.subplots`.

    Returns:
        Tuple of the `Figure` and its axes.
    """
    from matplotlib import figure

    canvas = figure.Figure(figsize=(WIDTH, height), layout="constrained")
    return canvas, canvas.subplots(rows, 1, **options)


def svg(canvas):
    """Encodes a figure as a data URI.

    Args:
        canvas: `matplotlib.figure.Figure`.

    Returns:
        Str, an SVG image in base64.
    """
    stream = io.BytesIO()
    canvas.savefig(stream, format="svg", metadata={"Date": None})
    text = base64.b64encode(stream.getvalue()).decode()
    return f"data:image/svg+xml;base64,{text}"


def pixels(canvas, dpi=110):
    """Renders a figure.

    Args:
        canvas: `matplotlib.figure.Figure`.
        dpi: int, pixels per inch.

    Returns:
        Uint8 array `[H, W, 3]`.
    """
    import numpy as np
    from matplotlib.backends import backend_agg

    canvas.set_dpi(dpi)
    drawn = backend_agg.FigureCanvasAgg(canvas)
    drawn.draw()
    return np.asarray(drawn.buffer_rgba())[..., :3].copy()
