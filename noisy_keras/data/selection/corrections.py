"""Labels that a person corrected in the file of a label audit.

A line corrects the sample that its `id` names:
- by `corrected_label`, where there is one: a class, by name or number, or
  `drop` or `out_of_distribution`, which leave the sample out;
- else by `verdict`: `relabelled` takes `suggested_label`; `drop` and
  `out_of_distribution` leave the sample out; `ok`, `suspect` and nothing keep
  the label that it has.
Samples that no line names stay as they are.
"""

import dataclasses

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.utils.errors import ConfigurationError

#: What leaves a sample out, in either column.
LEFT_OUT = ("drop", "out_of_distribution")

_KEPT = ("", "ok", "suspect")
_SHOWN = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Corrections:
    """What an edited audit says of a source.

    Attributes:
        path: of the file.
        label: int32 `[N]`, all labels, corrected or not.
        left_out: bool `[N]`, samples to be left out.
        changed: bool `[N]`, those that stay with another label than before.
        elsewhere: lines about samples that are not in the source, but known.
    """

    path: str
    label: np.ndarray
    left_out: np.ndarray
    changed: np.ndarray
    elsewhere: int = 0

    def __str__(self):
        told = (
            f"{int(self.changed.sum())} labels corrected and "
            f"{int(self.left_out.sum())} samples left out by {self.path}"
        )
        if self.elsewhere:
            told += f"; {self.elsewhere} lines are about other samples"
        return told

    def apply(self, source):
        """The source with corrected labels, without what is left out.

        Args:
            source: the `Source` that the audit was read for.

        Returns:
            A new `Source`; images, ids and true labels are shared. Soft labels
            stay where nothing was corrected.
        """
        labels = self.label
        if source.soft_labels is not None:
            labels = np.array(source.soft_labels)
            rows = np.flatnonzero(self.changed)
            labels[rows] = np.eye(source.num_classes)[self.label[rows]]
        corrected = source.relabel(labels, noise=source.noise)
        if not self.left_out.any():
            return corrected
        return corrected.subset(np.flatnonzero(~self.left_out))


def read_audit(path, source, known=()):
    """Reads an edited label audit.

    Args:
        path: of a CSV file with the columns `id`, and `verdict` and
            `suggested_label` or `corrected_label`; of `given_label`, if there
            is one, it is checked that it was not edited.
        source: the `Source` whose labels it corrects.
        known: ids of samples that were once in the source, such as those held
            out for validation; lines about them are counted, and do nothing.

    Returns:
        `Corrections`.

    Raises:
        OSError: the file cannot be read.
        ValueError: missing columns; or ids, labels or verdicts that are
            unknown, ids that come twice, or given labels that are not the
            source's: all of them, with their lines. Or no sample is left.

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
    columns, rows = csv_rows.read(path)
    _check_columns(path, columns)
    place = {text: row for row, text in enumerate(source.ids)}
    number = {name: c for c, name in enumerate(source.class_names)}
    label = np.array(source.labels, np.int32)
    left_out = np.zeros(source.num_samples, bool)
    known, seen, wrong, elsewhere = set(known), {}, [], 0
    for line, row in rows:
        name = row["id"]
        if name in seen:
            wrong.append(f"line {line}: id {name!r} again, as {seen[name]}")
            continue
        seen[name] = f"line {line}"
        problem, outcome = _outcome(row, number)
        if problem:
            wrong.append(f"line {line}: {problem}")
        elif name not in place:
            elsewhere += name in known
            if name not in known:
                wrong.append(f"line {line}: unknown id {name!r}")
        else:
            here = place[name]
            given = row.get("given_label")
            if given and number.get(given) != source.labels[here]:
                truly = source.class_names[source.labels[here]]
                wrong.append(
                    f"line {line}: given_label {given!r} of a sample whose "
                    f"label is {truly!r}"
                )
            left_out[here] = outcome in LEFT_OUT
            if isinstance(outcome, int):
                label[here] = outcome
    if wrong:
        raise ConfigurationError(_told(path, source, wrong))
    if left_out.all():
        raise ConfigurationError(
            f"Expected {path} to leave some of the {source.num_samples} "
            "samples. Received: none, all are left out"
        )
    changed = ~left_out & (label != source.labels)
    return Corrections(path, label, left_out, changed, elsewhere)


def _check_columns(path, columns):
    by_verdict = {"verdict", "suggested_label"} <= set(columns)
    if "id" not in columns or not (by_verdict or "corrected_label" in columns):
        raise ConfigurationError(
            f"Expected the columns of a label audit in {path}: id, and "
            "corrected_label, or verdict and suggested_label. Received: "
            f"{', '.join(columns) or 'an empty file'}"
        )


def _outcome(row, number):
    """What a line is about: a problem or "", and a class, a word, or None."""
    corrected = row.get("corrected_label", "")
    if corrected:
        return _class(corrected, "corrected_label", number)
    verdict = row.get("verdict", "")
    if verdict == "relabelled":
        return _class(row["suggested_label"], "suggested_label", number)
    if verdict in LEFT_OUT:
        return "", verdict
    if verdict in _KEPT:
        return "", None
    return f"unknown verdict {verdict!r}", None


def _class(text, column, number):
    if text in number:
        return "", number[text]
    if text in LEFT_OUT:
        return "", text
    if text.isdecimal() and int(text) < len(number):
        return "", int(text)
    return f"unknown {column} {text!r}", None


def _told(path, source, wrong):
    shown = "; ".join(wrong[:_SHOWN])
    if len(wrong) > _SHOWN:
        shown += f"; and {len(wrong) - _SHOWN} more"
    return (
        f"Expected lines about samples and classes of {source.name} in {path}; "
        f"ids look like {source.ids[0]!r}, classes like "
        f"{source.class_names[0]!r}, and what is right belongs into the column "
        f"corrected_label. Received {len(wrong)} others: {shown}"
    )
