"""The files of a run, read as they are."""

import dataclasses
import json
import os
import re
import zipfile
from typing import Any

import numpy as np

from noisy_keras.callbacks import mask_pictures
from noisy_keras.callbacks import metrics_log
from noisy_keras.reporting import audit_tally
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.version import __version__

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
    """What a run has left so far.

    Attributes:
        folder: of the run.
        config: dict of `config.json`.
        records: list of dicts of `metrics.jsonl`.
        histograms: list of dicts of `loss_histograms.jsonl`.
        summary: dict of `summary.json`, None before the end.
        calibration: dict of `calibration.json`, or None.
        audit: `AuditTally`, None before the end.
        masks: dict of arrays of `pictures/masks.npz`, or None.
        problems: strings: files that are there but cannot be read.
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

    @property
    def finished(self):
        return self.summary is not None

    @property
    def class_names(self):
        return [str(name) for name in self.config.get("classes", [])]


def read(folder):
    """Reads the files of a run.

    Args:
        folder: of the run.

    Returns:
        A `RunFiles`.

    Raises:
        ValueError: no `config.json` of a run is there.
    """
    problems = []

    def attempt(name, reader, default):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            return default
        try:
            return reader(path)
        except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
            told = str(error).strip().split("\n")[0] or type(error).__name__
            problems.append(f"{name} cannot be read: {told}")
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
            f"The run was made by noisy_keras {made_by}, this page by "
            f"{__version__}: what is new in it may be missing here."
        )
    return RunFiles(
        folder=folder,
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


def _json(path):
    with open(path, encoding="utf-8") as stream:
        found = json.load(stream)
    return _with(found, ())


def _calibration(path):
    return _with(_json(path), _CALIBRATION)


def _records(needed):
    """A reader of JSON lines whose objects have some names."""
    return lambda path: [_with(r, needed) for r in metrics_log.read(path)]


def _arrays(path):
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return _with(found, ("epoch", "columns", "panels", "title"))


def _with(found, needed):
    """Raises unless something is a dict with some names."""
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"expected an object; got {type(found).__name__}"
        )
    missing = [name for name in needed if name not in found]
    if missing:
        raise ConfigurationError(
            f"expected {', '.join(needed)}; {missing[0]} is not there"
        )
    return found


def _numbers(version):
    """A version to compare by: a list of its numbers."""
    return [int(n) for n in re.findall(r"\d+", version)]
