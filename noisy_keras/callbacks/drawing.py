"""Drawing grids of small images without a display."""

import warnings

import numpy as np
import tensorflow as tf

from noisy_keras.utils import files
from noisy_keras.utils import names

# Width of a character of the text, in panels.
_LETTER = 0.075


def in_colour(images):
    """Converts images to RGB for drawing.

    Args:
        images: float tensor `[n, H, W, 1 or 3]`, a white pixel being 1.

    Returns:
        Float32 array `[n, H, W, 3]` in `[0, 1]`.
    """
    images = np.clip(images.numpy(), 0.0, 1.0)
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def over(pictures, activation):
    """Overlays activation maps on images, from blue (low) to red (high).

    Each map is enlarged to the size of the image and scaled to `[0, 1]`.

    Args:
        pictures: float array `[n, H, W, 3]` in `[0, 1]`.
        activation: float tensor `[n, h, w]`.

    Returns:
        Float32 array `[n, H, W, 3]` in `[0, 1]`.
    """
    from matplotlib import colormaps

    heat = tf.image.resize(activation[..., None], pictures.shape[1:3])
    low = tf.reduce_min(heat, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(heat, axis=(1, 2), keepdims=True)
    heat = (heat - low) / tf.maximum(high - low, 1e-9)
    colours = colormaps["jet"](heat[..., 0].numpy())[..., :3]
    return 0.5 * pictures + 0.5 * colours.astype(np.float32)


def write_grid(path, columns, panels, titles, heading=None):
    """Draws rows of panels into a PNG file, in two blocks side by side.

    Args:
        path: str or path-like, the PNG file.
        columns: list of C str, names of the panels of a row.
        panels: float array `[n, C, H, W, 3]` in `[0, 1]`; a panel of NaN stays
            empty.
        titles: list of n str, drawn to the left of the rows.
        heading: str, drawn above the grid, or None.
    """
    from matplotlib import figure

    rows = -(-len(panels) // 2)
    block = 1 + len(columns)
    letters = max(len(t) for title in titles for t in title.split("\n"))
    widths = [max(1.0, _LETTER * letters), *[1.0] * len(columns)]
    canvas = figure.Figure(
        figsize=(2.4 * sum(widths), 1.25 * rows + 0.3), dpi=100
    )
    axes = canvas.subplots(
        rows,
        2 * block,
        squeeze=False,
        gridspec_kw={
            "wspace": 0.06,
            "hspace": 0.08,
            "width_ratios": 2 * widths,
        },
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (row, title) in enumerate(zip(panels, titles, strict=True)):
        side, line = divmod(number, rows)
        text, *cells = axes[line, side * block : (side + 1) * block]
        text.text(1.0, 0.5, title, fontsize=8, ha="right", va="center")
        for axis, panel, name in zip(cells, row, columns, strict=True):
            # An empty panel is drawn in white, which keeps the grid aligned.
            shown = np.where(np.isnan(panel), 1.0, panel)
            axis.imshow(shown, interpolation="nearest")
            if line == 0:
                axis.set_title(name, fontsize=9)
    if heading is not None:
        # Above the names of the columns, whatever the number of rows.
        canvas.suptitle(heading, fontsize=10, y=0.88 + 0.45 / (rows + 0.24))
    write(path, canvas)


def write(path, canvas):
    """Writes a figure to a PNG file, atomically.

    Args:
        path: str or path-like, the PNG file.
        canvas: `matplotlib.figure.Figure`.
    """
    as_plain_text(canvas)
    with files.replacing(path, "wb") as stream, warnings.catch_warnings():
        # Of characters that matplotlib's font lacks, a box is drawn.
        warnings.filterwarnings("ignore", message="Glyph ")
        warnings.filterwarnings("ignore", message="Matplotlib currently does")
        canvas.savefig(stream, format="png", bbox_inches="tight")


def as_plain_text(canvas):
    """Draws all text of a figure as it is: class names are no formulas.

    Args:
        canvas: `matplotlib.figure.Figure`.
    """
    from matplotlib import text

    for found in canvas.findobj(text.Text):
        found.set_parse_math(False)
        found.set_text(names.lines(found.get_text()))


def read(path):
    """Reads a PNG file.

    Args:
        path: str, the PNG file.

    Returns:
        Uint8 tensor `[1, H, W, 3]`.
    """
    return tf.io.decode_png(tf.io.read_file(path), channels=3)[None]


def to_tensorboard(directory, pictures, step):
    """Adds images to the event files of a run.

    Args:
        directory: str, folder of the event files.
        pictures: dict from name to images `[n, H, W, 3]`, uint8 or float in
            `[0, 1]`.
        step: int, step in TensorBoard; here the epoch.
    """
    # A separate file, because writers cannot share one.
    writer = tf.summary.create_file_writer(
        directory, filename_suffix=".pictures"
    )
    with writer.as_default(step=step):
        for name, images in pictures.items():
            tf.summary.image(name, images, max_outputs=len(images))
    writer.close()
