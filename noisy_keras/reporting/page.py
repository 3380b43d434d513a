"""Renders the page of a run."""

import importlib.resources
import os
import time

import numpy as np

from noisy_keras.labels.audit import NOT_WRONG
from noisy_keras.reporting import class_tables
from noisy_keras.reporting import curves
from noisy_keras.reporting import facts
from noisy_keras.reporting import figures
from noisy_keras.reporting import label_charts
from noisy_keras.reporting import loss_charts
from noisy_keras.reporting import run_files
from noisy_keras.reporting import thumbnails
from noisy_keras.utils import files
from noisy_keras.version import __version__

#: Largest size of the page, in bytes.
LIMIT = 5_000_000
_GALLERY = 48
# Number of suspects that are visible without unfolding.
_SHOWN = 14
_SIDES = {"gallery": 160, "masks": 112}
_PAIRS = 20
_RATES = 100


def write(folder, source=None, path=None):
    """Writes `report.html` from the files of a run.

    The page of an unfinished run contains the results so far.

    Args:
        folder: str or path-like, folder of the run.
        source: `Source` that was audited, or a dict from a split to it, for
            the images of suspects; None omits them.
        path: str or path-like, the page; None takes `report.html` in the
            folder.

    Returns:
        The path of the page.

    Raises:
        ValueError: If the folder does not contain a run.
        OSError: If the page cannot be written.

    Example:
        >>> import json, pathlib
        >>> settings = {"method": "sanm", "data": {"dataset": "digits"}}
        >>> config = json.dumps({"settings": settings})
        >>> _ = pathlib.Path("config.json").write_text(config)
        >>> write(".")
        './report.html'
    """
    run = run_files.read(folder)
    pictures = _gallery(run, source)
    text = render(run, pictures)
    # Only the pictures can make the page too large.
    while len(text.encode()) > LIMIT and pictures:
        pictures = pictures[: len(pictures) // 2]
        text = render(run, pictures)
    path = path or os.path.join(folder, "report.html")
    with files.replacing(path) as stream:
        stream.write(text)
    return path


def render(run, pictures):
    """Renders the page.

    Args:
        run: `RunFiles`.
        pictures: list of str, data URIs of the first suspects of the audit.

    Returns:
        Str, HTML.
    """
    # Imported here because nothing else needs it.
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = label_charts.shortened
    own = importlib.resources.files("noisy_keras.reporting")
    template = (own / "page.html").read_text(encoding="utf-8")
    with figures.styled():
        content = _content(run, pictures)
    return environment.from_string(template).render(content)


def drawn(run):
    """Figures of the page that TensorBoard shows as well.

    Args:
        run: `RunFiles`.

    Returns:
        Dict from name to uint8 array `[1, H, W, 3]`.
    """
    with figures.styled():
        made = {}
        rates = _rates(run)
        if rates:
            made["noise_by_class"] = label_charts.draw_rates(rates)
            made["given_and_suggested"] = label_charts.draw_confusion(
                label_charts.confusion(run.audit, run.class_names)
            )
        if run.calibration is not None:
            made["reliability"] = label_charts.draw_reliability(run.calibration)
        over = loss_charts.over_epochs(run.histograms)
        if over is not None:
            made["losses"] = over
        return {
            name: figures.pixels(canvas)[None]
            for name, (_, _, canvas) in made.items()
        }


def _content(run, pictures):
    settings = run.config["settings"]
    selection = (run.summary or {}).get("selection") or {}
    val_split = "validation"
    if run.summary is not None and selection.get("split", "-") is None:
        val_split = "test"
    rates = _rates(run)
    over = loss_charts.over_epochs(run.histograms)
    losses = [loss_charts.panels(run.histograms), [over] if over else []]
    networks = {r["network"] for r in run.histograms}
    return {
        "title": f"{settings.get('method')} on "
        f"{settings.get('data', {}).get('dataset')}",
        "finished": run.finished,
        "epochs": run.records[-1]["epoch"] if run.records else 0,
        "created": run.config.get("created", ""),
        "written": time.strftime("%Y-%m-%d %H:%M"),
        "version": __version__,
        "folder": os.path.basename(os.path.abspath(run.folder)),
        "preset": settings.get("preset", ""),
        "replaced": list(settings.get("replaced", ())),
        "problems": run.problems,
        "cards": facts.cards(run, val_split),
        "tables": facts.tables(run),
        "phases": facts.phases(run, val_split),
        "notes": [
            *facts.decisions(run.summary or {}),
            *facts.notes(run.summary or {}),
            *facts.calibrated(run.summary or {}),
            *facts.warnings((run.summary or {}).get("labels") or {}),
        ],
        "selection": selection.get("rule", ""),
        "curves": _figures(curves.panels(run.records, val_split)),
        "begins": curves.phase_begins(run.records),
        "losses": _figures([*losses[1], *losses[0]]),
        "networks": len(networks),
        # As `labels.detection` does before it fits its Beta mixture.
        "trimmed": any(
            (r["mixture"] or {}).get("family") == "beta" for r in run.histograms
        ),
        "rates": rates[:_RATES],
        "rates_left_out": max(0, len(rates) - _RATES),
        "rates_figure": _figures([label_charts.draw_rates(rates)])
        if rates
        else [],
        "truth_known": any(r["true"] is not None for r in rates),
        "confusion": _confusion(run),
        "pairs": _pairs(run),
        "suspects": [
            {"picture": picture, "sample": sample}
            for picture, sample in zip(
                pictures or [None] * _GALLERY,
                run.audit.suspects if run.audit else [],
                strict=False,
            )
        ],
        "shown": _SHOWN,
        "flagged": _flagged(run),
        "masks": _masks(run),
        "duplicates": run.duplicates,
        "duplicates_count": run.duplicates_count,
        "unreadable": run.unreadable,
        "unreadable_count": run.unreadable_count,
        "classes": class_tables.tables(run.summary or {}),
        "calibration": run.calibration,
        "reliability": _figures(
            [label_charts.draw_reliability(run.calibration)]
        )
        if run.calibration
        else [],
        "timing": facts.timing(run.records),
    }


def _figures(made):
    return [
        {"title": title, "text": text, "image": figures.svg(canvas)}
        for title, text, canvas in made
    ]


def _rates(run):
    if run.audit is None:
        return []
    # The file cannot express the true label of out-of-distribution images.
    noise = str((run.config.get("noise") or {}).get("type", ""))
    closed = "open_set" not in noise and "ood" not in noise
    return label_charts.class_rates(run.audit, run.class_names, truth=closed)


def _flagged(run):
    if run.audit is None:
        return 0
    return run.audit.samples - sum(
        run.audit.verdicts[verdict] for verdict in NOT_WRONG
    )


def _confusion(run):
    if run.audit is None or not run.audit.samples:
        return None
    found = label_charts.confusion(run.audit, run.class_names)
    shade = label_charts.off_diagonal_shades(found["rows"])
    rows = [
        (name, list(zip(row, strength, strict=True)))
        for name, row, strength in zip(
            found["names"],
            found["rows"],
            np.round(0.75 * shade, 3).tolist(),
            strict=True,
        )
    ]
    return {**found, "rows": rows}


def _pairs(run):
    """The most frequent pairs of given and suggested class, where flagged."""
    if run.audit is None:
        return []
    pairs = run.audit.flagged_pairs
    mixed = [(p, c) for p, c in pairs.items() if p[0] != p[1]]
    mixed.sort(key=lambda item: (-item[1], item[0]))
    return [
        (given, suggested, count, f"{count / run.audit.given[given]:.1%}")
        for (given, suggested), count in mixed[:_PAIRS]
    ]


def _gallery(run, source):
    if run.audit is None or source is None:
        return []
    suspects = run.audit.suspects[:_GALLERY]
    try:
        return thumbnails.of_samples(source, suspects, _SIDES["gallery"])
    except Exception as error:  # File systems and decoders raise many kinds.
        reason = str(error).strip().split("\n")[0]
        run.problems.append(
            f"Images of suspects cannot be read: {reason or type(error)}"
        )
        return []


def _masks(run):
    if run.masks is None:
        return None
    panels = run.masks["panels"]
    flat = panels.reshape(-1, *panels.shape[2:])
    images = thumbnails.of_pictures(flat, _SIDES["masks"])
    width = panels.shape[1]
    rows = [images[k : k + width] for k in range(0, len(images), width)]
    return {
        "epoch": int(run.masks["epoch"]),
        # Shortened to fit above an image on a phone.
        "columns": [
            str(c).replace("reconstruction", "restored")
            for c in run.masks["columns"]
        ],
        "rows": list(zip(map(str, run.masks["title"]), rows, strict=True)),
    }
