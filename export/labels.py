"""The labels that a run recommends, as CSV, NPZ and Parquet."""

import csv
import dataclasses
import json
import os
import zipfile
from importlib import util

import numpy as np

#: What labels can be written as.
FORMATS = ("csv", "npz", "parquet")
#: What Parquet needs, which is an extra.
PARQUET = "pyarrow"

#: Verdicts on labels that are likely wrong without a sure replacement.
DOUBTED = ("suspect", "out_of_distribution")
#: What leaves a sample out, as in `noisy_keras.data.selection.corrections`,
#: which would take seconds to import.
LEFT_OUT = ("drop", "out_of_distribution")

#: Those of an audit, edited or not; `""` where a person left none.
VERDICTS = ("", "ok", "suspect", "relabelled", *LEFT_OUT)
# Of labels that a person has settled.
_SETTLED = ("corrected", "confirmed")

_FIELDS = ("id", "path", "label", "given_label", "confidence", "verdict")


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written: counts, the paths of the files, and what is missing.

    Attributes:
        samples: that were written.
        replaced: those of them whose label is another than the given one.
        left_out: samples that were not: suspects, and what was dropped.
        paths: of the files.
        missing: what a format would have needed, in a line; or "".
    """

    samples: int
    replaced: int
    left_out: int
    paths: tuple
    missing: str = ""


def write(run, output=None, suspect=True, formats=None):
    """Writes `labels.csv`, `labels.npz` and `labels.parquet` from a run.

    A label is replaced where the verdict of the run's label audit is
    `relabelled`. Where the run has purified labels (DMLP), every label is the
    purified one, and `given_label` the one that it replaces.

    The audit may have been edited: what a person entered as `corrected_label`
    comes first, and makes the verdict `corrected`; `drop` there or as verdict
    leaves the sample out; the verdict `ok` where there was a purified label
    keeps the given one, and becomes `confirmed`.

    `confidence` is that in the label written: its share of the purified
    distribution, or what the audit says of the suggestion, or of the given
    label being right. A person's is 1.

    The NPZ holds `id`, `label` and `given_label` (class numbers), `confidence`
    and `class_names`, without pickles, and of purified labels the distributions
    `probabilities` `[n, K]`.

    Args:
        run: folder of a finished run.
        output: folder to write to, made if need be; default: `labels/` in the
            run.
        suspect: whether to keep samples whose label is likely wrong but has
            no sure replacement.
        formats: some of `FORMATS`; default: all that can be written.

    Returns:
        `Written`.

    Raises:
        FileNotFoundError: the run has not finished, or is no run.
        ValueError: its audit is not one, a format is unknown, or needs a
            package that is not there.
    """
    formats, missing = _possible(formats)
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
    purified = _purified(os.path.join(run, "phases", "purified.npz"))
    rows = [
        _row(row, purified is not None, number) for row in _read(audit, number)
    ]
    kept = [
        r
        for r in rows
        if r["label"] is not None and (suspect or r["verdict"] not in DOUBTED)
    ]
    output = output or os.path.join(run, "labels")
    os.makedirs(output, exist_ok=True)
    paths = tuple(os.path.join(output, f"labels.{e}") for e in formats)
    for path, kind in zip(paths, formats, strict=True):
        if kind == "csv":
            _write_csv(path, kept)
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
    """The formats to write, and what others would need, or ""."""
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
    """Distributions that labels were purified to: dict by id, or None."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(zip(arrays["ids"], arrays["labels"], strict=True))
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"expected purified labels in {path}; reading it failed ({error})"
        ) from error


def _read(path, known):
    """Rows of an audit, which a person may have edited."""
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = {
            "id",
            "given_label",
            "suggested_label",
            "clean_probability",
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
        if row["verdict"] not in VERDICTS:
            raise ValueError(
                f"{path}, line {line}: expected one of "
                f"{', '.join(VERDICTS[1:])} as verdict; got {row['verdict']!r}"
            )
        entered = _corrected(row)
        if entered and entered not in {*LEFT_OUT, *known, *_numbers(known)}:
            raise ValueError(
                f"{path}, line {line}: expected a class of the run, or "
                f"{' or '.join(LEFT_OUT)}, in corrected_label; got {entered!r}"
            )
    return rows


def _corrected(row):
    return (row.get("corrected_label") or "").strip()


def _numbers(known):
    return {str(number): name for name, number in known.items()}


def _row(row, purified, known):
    """What is written of a row; its label is None where it is left out."""
    verdict, entered = row["verdict"], _corrected(row)
    given, suggested = row["given_label"], row["suggested_label"]
    replaced = verdict != "ok" if purified else verdict == "relabelled"
    label = suggested if replaced else given
    if entered:
        label = _numbers(known).get(entered, entered)
        verdict = "corrected"
    elif purified and verdict == "ok" and suggested != given:
        verdict = "confirmed"
    if entered in LEFT_OUT or verdict == "drop":
        label = None
    of_label = "confidence" if label == suggested else "clean_probability"
    return {
        "id": row["id"],
        "path": row.get("path", ""),
        "label": label,
        "given_label": given,
        "confidence": "1" if verdict in _SETTLED else row[of_label],
        "verdict": verdict,
    }


def _write_csv(path, rows):
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(unfinished, path)


def _write_npz(path, rows, number, purified):
    more = {}
    if purified is not None:
        unknown = [r["id"] for r in rows if r["id"] not in purified]
        if unknown:
            raise ValueError(
                f"expected the samples of the run in its label audit; got "
                f"{unknown[0]!r}, which has no purified label"
            )
        certain = np.eye(len(number), dtype=np.float32)
        found = [
            certain[number[r["label"]]]
            if r["verdict"] in _SETTLED
            else purified[r["id"]]
            for r in rows
        ]
        more["probabilities"] = np.reshape(found, (-1, len(number)))
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
    # Imported here: it is an extra.
    import pyarrow
    from pyarrow import parquet

    columns = {name: [r[name] for r in rows] for name in _FIELDS}
    kinds = {name: pyarrow.string() for name in _FIELDS}
    kinds["confidence"] = pyarrow.float32()
    columns["confidence"] = [float(v) for v in columns["confidence"]]
    table = pyarrow.table(columns, pyarrow.schema(kinds))
    unfinished = f"{path}.unfinished"
    parquet.write_table(table, unfinished)
    os.replace(unfinished, path)
