"""The pictures that are to be predicted, and the labels that they have."""

import dataclasses
import os

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import decoding
from noisy_keras.data.io import folder_walk
from noisy_keras.utils.errors import warn_about_data
from trainers import UsageError
from trainers.run import errors

# Kinds of files by their names; any other file is a picture.
_TABLES = (".csv", ".tsv")
_LISTS = (".txt", ".lst")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "image")
_LABELS = ("label", "given_label", "class")


@dataclasses.dataclass
class Pictures:
    """Pictures to be predicted.

    Attributes:
        paths: list of N str.
        labels: list of N str, the given labels; "" where there is none.
        others: list of str, files of folders that are no pictures by their
            names.
        left_out: dict from path (str) to the reason (str) of what folders have
            that cannot be read, such as pipes and broken links.
    """

    paths: list = dataclasses.field(default_factory=list)
    labels: list = dataclasses.field(default_factory=list)
    others: list = dataclasses.field(default_factory=list)
    left_out: dict = dataclasses.field(default_factory=dict)

    def add(self, path, label=""):
        """Adds a picture."""
        self.paths.append(path)
        self.labels.append(label)


def read(inputs, class_names, root=None, path_column=None, label_column=None):
    """Lists the pictures of the values of `--input`.

    Args:
        inputs: list of str, paths of folders, tables, lists and pictures.
        class_names: K strings. In a folder whose sub-folders are named like
            classes, those are the given labels.
        root: str, folder that paths in tables and lists are relative to;
            default: that of the table or list.
        path_column: str, column of the paths in tables, or None.
        label_column: str, column of the given labels in tables, or None.

    Returns:
        `Pictures`, at least one.

    Raises:
        UsageError: a table without such a column, a file that cannot be read,
            or no pictures.
    """
    found = Pictures()
    for given in inputs:
        path = os.path.expanduser(given)
        lower = path.lower()
        if os.path.isdir(path):
            _of_folder(found, path, set(class_names))
        elif lower.endswith(_TABLES):
            _of_table(found, path, root, path_column, label_column)
        elif lower.endswith(_LISTS):
            _of_list(found, path, root)
        else:
            found.add(path)
    if not found.paths:
        raise UsageError(
            f"--input: expected pictures; {', '.join(inputs)} has none"
            + (f", but {len(found.others)} other files" * bool(found.others))
        )
    return found


def _of_folder(found, folder, classes):
    listed = folder_walk.below(folder)
    for name, why in listed.left_out.items():
        found.left_out[os.path.join(folder, name)] = why
    for below in listed.files:
        path = os.path.join(folder, below)
        suffix = os.path.splitext(below)[1].lower()
        if suffix and suffix not in decoding.EXTENSIONS:
            found.others.append(path)
            continue
        first = below.split("/")[0]
        found.add(path, first if first in classes and first != below else "")


def _of_table(found, path, root, path_column, label_column):
    with errors.reported(OSError, flag="input"):
        table = csv_rows.read(path)
    warn_about_data(table.notes)
    columns = table.columns
    where = _column(columns, path_column, _PATHS, "path_column", path)
    label = None
    if label_column or set(columns) & set(_LABELS):
        label = _column(columns, label_column, _LABELS, "label_column", path)
    with errors.reported(flag="input"):
        table.check_distinct([where] if label is None else [where, label])
    root = os.path.dirname(path) if root is None else os.path.expanduser(root)
    for _, row in table.rows:
        below = csv_rows.cell(row, where)
        if below:
            given = csv_rows.cell(row, label) if label is not None else ""
            found.add(os.path.join(root, below), given)


def _column(columns, wanted, usual, flag, path):
    for name in (wanted,) if wanted else usual:
        if name.strip().casefold() in columns:
            return name.strip().casefold()
    raise UsageError(
        f"--{flag}: expected one of the columns of {path}, "
        f"{', '.join(columns) or 'which has none'}; got "
        f"{wanted or 'none of ' + ', '.join(usual)}"
    )


def _of_list(found, path, root):
    root = os.path.dirname(path) if root is None else os.path.expanduser(root)
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as s:
            lines = s.read().splitlines()
    except OSError as error:
        raise UsageError(f"--input: cannot read {path}: {error}") from error
    for line in lines:
        if line.strip():
            found.add(os.path.join(root, line.strip()))
