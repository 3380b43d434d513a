"""The labels that a run recommends, as CSV and NPZ."""

import csv
import dataclasses
import json
import os

import numpy as np

_FIELDS = ("id", "path", "label", "given_label", "confidence", "verdict")


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written: counts, and the paths of the files."""

    samples: int
    replaced: int
    left_out: int
    paths: tuple


def write(run, output=None, suspect=True):
    """Writes `labels.csv` and `labels.npz` from a run's label audit.

    A label is replaced where the audit's verdict is `relabelled`. The NPZ
    holds `id`, `label` and `given_label` (class numbers), `confidence` and
    `class_names`, without pickles.

    Args:
        run: folder of a finished run.
        output: folder to write to, made if need be; default: `labels/` in the
            run.
        suspect: whether to keep samples whose label is likely wrong but has
            no sure replacement.

    Returns:
        `Written`.

    Raises:
        FileNotFoundError: the run has not finished, or is no run.
        ValueError: its audit is not one.
    """
    audit = os.path.join(run, "label_audit.csv")
    config = os.path.join(run, "config.json")
    for path in (config, audit):
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"expected a finished run with {os.path.basename(path)}; "
                f"{run} has none. A run that was interrupted goes on when it "
                "is started again."
            )
    with open(config, encoding="utf-8") as stream:
        classes = json.load(stream)["classes"]
    number = {name: k for k, name in enumerate(classes)}
    rows = [_row(r) for r in _read(audit, number)]
    kept = [r for r in rows if suspect or r["verdict"] != "suspect"]
    output = output or os.path.join(run, "labels")
    os.makedirs(output, exist_ok=True)
    paths = tuple(os.path.join(output, f"labels.{e}") for e in ("csv", "npz"))
    _write_csv(paths[0], kept)
    _write_npz(paths[1], kept, number)
    return Written(
        samples=len(kept),
        replaced=sum(r["label"] != r["given_label"] for r in kept),
        left_out=len(rows) - len(kept),
        paths=paths,
    )


def _read(path, known):
    """Rows of an audit, which a person may have edited."""
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = {
            "id",
            "given_label",
            "suggested_label",
            "confidence",
            "verdict",
        } - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f"expected the columns of a label audit in {path}; missing: "
                f"{', '.join(sorted(missing))}"
            )
        rows = list(reader)
    for line, row in enumerate(rows, start=2):
        for column in ("given_label", "suggested_label"):
            if row[column] not in known:
                raise ValueError(
                    f"{path}, line {line}: expected a class of the run in "
                    f"{column}; got {row[column]!r}"
                )
    return rows


def _row(row):
    replaced = row["verdict"] == "relabelled"
    label = row["suggested_label"] if replaced else row["given_label"]
    return {
        "id": row["id"],
        "path": row.get("path", ""),
        "label": label,
        "given_label": row["given_label"],
        "confidence": row["confidence"],
        "verdict": row["verdict"],
    }


def _write_csv(path, rows):
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(unfinished, path)


def _write_npz(path, rows, number):
    unfinished = f"{path}.unfinished"
    with open(unfinished, "wb") as stream:
        np.savez_compressed(
            stream,
            id=np.array([r["id"] for r in rows]),
            label=np.array([number[r["label"]] for r in rows], np.int32),
            given_label=np.array(
                [number[r["given_label"]] for r in rows], np.int32
            ),
            confidence=np.array([r["confidence"] for r in rows], np.float32),
            class_names=np.array(list(number)),
        )
    os.replace(unfinished, path)
