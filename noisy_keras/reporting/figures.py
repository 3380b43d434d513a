"""Figures of the page: their style, and how they are written."""

import base64
import contextlib
import io
import warnings

# Okabe and Ito's colours, told apart by most colour-blind people.
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
#: Of a figure that fills a phone's width, in inches of 72 points.
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
    # Letters stay letters: readable at any size, and a fifth of the bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "noisy_keras",
    # Class names are no formulas, whatever dollars are in them.
    "text.parse_math": False,
}


def plain_ticks(axis):
    """Numbers as such on a logarithmic axis, where formulas are its default.

    Args:
        axis: a matplotlib `Axis`.
    """
    from matplotlib import ticker

    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:,.12g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


@contextlib.contextmanager
def styled():
    """The style of the page's figures, for the time that they are drawn."""
    import matplotlib

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Letters that the measuring font lacks are the reader's to show.
        warnings.filterwarnings("ignore", message="Glyph ")
        yield


def new(height=3.1, rows=1, **options):
    """A figure of the page's width, and its axes.

    Args:
        height: in inches.
        rows: of axes, one above another.
        **options: as of matplotlib's `Figure.subplots`.
    """
    from matplotlib import figure

    canvas = figure.Figure(figsize=(WIDTH, height), layout="constrained")
    return canvas, canvas.subplots(rows, 1, **options)


def svg(canvas):
    """A figure as a data URI.

    Args:
        canvas: a matplotlib `Figure`.

    Returns:
        str.
    """
    stream = io.BytesIO()
    canvas.savefig(stream, format="svg", metadata={"Date": None})
    text = base64.b64encode(stream.getvalue()).decode()
    return f"data:image/svg+xml;base64,{text}"


def pixels(canvas, dpi=110):
    """A figure as an array: uint8 `[H, W, 3]`.

    Args:
        canvas: a matplotlib `Figure`.
        dpi: pixels to an inch.
    """
    import numpy as np
    from matplotlib.backends import backend_agg

    canvas.set_dpi(dpi)
    drawn = backend_agg.FigureCanvasAgg(canvas)
    drawn.draw()
    return np.asarray(drawn.buffer_rgba())[..., :3].copy()
