"""Reading the files of a run."""

import dataclasses
import json
import os
import re
import zipfile
from typing import Any

import numpy as np

from noisy_keras.callbacks import mask_pictures
from noisy_keras.callbacks import metrics_log
from noisy_keras.data import duplicates as duplicates_module
from noisy_keras.data.io import csv_rows
from noisy_keras.reporting import audit_tally
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.version import __version__

# Lines of a table that the page shows.
_LINES = 40
_UNREADABLE = ("path", "reason")
_DIVISION = ("epoch", "network", "counts", "mixture")
_CALIBRATION = (
    "split",
    "labels",
    "samples",
    "overall_accuracy",
    "mean_confidence",
    "expected_calibration_error",
    "maximum_calibration_error",
    "edges",
    "count",
    "confidence",
    "accuracy",
)


@dataclasses.dataclass
class RunFiles:
    """The files of a run, finished or not.

    Attributes:
        folder: str, folder of the run.
        config: dict, `config.json`.
        records: list of dicts, `metrics.jsonl`.
        histograms: list of dicts, `loss_histograms.jsonl`.
        summary: dict, `summary.json`; None for an unfinished run.
        calibration: dict, `calibration.json`, or None.
        audit: `AuditTally` of `label_audit.csv`; None for an unfinished run.
        masks: dict of arrays, `pictures/masks.npz`, or None.
        problems: list of str, files that exist but cannot be read.
        duplicates: list of dicts, the first lines of `duplicates.csv`.
        duplicates_count: int, number of all its lines.
        unreadable: list of dicts, the first lines of `unreadable.csv`.
        unreadable_count: int, number of all its lines.
    """

    folder: str
    config: dict
    records: list
    histograms: list
    summary: dict | None
    calibration: dict | None
    audit: Any
    masks: dict | None
    problems: list
    duplicates: list = dataclasses.field(default_factory=list)
    duplicates_count: int = 0
    unreadable: list = dataclasses.field(default_factory=list)
    unreadable_count: int = 0

    @property
    def finished(self):
        return self.summary is not None

    @property
    def class_names(self):
        return [str(name) for name in self.config.get("classes", [])]


def read(folder):
    """Reads the files of a run.

    Args:
        folder: str or path-like, folder of the run.

    Returns:
        A `RunFiles`.

    Raises:
        ValueError: If the folder does not contain the `config.json` of a run.
    """
    problems = []

    def attempt(name, reader, default):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            return default
        try:
            return reader(path)
        except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            problems.append(f"{name} cannot be read: {reason}")
            return default

    config = attempt("config.json", _json, {})
    settings = config.get("settings")
    if not isinstance(settings, dict):
        raise ConfigurationError(
            "Expected the folder of a run, with the settings in its "
            f"config.json. Received: {folder!r}; {'; '.join(problems) or '-'}"
        )
    made_by = str((config.get("versions") or {}).get("noisy_keras", ""))
    if _numbers(made_by) > _numbers(__version__):
        problems.append(
            f"The run was made by noisy_keras {made_by} and this page by "
            f"{__version__}, which may not show everything."
        )
    duplicates = attempt(
        "duplicates.csv", _table(duplicates_module.COLUMNS), ([], 0)
    )
    unreadable = attempt("unreadable.csv", _table(_UNREADABLE), ([], 0))
    return RunFiles(
        folder=folder,
        duplicates=duplicates[0],
        duplicates_count=duplicates[1],
        unreadable=unreadable[0],
        unreadable_count=unreadable[1],
        config=config,
        records=attempt("metrics.jsonl", _records(["epoch"]), []),
        histograms=attempt("loss_histograms.jsonl", _records(_DIVISION), []),
        summary=attempt("summary.json", _json, None),
        calibration=attempt("calibration.json", _calibration, None),
        audit=attempt("label_audit.csv", audit_tally.tally, None),
        masks=attempt(
            os.path.join("pictures", mask_pictures.PANELS), _arrays, None
        ),
        problems=problems,
    )


def _table(needed):
    """Returns a reader of the first lines of a CSV file, and their number."""

    def reader(path):
        rows = csv_rows.read(path).rows
        found = [_with(row, needed) for _, row in rows[:_LINES]]
        return found, len(rows)

    return reader


def _json(path):
    with open(path, encoding="utf-8") as stream:
        found = json.load(stream)
    return _with(found, ())


def _calibration(path):
    return _with(_json(path), _CALIBRATION)


def _records(needed):
    """Returns a reader of JSON lines whose objects have the given keys."""
    return lambda path: [_with(r, needed) for r in metrics_log.read(path)]


def _arrays(path):
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return _with(found, ("epoch", "columns", "panels", "title"))


def _with(found, needed):
    """Checks that an object is a dict with the given keys."""
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"expected an object; got {type(found).__name__}"
        )
    missing = [name for name in needed if name not in found]
    if missing:
        raise ConfigurationError(
            f"expected {', '.join(needed)}; {missing[0]} is missing"
        )
    return found


def _numbers(version):
    """Numbers of a version string, for comparisons."""
    return [int(n) for n in re.findall(r"\d+", version)]
