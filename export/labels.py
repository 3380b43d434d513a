"""Exports the labels of a run as CSV, NPZ and Parquet."""

import dataclasses
import json
import os
import zipfile
from importlib import util

import numpy as np

#: File formats of labels.
FORMATS = ("csv", "npz", "parquet")
#: Package that writes Parquet files; optional.
PARQUET = "pyarrow"

#: Verdicts on labels that are likely noisy without a confident replacement.
SUSPECTED = ("suspect", "out_of_distribution")
#: Values that exclude a sample, as in
#: `noisy_keras.data.selection.corrections`, whose import would take seconds.
LEFT_OUT = ("drop", "out_of_distribution")

#: Verdicts of an audit, edited or not; `""` if a person has removed it.
VERDICTS = ("", "ok", "suspect", "relabelled", "unreadable", *LEFT_OUT)
# Verdicts on labels that a person has decided.
_REVIEWED = ("corrected", "confirmed")

_CORRECTED = "corrected_label"
_FIELDS = ("id", "path", "label", "given_label", "confidence", "verdict")
#: The column of the split, where the audit has it, and its value for samples
#: that were held out.
_SPLIT, _HELD_OUT = "split", "validation"


@dataclasses.dataclass(frozen=True)
class Written:
    """Result of an export of labels.

    Attributes:
        samples: int, number of exported samples.
        replaced: int, number of those whose label differs from the given one.
        left_out: int, number of samples that were not exported, because their
            label is suspect or they were dropped.
        paths: tuple of str, the files.
        missing: str, what a format would have needed, or "".
    """

    samples: int
    replaced: int
    left_out: int
    paths: tuple
    missing: str = ""


def write(run, output=None, suspect=True, formats=None):
    """Writes `labels.csv`, `labels.npz` and `labels.parquet` from a run.

    A label is replaced where the verdict of the run's label audit is
    `relabelled`. If the run has purified labels (DMLP), every label is the
    purified one and `given_label` the one that it replaces.

    Edits of the audit take precedence. A class entered as `corrected_label`
    replaces the label and changes the verdict to `corrected`. `drop`, there or
    as verdict, excludes the sample. The verdict `ok` on a purified label keeps
    the given label and becomes `confirmed`.

    Samples that were held out are exported, too; the column `split` tells them
    from those in training. No label of theirs is purified: the verdict of the
    audit decides.

    `confidence` is that in the exported label: its share of the purified
    distribution, or the audit's confidence in the suggestion, or the clean
    probability of the given label. Labels entered by a person have confidence
    1.

    The NPZ file contains `id`, `label` and `given_label` (class numbers),
    `confidence`, `class_names` and, where the audit has it, `split`, without
    pickles, and for purified labels the distributions `probabilities` `[n, K]`;
    a row for a sample that was held out is its label, one-hot.

    Args:
        run: str or path-like, folder of a finished run.
        output: str or path-like, folder to write to, created if necessary; None
            takes `labels/` in the run.
        suspect: bool, whether to include samples whose label is likely noisy
            without a confident replacement.
        formats: sequence of str, some of `FORMATS`; None writes all for which
            the packages are installed.

    Returns:
        `Written`.

    Raises:
        FileNotFoundError: If the folder is not that of a finished run.
        ValueError: If the audit is invalid, or a format is unknown or needs a
            package that is not installed.
    """
    formats, missing = _possible(formats)
    audit = os.path.join(run, "label_audit.csv")
    config = os.path.join(run, "config.json")
    for path in (config, audit):
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"expected a finished run with {os.path.basename(path)}; "
                f"{run} has none. An interrupted run resumes when it is "
                "started again."
            )
    with open(config, encoding="utf-8") as stream:
        classes = json.load(stream)["classes"]
    # Imported here: it loads TensorFlow, and wrong arguments come before that.
    from noisy_keras.data.io import class_lookup
    from noisy_keras.data.io import csv_rows

    number = {name: k for k, name in enumerate(classes)}
    purified = _purified(os.path.join(run, "phases", "purified.npz"))
    lookup = class_lookup.Lookup(classes)
    rows = [
        _row(row, purified is not None and not _held_out(row))
        for row in _read(csv_rows.read(audit), lookup, csv_rows.number)
    ]
    kept = [
        r
        for r in rows
        if r["label"] is not None and (suspect or r["verdict"] not in SUSPECTED)
    ]
    output = output or os.path.join(run, "labels")
    os.makedirs(output, exist_ok=True)
    paths = tuple(os.path.join(output, f"labels.{e}") for e in formats)
    for path, kind in zip(paths, formats, strict=True):
        if kind == "csv":
            _write_csv(path, kept, csv_rows.write)
        elif kind == "npz":
            _write_npz(path, kept, number, purified)
        else:
            _write_parquet(path, kept)
    return Written(
        samples=len(kept),
        replaced=sum(r["label"] != r["given_label"] for r in kept),
        left_out=len(rows) - len(kept),
        paths=paths,
        missing=missing,
    )


def _possible(formats):
    """The formats to write, and what other formats would need, or ""."""
    unknown = sorted(set(formats or ()) - set(FORMATS))
    if unknown or (formats is not None and not formats):
        raise ValueError(
            f"expected some of {', '.join(FORMATS)} as formats; got "
            f"{', '.join(unknown) or 'none'}"
        )
    wanted = [kind for kind in FORMATS if kind in (formats or FORMATS)]
    if "parquet" not in wanted or util.find_spec(PARQUET) is not None:
        return wanted, ""
    needed = f"Parquet needs {PARQUET}: pip install {PARQUET}"
    if formats is not None:
        raise ValueError(f"expected {PARQUET} to be installed; {needed}")
    return [kind for kind in wanted if kind != "parquet"], needed


def _purified(path):
    """Purified label distributions by id, or None if the run has none."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(zip(arrays["ids"], arrays["labels"], strict=True))
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"expected purified labels in {path}; reading it failed ({error})"
        ) from error


def _read(table, lookup, to_number):
    """The rows of an audit, which a person may have edited, checked.

    Classes have their names.
    """
    # Imported here, as in `write`.
    from noisy_keras.labels.audit import COLUMNS

    path = table.path
    missing = set(COLUMNS) - set(table.columns)
    if missing:
        raise ValueError(
            f"expected the columns of a label audit in {path}; missing: "
            f"{', '.join(sorted(missing))}"
        )
    table.check_distinct((*COLUMNS, _CORRECTED, _SPLIT))
    rows = []
    for line, row in table.rows:
        rows.append(row)
        for column in ("given_label", "suggested_label"):
            number = lookup.find(row[column])
            if number is None:
                raise ValueError(
                    f"{path}, line {line}: expected a class of the run in "
                    f"{column}; got {row[column]!r}"
                )
            row[column] = lookup.class_names[number]
        for column in ("clean_probability", "confidence"):
            value = to_number(row[column])
            if value is None:
                raise ValueError(
                    f"{path}, line {line}: expected a number in {column}; got "
                    f"{row[column]!r}"
                )
            if "," in row[column]:
                row[column] = f"{value:.6g}"
        row["verdict"] = row["verdict"].strip()
        if _SPLIT in row:
            row[_SPLIT] = row[_SPLIT].strip()
        if row["verdict"] not in VERDICTS:
            raise ValueError(
                f"{path}, line {line}: expected one of "
                f"{', '.join(VERDICTS[1:])} as verdict; got {row['verdict']!r}"
            )
        entered = row.get(_CORRECTED, "")
        number = lookup.find(entered)
        stripped = entered.strip()
        # Unless it is the very name of a class.
        if stripped in ("", *LEFT_OUT) and not lookup.is_name(entered):
            row[_CORRECTED] = ""
            row["verdict"] = "drop" if stripped else row["verdict"]
        elif number is not None:
            row[_CORRECTED] = lookup.class_names[number]
        else:
            raise ValueError(
                f"{path}, line {line}: expected a class of the run, or "
                f"{' or '.join(LEFT_OUT)}, in corrected_label; got {entered!r}"
            )
    return rows


def _row(row, purified):
    """The exported row; its label is None if the sample is excluded."""
    verdict, entered = row["verdict"], row[_CORRECTED]
    given, suggested = row["given_label"], row["suggested_label"]
    kept = verdict in ("ok", "unreadable")
    replaced = not kept if purified else verdict == "relabelled"
    label = suggested if replaced else given
    if entered:
        label = entered
        verdict = "corrected"
    elif purified and verdict == "ok" and suggested != given:
        verdict = "confirmed"
    if verdict == "drop":
        label = None
    of_label = "confidence" if label == suggested else "clean_probability"
    return {
        "id": row["id"],
        "path": row.get("path", ""),
        "label": label,
        "given_label": given,
        "confidence": "1" if verdict in _REVIEWED else row[of_label],
        "verdict": verdict,
        **({_SPLIT: row[_SPLIT]} if _SPLIT in row else {}),
    }


def _held_out(row):
    return row.get(_SPLIT) == _HELD_OUT


def _fields(rows):
    """The columns of rows, a tuple."""
    return (*_FIELDS, _SPLIT) if rows and _SPLIT in rows[0] else _FIELDS


def _write_csv(path, rows, write_rows):
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8", newline="") as stream:
        write_rows(stream, _fields(rows), rows)
    os.replace(unfinished, path)


def _write_npz(path, rows, number, purified):
    more = {}
    if purified is not None:
        unknown = [
            r["id"]
            for r in rows
            if r["id"] not in purified and not _held_out(r)
        ]
        if unknown:
            raise ValueError(
                f"expected the samples of the run in its label audit; got "
                f"{unknown[0]!r}, which has no purified label"
            )
        certain = np.eye(len(number), dtype=np.float32)
        found = [
            certain[number[r["label"]]]
            if r["verdict"] in _REVIEWED or _held_out(r)
            else purified[r["id"]]
            for r in rows
        ]
        more["probabilities"] = np.reshape(found, (-1, len(number)))
    if rows and _SPLIT in rows[0]:
        more[_SPLIT] = np.array([r[_SPLIT] for r in rows])
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
            **more,
        )
    os.replace(unfinished, path)


def _write_parquet(path, rows):
    # Imported here because the package is optional.
    import pyarrow
    from pyarrow import parquet

    fields = _fields(rows)
    columns = {name: [r[name] for r in rows] for name in fields}
    kinds = {name: pyarrow.string() for name in fields}
    kinds["confidence"] = pyarrow.float32()
    columns["confidence"] = [float(v) for v in columns["confidence"]]
    table = pyarrow.table(columns, pyarrow.schema(kinds))
    unfinished = f"{path}.unfinished"
    parquet.write_table(table, unfinished)
    os.replace(unfinished, path)
