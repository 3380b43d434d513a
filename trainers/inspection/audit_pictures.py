"""The pictures of an audit: thumbnails, a sheet of them, and a page."""

import html
import os

import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import drawing
from noisy_keras.utils.errors import ConfigurationError

FOLDER = "thumbnails"
SHEET = "most_suspect.png"
PAGE = "index.html"

# Pixels: smaller pictures are enlarged by a whole factor.
_LEAST_SIDE = 96
_ON_SHEET, _COLUMNS = 60, 10
# Characters of a text on the page.
_TEXT = 600

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The most suspect labels</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1rem; color: #222;
  background: #fff; }}
main {{ display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }}
figure {{ margin: 0; padding: .5rem; border: 1px solid #ccc;
  border-radius: .4rem; overflow-wrap: anywhere; }}
img, .none {{ width: 100%; aspect-ratio: 1; object-fit: contain;
  background: #eee; image-rendering: pixelated; }}
.none {{ display: grid; place-items: center; }}
small {{ color: #555; }}
</style>
</head>
<body>
<h1>The most suspect {count} labels</h1>
<p>Corrections belong into the column corrected_label of most_suspect.csv.</p>
<main>
{figures}
</main>
</body>
</html>
"""


def places(sources):
    """Where the samples of an audit are.

    Args:
        sources: dict from a split to a `Source` or None, or the training
            `Source` alone.

    Returns:
        dict from (split, id) to a pair of a `Source` and a position in it.
    """
    if not isinstance(sources, dict):
        sources = {"train": sources}
    return {
        (split, str(name)): (source, index)
        for split, source in sources.items()
        if source is not None
        for index, name in enumerate(source.ids)
    }


def key(row):
    """The split and the id of a row of an audit, a tuple."""
    return row.get("split") or "train", row["id"]


def write_thumbnails(folder, rows, sources):
    """Writes a PNG file for each picture that can be read.

    Args:
        folder: str, folder to write `thumbnails/` to.
        rows: list of dicts, rows of an audit.
        sources: as of `places`, with the pictures.

    Returns:
        A dict from split and id, see `key`, to the path of its file from the
        folder on, and a list of (id, reason) of those without.
    """
    os.mkdir(os.path.join(folder, FOLDER))
    place = places(sources)
    paths, missing = {}, []
    for rank, row in enumerate(rows, start=1):
        name = key(row)
        picture, why = None, "the data has no such sample now"
        if name in place and len(place[name][0].image_shape) != 3:
            continue  # Features show nothing.
        if name in place:
            picture, why = _picture(*place[name])
        if picture is None:
            missing.append((row["id"], why))
            continue
        paths[name] = f"{FOLDER}/{rank:04d}.png"
        with open(os.path.join(folder, paths[name]), "wb") as stream:
            stream.write(tf.io.encode_png(enlarged(picture)).numpy())
    if not paths and not missing:  # Features alone.
        os.rmdir(os.path.join(folder, FOLDER))
    return paths, missing


def _picture(source, index):
    """uint8 `[H, W, 1 or 3]` and "", or None and why there is none."""
    try:
        # One by one, so that a broken picture is the only one left out.
        [image] = source.fetch(np.array([index])).numpy()
    except (ConfigurationError, OSError, tf.errors.OpError) as error:
        return None, str(error).strip().split("\n")[0]
    path = None if source.paths is None else source.paths[index]
    # Sources of files return black pictures for broken ones.
    why = getattr(source, "unreadable", {}).get(path)
    if why is not None:
        return None, why
    image = np.asarray(image, np.float32) * (255.0 / source.pixel_scale)
    return np.clip(np.round(image), 0, 255).astype(np.uint8), ""


def enlarged(picture):
    """A picture enlarged by a whole factor to a visible size: uint8."""
    factor = -(-_LEAST_SIDE // min(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def write_sheets(folder, rows, thumbnails):
    """Writes the first pictures into one file, and all of them into a page.

    Args:
        folder: str, folder with the thumbnails.
        rows: list of dicts, rows of an audit.
        thumbnails: dict from split and id to path.

    Returns:
        A list of (name of a file, what it is).
    """
    files = [(f"{FOLDER}/", "the pictures")] if thumbnails else []
    figures = [
        _figure(rank, row, thumbnails.get(key(row)))
        for rank, row in enumerate(rows, start=1)
    ]
    page = _PAGE.format(count=len(rows), figures="\n".join(figures))
    with open(os.path.join(folder, PAGE), "w", encoding="utf-8") as stream:
        stream.write(page)
    files.append((PAGE, "all of them on a page"))
    shown = [row for row in rows if key(row) in thumbnails][:_ON_SHEET]
    if shown:
        _write_sheet(folder, shown, thumbnails)
        files.append((SHEET, f"the first {len(shown)} in a picture"))
    return files


def _figure(rank, row, path):
    shown = {name: html.escape(value) for name, value in row.items()}
    picture = '<div class="none">no picture</div>'
    if row.get("text"):
        picture = f"<p>{html.escape(_short(row['text'], _TEXT))}</p>"
    if path is not None:
        picture = f'<img src="{path}" alt="{shown["id"]}" loading="lazy">'
    clean = float(row["clean_probability"])
    return (
        f"<figure>{picture}<figcaption>{rank}. <b>{shown['given_label']}</b> "
        f"&rarr; {shown['suggested_label']}<br><small>"
        f"{shown['verdict'].replace('_', ' ')}, clean {clean:.1%}"
        f"{', held out' * (key(row)[0] != 'train')}<br>"
        f"{_linked(row, shown['id'])}</small></figcaption></figure>"
    )


def _linked(row, shown):
    """The id of a row, with a link to its sample where that is on the web."""
    path = row.get("path", "")
    if not path.startswith(("https://", "http://")):
        return shown
    return f'<a href="{html.escape(path)}" rel="noreferrer">{shown}</a>'


def _write_sheet(folder, rows, thumbnails):
    from matplotlib import figure

    columns = min(_COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    canvas = figure.Figure(figsize=(1.3 * columns, 1.75 * lines), dpi=100)
    axes = canvas.subplots(lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, row in zip(axes.flat, rows, strict=False):
        path = os.path.join(folder, thumbnails[key(row)])
        with open(path, "rb") as stream:
            picture = tf.io.decode_png(stream.read(), channels=3).numpy()
        axis.imshow(picture, interpolation="nearest")
        axis.set_title(
            f"{_short(row['given_label'])}\n\N{RIGHTWARDS ARROW} "
            f"{_short(row['suggested_label'])}\n"
            f"clean {float(row['clean_probability']):.1%}",
            fontsize=7,
            parse_math=False,
        )
    drawing.write(os.path.join(folder, SHEET), canvas)


def _short(text, most=16):
    return (
        text
        if len(text) <= most
        else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )
