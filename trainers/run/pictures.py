"""What is wrong with the pictures of a run: unreadable ones and duplicates."""

import os
import warnings

from noisy_keras.data import duplicates
from noisy_keras.data.io import csv_rows
from noisy_keras.data.sources import unreadable
from noisy_keras.utils import files
from noisy_keras.utils.errors import DataWarning
from trainers.run import folder as run_folder


def describe(run):
    """The lines about a run's pictures that come before it trains.

    Args:
        run: `Run`.

    Returns:
        list of str.
    """
    lines = []
    broken = _unreadable(run)
    # The summary of a folder or a CSV file counts them already.
    if broken and getattr(run.train, "reading", None) is None:
        lines.append(
            f"{len(broken)} pictures cannot be read and were left out, such "
            f"as {unreadable.listed(broken)}"
        )
    if getattr(run.train, "checked", "") == "ends":
        lines.append(
            "so many pictures that only the first and last bytes of their "
            "files were checked, and no duplicates were looked for"
        )
    found = run.duplicates
    if found is not None and found.pairs:
        lines.append(
            f"{len(found.pairs)} duplicates, in {run_folder.DUPLICATES}: "
            f"{found.mislabelled} with different labels, {found.across} in "
            "different splits"
        )
    return lines


def write_unreadable(run, folder):
    """Writes `unreadable.csv`, if there are pictures that cannot be read.

    Args:
        run: `Run`.
        folder: str, folder of the run.

    Returns:
        bool, whether there are any.
    """
    path = os.path.join(folder, run_folder.UNREADABLE)
    found = _unreadable(run)
    # A run that goes on has only the pictures that could be read before.
    if run.changes is not None and os.path.exists(path):
        before = csv_rows.read(path).rows
        found = {row["path"]: row["reason"] for _, row in before} | found
    if found:
        _write(path, ("path", "reason"), sorted(found.items()))
    return bool(found)


def write_duplicates(run, folder):
    """Writes `duplicates.csv`, if there are any.

    Args:
        run: `Run`.
        folder: str, folder of the run.
    """
    if run.duplicates is not None and run.duplicates.pairs:
        path = os.path.join(folder, run_folder.DUPLICATES)
        rows = [
            [getattr(pair, name) for name in duplicates.COLUMNS]
            for pair in run.duplicates.pairs
        ]
        _write(path, duplicates.COLUMNS, rows)


def show_warnings(out):
    """Prints warnings about data and pictures in a line each.

    Args:
        out: rich console.
    """
    usual = warnings.showwarning

    def show(message, category, *rest, **options):
        if issubclass(category, (unreadable.UnreadableWarning, DataWarning)):
            out.print(f"warning: {message}", markup=False)
        else:
            usual(message, category, *rest, **options)

    warnings.showwarning = show


def _unreadable(run):
    """Pictures of all sources: dict from path to the reason.

    Paths are relative to the folder of the training pictures.
    """
    found = {}
    home = getattr(run.train, "root", "")
    for source in (run.train, run.validation, run.test, run.trusted):
        root = getattr(source, "root", "")
        for path, reason in getattr(source, "unreadable", {}).items():
            if root != home and "://" not in f"{root}{home}":
                path = os.path.relpath(os.path.join(root, path), home)
            found[path] = reason
    return found


def _write(path, columns, rows):
    with files.replacing(path) as stream:
        csv_rows.write(
            stream,
            columns,
            # Names of files may be no text in UTF-8.
            (
                [
                    cell.encode("utf-8", "backslashreplace").decode()
                    for cell in row
                ]
                for row in rows
            ),
        )
