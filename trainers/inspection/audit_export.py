"""Writing the most suspect labels of a run, with their pictures."""

import dataclasses
import json
import os
import shutil
import tempfile

import numpy as np
from rich import box
from rich import table
from rich import text

from noisy_keras.data.io import class_lookup
from noisy_keras.data.io import csv_rows
from noisy_keras.labels import audit as audit_module
from noisy_keras.labels import formats as audit_formats
from noisy_keras.utils import names
from trainers import UsageError
from trainers.inspection import audit_pictures
from trainers.run import errors
from trainers.run import folder as run_folder

MOST_SUSPECT = "most_suspect.csv"
#: The column that a person fills in.
CORRECTED = "corrected_label"

_NUMBERS = ("clean_probability", "confidence")
_VERDICTS = {"out_of_distribution": "no class"}
_COLUMNS = ("id", "given_label", "suggested_label", *_NUMBERS, "verdict")


@dataclasses.dataclass(frozen=True)
class Audit:
    """The label audit of a run, as its file holds it.

    Attributes:
        path: str, path of the file.
        rows: list of dicts of str, one for each sample.
        class_names: tuple of K str.
    """

    path: str
    rows: list
    class_names: tuple

    def most_suspect(self, count):
        """Rows of the labels most likely wrong, at most `count`."""
        clean, confidence, share = (
            np.array([float(row.get(name) or "nan") for row in self.rows])
            for name in (*_NUMBERS, "given_share")
        )
        same = [r["suggested_label"] == r["given_label"] for r in self.rows]
        order = audit_module.suspicion_order(
            clean, share, confidence, np.array(same)
        )
        rows = [self.rows[i] for i in order]
        # Nothing is known of what could not be read.
        rows.sort(key=lambda row: row["verdict"] == "unreadable")
        return rows[:count]


def read(run, name):
    """Reads the audit of a run.

    Args:
        run: str, folder of the run.
        name: str, name of the file.

    Returns:
        `Audit`.

    Raises:
        UsageError: it is not an audit, or of other classes than the run.
    """
    path = os.path.join(run, name)
    classes = _classes(run)
    with errors.reported(OSError, flag="run"):
        table = csv_rows.read(path)
        table.check_distinct(_COLUMNS)
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing or not table.rows:
        raise UsageError(
            f"--run: expected a label audit in {path}; "
            + (f"no columns {', '.join(missing)}" if missing else "no lines")
        )
    lookup = class_lookup.Lookup(classes)
    rows = []
    for line, row in table.rows:
        row = row | {"verdict": csv_rows.cell(row, "verdict")}
        problem = _problem(row, lookup)
        rows.append(row)
        if problem:
            raise UsageError(
                f"--run: {path}, line {line}: {problem}. Corrections are made "
                f"in a copy, such as {MOST_SUSPECT} of this command."
            )
    return Audit(path, rows, classes)


def _classes(run):
    """The names of the classes, from the config of a run: a tuple."""
    with errors.reported(OSError, json.JSONDecodeError, flag="run"):
        path = os.path.join(run, run_folder.CONFIG)
        with open(path, encoding="utf-8") as stream:
            config = json.load(stream)
    if "classes" not in config:
        raise UsageError(
            f"--run: expected 'classes' in the {run_folder.CONFIG} of {run}; "
            "it has none"
        )
    return tuple(config["classes"])


def _problem(row, lookup):
    """What is wrong with a row, or ""; classes get their names."""
    for column in ("given_label", "suggested_label"):
        number = lookup.find(row[column])
        if number is None:
            return f"expected a class in {column}; got {row[column]!r}"
        row[column] = lookup.class_names[number]
    for column in (*_NUMBERS, "given_share"):
        text = row.get(column, "")
        if column == "given_share" and not text.strip():
            continue
        value = csv_rows.number(text)
        if value is None:
            return f"expected a number in {column}; got {text!r}"
        if "," in text:
            row[column] = f"{value:.6g}"
    if row["verdict"] not in audit_module.VERDICTS:
        return f"expected a verdict; got {row['verdict']!r}"
    return ""


def write(audit, sources, output, out, top, formats):
    """Prints the most suspect labels and writes a folder of them.

    Args:
        audit: `Audit`.
        sources: as of `audit_pictures.places`, with the pictures; some may be
            missing.
        output: str, folder to write, which does not exist yet. It appears
            whole or not at all.
        out: rich console.
        top: int, number of labels to print and to write.
        formats: list of str, some of `audit_formats.FORMATS`.

    Raises:
        UsageError: the folder cannot be written.
    """
    rows = audit.most_suspect(top)
    print_rows(out, rows, len(audit.rows))
    for name in dict.fromkeys(row.get("evidence", "") for row in rows):
        if name in audit_module.EVIDENCE:
            out.print(f"Judged by {audit_module.EVIDENCE[name]}.")
    parent = os.path.dirname(os.path.abspath(output))
    try:
        os.makedirs(parent, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".audit.", dir=parent)
        try:
            lines = _write_into(folder, audit, rows, sources, output, formats)
            os.chmod(folder, 0o755)  # mkdtemp makes private ones.
            os.rename(folder, output)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"--output: cannot write {output}: {error}") from error
    for line in lines:
        out.print(line)


def _write_into(folder, audit, rows, sources, output, formats):
    thumbnails, missing = audit_pictures.write_thumbnails(folder, rows, sources)
    _write_csv(
        os.path.join(folder, MOST_SUSPECT),
        [
            row
            | {
                "thumbnail": thumbnails.get(audit_pictures.key(row), ""),
                CORRECTED: "",
            }
            for row in rows
        ],
    )
    files = [(MOST_SUSPECT, f"to be corrected, in its column {CORRECTED}")]
    files += audit_pictures.write_sheets(folder, rows, thumbnails)
    notes = []
    if "csv" in formats:
        shutil.copyfile(audit.path, os.path.join(folder, "label_audit.csv"))
        files.append(("label_audit.csv", "the whole audit"))
    if "cleanlab" in formats:
        found = audit_formats.cleanlab(audit.rows, audit.class_names)
        _write_csv(os.path.join(folder, "cleanlab.csv"), found)
        files.append(("cleanlab.csv", "as CleanLearning.get_label_issues()"))
    root, below = _picture_files(sources)
    if "fiftyone" in formats:
        os.mkdir(os.path.join(folder, "fiftyone"))
        shown = {k: os.path.join(root, path) for k, path in below.items()}
        shown = shown or {k: f"../{path}" for k, path in thumbnails.items()}
        both = audit_formats.fiftyone(audit.rows, shown, audit.class_names)
        for name, content in zip(("metadata", "samples"), both, strict=True):
            path = os.path.join(folder, "fiftyone", f"{name}.json")
            run_folder.write_json(path, content)
        files.append(
            ("fiftyone/", 'for Dataset.from_dir("fiftyone", FiftyOneDataset)')
        )
    if "label_studio" in formats:
        storage = os.path.abspath(root if below else output)
        document_root, served = audit_formats.local_files(
            storage, below or thumbnails
        )
        tasks = audit_formats.label_studio(rows, served)
        run_folder.write_json(os.path.join(folder, "label_studio.json"), tasks)
        config = audit_formats.label_studio_config(audit.class_names)
        with open(
            os.path.join(folder, "label_studio.xml"), "w", encoding="utf-8"
        ) as stream:
            stream.write(config)
        files.append(("label_studio.json", "tasks of the most suspect"))
        files.append(("label_studio.xml", "their labelling interface"))
        notes += [
            "For Label Studio set LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true"
            f" and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={document_root},",
            "and add to the project a source storage of local files with the "
            f"path {storage}; it need not be synchronised.",
        ]
    if missing:
        notes.append(
            f"{len(missing)} pictures cannot be read and are not shown, such "
            f"as {missing[0][0]}: {missing[0][1]}"
        )
    return [
        f"Files in {output}:",
        *(f"  {name:<18} {what}" for name, what in files),
        *notes,
    ]


def _picture_files(sources):
    """A folder of all pictures, and their paths below it by split and id."""
    found, roots = {}, set()
    for name, (source, index) in audit_pictures.places(sources).items():
        root = getattr(source, "root", None)
        if root is None or source.paths is None or "://" in root:
            return "", {}
        root = os.path.abspath(root)
        roots.add(root)
        path = os.path.join(root, source.paths[index])
        if os.path.isfile(path):
            found[name] = path
    if not found:
        return "", {}
    # Each split may have a folder of its own.
    root = os.path.commonpath(sorted(roots))
    return root, {k: os.path.relpath(path, root) for k, path in found.items()}


def _write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv_rows.write(stream, list(rows[0]), rows)


def print_rows(out, rows, count):
    """Prints rows of an audit.

    Args:
        out: rich console.
        rows: list of dicts, the rows to print.
        count: int, number of rows of the audit.
    """
    shown = table.Table(
        title=f"The most suspect {len(rows)} of {count} labels",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    history = any(row.get("given_share") for row in rows)
    truth = any(row.get("true_label") for row in rows)
    shown.add_column("id", overflow="fold")
    for name in ("given", "suggested", "verdict"):
        shown.add_column(name, overflow="fold")
    # Clean probability of the given label, confidence in the suggested one.
    for name in ("clean", "sure", *(["history"] if history else [])):
        shown.add_column(name, justify="right", no_wrap=True)
    if truth:
        shown.add_column("true", overflow="fold")
    for row in rows:
        cells = [row["id"], row["given_label"], row["suggested_label"]]
        cells.append(_VERDICTS.get(row["verdict"], row["verdict"]))
        cells += [f"{float(row[name]):.1%}" for name in _NUMBERS]
        if history:
            share = row.get("given_share")
            cells.append(f"{float(share):.0%}" if share else "")
        if truth:
            cells.append(row.get("true_label", ""))
        shown.add_row(*(text.Text(names.one_line(cell)) for cell in cells))
    out.print(shown)
    out.print(
        "clean: probability that the given label is right; sure: of the "
        "suggested one"
        + ("; history: share of epochs that predicted the given" * history)
        + "."
    )
