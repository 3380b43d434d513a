"""Corrections of labels in the edited file of a label audit.

A line corrects the sample that its `id` names:
- `corrected_label`, if not empty, is a class (by name or number), or `drop` or
  `out_of_distribution`, which leave the sample out;
- otherwise `verdict` decides: `relabelled` uses `suggested_label`; `drop` and
  `out_of_distribution` leave the sample out; `ok`, `suspect` and an empty
  value keep the label.
Samples without a line keep their label. Where two samples have the same id, one
in training and one held out, the column `split` tells which of them is meant.
"""

import collections.abc
import dataclasses
import os
from typing import TYPE_CHECKING
from typing import TypeVar

import numpy as np

from noisy_keras.data.io import class_lookup
from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.selection.sample_ids import Ids
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

if TYPE_CHECKING:
    from noisy_keras.data.sources.source import Source

_Source = TypeVar("_Source", bound="Source")

#: The values of the column `split`.
TRAIN, HELD_OUT = "train", "validation"
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
    "split",
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
        held_out: `Corrections` of held-out samples, or None.
        gone: tuple of str, ids of samples whose files are no longer there.
    """

    path: str
    label: np.ndarray
    left_out: np.ndarray
    changed: np.ndarray
    elsewhere: int = 0
    held_out: "Corrections | None" = None
    gone: tuple = ()

    def __str__(self) -> str:
        text = (
            f"{int(self.changed.sum())} labels corrected and "
            f"{int(self.left_out.sum())} samples left out by {self.path}"
        )
        held = self.held_out
        if held is not None and (held.changed.any() or held.left_out.any()):
            text += (
                f"; of held-out samples, {int(held.changed.sum())} labels "
                f"corrected and {int(held.left_out.sum())} left out"
            )
        if self.elsewhere:
            text += f"; {self.elsewhere} lines are about other samples"
        if self.gone:
            text += (
                f"; {len(self.gone)} lines are about samples that are gone, "
                f"such as {abbreviated(list(self.gone))}"
            )
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
    held_out: "Source | None" = None,
) -> Corrections:
    """Reads an edited label audit.

    The file may have been saved by a spreadsheet: with semicolons or tabs, in
    another encoding, and with columns in another case. Ids and classes are
    looked up verbatim, then without surrounding blanks, then as numbers.

    Args:
        path: str, path of a CSV file with the column `id`, and with `verdict`
            and `suggested_label`, or `corrected_label`. If there is a column
            `given_label`, it must contain the labels of the samples. A column
            `split`, `train` or `validation`, decides between two samples of the
            same id.
        source: `Source` whose labels are corrected. Without `held_out`, lines
            about samples of another split have no effect.
        known: iterable of str, ids of samples that belong to the data set but
            to neither source. Lines about them are counted and have no effect.
        held_out: `Source` of held-out samples whose labels are corrected, too;
            or None.

    Returns:
        `Corrections` of `source`; those of `held_out` are in its attribute of
        that name. Where samples are files, lines about files that are gone are
        listed and have no effect.

    Raises:
        OSError: the file cannot be read.
        ValueError: columns are missing; ids, labels or verdicts are unknown,
            ids occur twice, or given labels are not those of the sources (the
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
    ids_of = {
        split: {row["id"] for _, row in table.rows if _split(row) == split}
        for split in (TRAIN, HELD_OUT)
    }
    twice = ids_of[TRAIN] & ids_of[HELD_OUT]
    # An audit may be read for the held-out samples alone.
    own = TRAIN
    if held_out is None and _all_among(source.ids, ids_of[HELD_OUT] - twice):
        own = HELD_OUT
    parts = [_Part(source, own)]
    if held_out is not None:
        parts.append(_Part(held_out, HELD_OUT))
    classes = class_lookup.Lookup(source.class_names)
    known_ids = Ids(known)
    wrong, elsewhere, unknown = [], 0, []
    seen: dict[tuple, str] = {}
    for line, row in table.rows:
        name = row["id"]
        split = _split(row) or own
        part = _part_of(parts, name, split, name in twice)
        if part is None:
            key = (name, split if name in twice else "")
        else:
            key = (part.split, part.ids.find(name))
        if key in seen:
            wrong.append(f"line {line}: id {name!r} again, as {seen[key]}")
            continue
        seen[key] = f"line {line}"
        problem, outcome = _outcome(row, classes)
        if problem:
            wrong.append(f"line {line}: {problem}")
        elif part is not None:
            problem = part.take(row, outcome, classes)
            if problem:
                wrong.append(f"line {line}: {problem}")
        elif known_ids.find(name) is not None or split not in {
            part.split for part in parts
        }:
            elsewhere += 1
        else:
            unknown.append((line, name))
    # A file may have been removed; but not all of them.
    gone = (
        bool(table.rows)
        and source.paths is not None
        and len(unknown) < len(table.rows)
    )
    if not gone:
        wrong += [f"line {line}: unknown id {name!r}" for line, name in unknown]
    if wrong:
        raise ConfigurationError(_message(path, source, wrong))
    first, *others = (part.corrections(path) for part in parts)
    return dataclasses.replace(
        first,
        elsewhere=elsewhere,
        held_out=others[0] if others else None,
        gone=tuple(name for _, name in unknown),
    )


class _Part:
    """The corrections of one source, as lines add to them."""

    def __init__(self, source: "Source", split: str) -> None:
        self.source, self.split = source, split
        self.ids = Ids(source.ids)
        self.label = np.array(source.labels, np.int32)
        self.left_out = np.zeros(source.num_samples, bool)

    def take(self, row, outcome, classes):
        """Adds a line; returns a problem (str, empty if there is none)."""
        here, source = self.ids.find(row["id"]), self.source
        self.left_out[here] = outcome in LEFT_OUT
        if isinstance(outcome, int):
            self.label[here] = outcome
        given = row.get("given_label", "")
        if given.strip() and classes.find(given) != source.labels[here]:
            expected = source.class_names[source.labels[here]]
            return (
                f"given_label {given!r} of a sample whose label is {expected!r}"
            )
        return ""

    def corrections(self, path):
        if self.left_out.all():
            raise ConfigurationError(
                f"Expected {path} to keep some of the "
                f"{self.source.num_samples} samples of {self.source.name}. "
                "Received: none, all are left out"
            )
        changed = ~self.left_out & (self.label != self.source.labels)
        return Corrections(path, self.label, self.left_out, changed)


def _split(row):
    return csv_rows.cell(row, "split")


def _all_among(ids, names):
    """Whether lines with these names are about all samples with these ids."""
    if len(names) < len(ids):
        return False
    found = Ids(ids)
    return len({found.find(name) for name in names} - {None}) == len(ids)


def _part_of(parts, name, split, ambiguous):
    """The part that a line is about, or None.

    An id alone is enough where it is that of one sample: samples are drawn
    anew, so that they need not be in the split that they were in.
    """
    having = [part for part in parts if part.ids.find(name) is not None]
    if ambiguous or len(having) > 1:
        having = [part for part in having if part.split == split]
    return having[0] if having else None


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
        classes: `class_lookup.Lookup`.

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
