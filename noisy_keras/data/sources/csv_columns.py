"""The columns of a CSV file of paths and labels."""

import collections.abc
import dataclasses

from noisy_keras.data.io import csv_rows
from noisy_keras.utils.errors import ConfigurationError

#: Usual names of the column of paths; the first and the last are special: the
#: first is taken whatever other columns there are, the last if there is none.
PATHS = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "image_file",
    "image_name",
    "image_id",
    "img",
    "img_path",
    "id",
)
#: Usual names of the column of labels; the first is taken whatever others
#: there are.
LABELS = (
    "label",
    "labels",
    "class",
    "class_name",
    "category",
    "category_name",
    "target",
    "y",
    "label_name",
)
_LAST = {"id"}


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Attributes:
        path: str, the column of paths.
        label: str, the column of labels.
    """

    path: str
    label: str

    @property
    def notes(self) -> tuple[str, ...]:
        """Which columns were taken, if they have other names: tuple of str."""
        if (self.path, self.label) == (PATHS[0], LABELS[0]):
            return ()
        return (f"paths of column {self.path}, labels of {self.label}",)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of a file.

    Attributes:
        line: int, number of the line, from 1.
        path: str, the path as written.
        label: str, the label as written.
        true_label: str, or None if there is no such column.
        split: str, or None if there is no such column.
    """

    line: int
    path: str
    label: str
    true_label: str | None
    split: str | None


def find(
    table: csv_rows.Table,
    path_column: str | None = None,
    label_column: str | None = None,
) -> Columns:
    """Finds the columns of paths and labels.

    Args:
        table: `csv_rows.Table`.
        path_column: str, name of the column of paths in any case, or None for
            one of `PATHS`.
        label_column: str, name of the column of labels, likewise.

    Returns:
        `Columns`.

    Raises:
        ConfigurationError: there is no such column, or more than one.
    """
    path = _one(table, path_column, PATHS, "path")
    label = _one(table, label_column, LABELS, "label")
    used = [path, label, "true_label", "split"]
    table.check_distinct(dict.fromkeys(used))
    if path == label:
        raise ConfigurationError(
            f"Expected different columns of paths and labels in {table.path}. "
            f"Received: {path} for both"
        )
    return Columns(path, label)


def _one(
    table: csv_rows.Table,
    given: str | None,
    known: collections.abc.Sequence[str],
    what: str,
) -> str:
    shown = ", ".join(table.header) or "an empty file"
    if given is not None:
        name = given.strip().casefold()
        if name not in table.columns:
            raise ConfigurationError(
                f"Expected the column {given!r} (--{what}_column) in "
                f"{table.path}. Received: {shown}"
            )
        return name
    if known[0] in table.columns:
        return known[0]
    found = list(dict.fromkeys(n for n in table.columns if n in known))
    found = [name for name in found if name not in _LAST] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(
            f"Expected one column of {what}s in {table.path}. Received: "
            f"{', '.join(found)}. Choose with `{what}_column` "
            f"(--{what}_column)."
        )
    raise ConfigurationError(
        "Expected a header line with the columns path and label in "
        f"{table.path}, or columns with other usual names. Received: {shown}. "
        f"Name the column of {what}s with `{what}_column` "
        f"(--{what}_column)."
    )
