"""The files of a run, read as they are."""

import dataclasses
import json
import os
import zipfile
from typing import Any

import numpy as np

from noisy_keras.callbacks import mask_pictures
from noisy_keras.callbacks import metrics_log
from noisy_keras.reporting import audit_tally


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
    settings = config.get("settings") if isinstance(config, dict) else None
    if not isinstance(settings, dict):
        raise ValueError(
            "Expected the folder of a run, with the settings in its "
            f"config.json. Received: {folder!r}; {'; '.join(problems) or '-'}"
        )
    return RunFiles(
        folder=folder,
        config=config,
        records=attempt("metrics.jsonl", metrics_log.read, []),
        histograms=attempt("loss_histograms.jsonl", metrics_log.read, []),
        summary=attempt("summary.json", _json, None),
        calibration=attempt("calibration.json", _json, None),
        audit=attempt("label_audit.csv", audit_tally.tally, None),
        masks=attempt(
            os.path.join("pictures", mask_pictures.PANELS), _arrays, None
        ),
        problems=problems,
    )


def _json(path):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def _arrays(path):
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
