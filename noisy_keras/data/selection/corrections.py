"""Corrections of labels in the edited file of a label audit.

A line corrects the sample that its `id` names:
- `corrected_label`, if not empty, is a class (by name or number), or `drop` or
  `out_of_distribution`, which leave the sample out;
- otherwise `verdict` decides: `relabelled` uses `suggested_label`; `drop` and
  `out_of_distribution` leave the sample out; `ok`, `suspect` and an empty
  value keep the label.
Samples without a line keep their label.
"""

import collections.abc
import dataclasses
import os
from typing import TYPE_CHECKING
from typing import TypeVar

import numpy as np

from noisy_keras.data.io import class_labels
from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.selection.sample_ids import Ids
from noisy_keras.utils.errors import ConfigurationError

if TYPE_CHECKING:
    from noisy_keras.data.sources.source import Source

_Source = TypeVar("_Source", bound="Source")

#: Values of either column that leave a sample out.
LEFT_OUT = ("drop", "out_of_distribution")

# Verdicts that keep the label.
_KEPT = ("", "ok", "suspect", "unreadable")
# Columns that are read.
_COLUMNS = (
    "id",
    "corrected_label",
    "verdict",
    "suggested_label",
    "given_label",
)
# Number of problems that an error message lists.
_SHOWN = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Corrections:
    """Corrections of a source's labels, read from an edited audit.

    Attributes:
        path: str, path of the file.
        label: int32 array `[N]`, the labels of all samples after correction.
        left_out: bool array `[N]`, samples to leave out.
        changed: bool array `[N]`, samples whose label changes and that are not
            left out.
        elsewhere: int, number of lines about samples that are known but not in
            the source.
    """

    path: str
    label: np.ndarray
    left_out: np.ndarray
    changed: np.ndarray
    elsewhere: int = 0

    def __str__(self) -> str:
        text = (
            f"{int(self.changed.sum())} labels corrected and "
            f"{int(self.left_out.sum())} samples left out by {self.path}"
        )
        if self.elsewhere:
            text += f"; {self.elsewhere} lines are about other samples"
        return text

    def apply(self, source: _Source) -> _Source:
        """Makes a source with corrected labels, without samples left out.

        Args:
            source: the `Source` for which the audit was read.

        Returns:
            A new `Source` that shares images, ids and true labels. Soft labels
            are kept for samples whose label does not change.
        """
        labels = self.label
        if source.soft_labels is not None:
            labels = np.array(source.soft_labels)
            rows = np.flatnonzero(self.changed)
            labels[rows] = 0.0
            labels[rows, self.label[rows]] = 1.0
        corrected = source.relabel(labels, noise=source.noise)
        if not self.left_out.any():
            return corrected
        return corrected.subset(np.flatnonzero(~self.left_out))


def read_audit(
    path: str | os.PathLike,
    source: "Source",
    known: collections.abc.Iterable[str] = (),
) -> Corrections:
    """Reads an edited label audit.

    The file may have been saved by a spreadsheet: with semicolons or tabs, in
    another encoding, and with columns in another case. Ids and classes are
    looked up verbatim, then without surrounding blanks, then as numbers.

    Args:
        path: str, path of a CSV file with the column `id`, and with `verdict`
            and `suggested_label`, or `corrected_label`. If there is a column
            `given_label`, it must contain the labels of `source`.
        source: `Source` whose labels are corrected.
        known: iterable of str, ids of samples that belong to the data set but
            not to `source`, for example those held out for validation. Lines
            about them are counted and have no effect.

    Returns:
        `Corrections`.

    Raises:
        OSError: the file cannot be read.
        ValueError: columns are missing; ids, labels or verdicts are unknown,
            ids occur twice, or given labels are not those of `source` (the
            message lists the lines); or no sample would be left.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "edited.csv")
        >>> with open(path, "w") as stream:
        ...     lines = "id,corrected_label", "000001,dog", "000002,drop"
        ...     _ = stream.write("\\n".join(lines))
        >>> pictures = np.zeros((3, 8, 8, 3), np.uint8)
        >>> names = ["cat", "dog"]
        >>> source = nk.data.from_arrays(pictures, [0, 0, 1], class_names=names)
        >>> corrected = source.relabel_from(path)
        >>> list(corrected.ids), list(map(int, corrected.labels))
        (['000000', '000001'], [0, 1])
    """
    path = filesystem.expanded(path)
    table = csv_rows.read(path)
    _check_columns(path, table)
    ids, known_ids = Ids(source.ids), Ids(known)
    classes = class_labels.Lookup(source.class_names)
    label = np.array(source.labels, np.int32)
    left_out = np.zeros(source.num_samples, bool)
    wrong, elsewhere = [], 0
    seen: dict[str | int, str] = {}
    for line, row in table.rows:
        name = row["id"]
        here = ids.find(name)
        key = name if here is None else here
        if key in seen:
            wrong.append(f"line {line}: id {name!r} again, as {seen[key]}")
            continue
        seen[key] = f"line {line}"
        problem, outcome = _outcome(row, classes)
        if problem:
            wrong.append(f"line {line}: {problem}")
        elif here is None:
            is_known = known_ids.find(name) is not None
            elsewhere += is_known
            if not is_known:
                wrong.append(f"line {line}: unknown id {name!r}")
        else:
            given = row.get("given_label", "")
            if given.strip() and classes.find(given) != source.labels[here]:
                expected = source.class_names[source.labels[here]]
                wrong.append(
                    f"line {line}: given_label {given!r} of a sample whose "
                    f"label is {expected!r}"
                )
            left_out[here] = outcome in LEFT_OUT
            if isinstance(outcome, int):
                label[here] = outcome
    if wrong:
        raise ConfigurationError(_message(path, source, wrong))
    if left_out.all():
        raise ConfigurationError(
            f"Expected {path} to keep some of the {source.num_samples} "
            "samples. Received: none, all are left out"
        )
    changed = ~left_out & (label != source.labels)
    return Corrections(path, label, left_out, changed, elsewhere)


def _check_columns(path, table):
    columns = table.columns
    table.check_distinct(_COLUMNS)
    by_verdict = {"verdict", "suggested_label"} <= set(columns)
    if "id" not in columns or not (by_verdict or "corrected_label" in columns):
        raise ConfigurationError(
            f"Expected the columns of a label audit in {path}: id, and "
            "corrected_label, or verdict and suggested_label. Received: "
            f"{', '.join(table.header) or 'an empty file'}"
        )


def _outcome(row, classes):
    """Evaluates one line.

    Args:
        row: dict from column to value.
        classes: `class_labels.Lookup`.

    Returns:
        A problem (str, empty if there is none), and the new class (int), one
        of `LEFT_OUT`, or None to keep the label.
    """
    corrected = row.get("corrected_label", "")
    if corrected.strip():
        return _class(corrected, "corrected_label", classes)
    verdict = csv_rows.cell(row, "verdict")
    if verdict == "relabelled":
        suggested = row.get("suggested_label", "")
        return _class(suggested, "suggested_label", classes)
    if verdict in LEFT_OUT:
        return "", verdict
    if verdict in _KEPT:
        return "", None
    return f"unknown verdict {verdict!r}", None


def _class(text, column, classes):
    """Interprets the value of a label column; see `_outcome`."""
    number = classes.find(text)
    stripped = text.strip()
    # Unless it is the very name of a class.
    if stripped in LEFT_OUT and not classes.is_name(text):
        return "", stripped
    if number is not None:
        return "", number
    return f"unknown {column} {text!r}", None


def _message(path, source, wrong):
    shown = "; ".join(wrong[:_SHOWN])
    if len(wrong) > _SHOWN:
        shown += f"; and {len(wrong) - _SHOWN} more"
    return (
        f"Expected lines about samples and classes of {source.name} in {path}; "
        f"ids look like {source.ids[0]!r}, classes like "
        f"{source.class_names[0]!r}, and corrections belong in the column "
        f"corrected_label. Received: {len(wrong)} other lines: {shown}"
    )
