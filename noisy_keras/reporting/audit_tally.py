"""Counts over a `label_audit.csv`, read once from beginning to end."""

import collections
import csv
import dataclasses
import heapq

from noisy_keras.data.io import csv_rows
from noisy_keras.labels.audit import COLUMNS
from noisy_keras.labels.audit import NOT_WRONG
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A sample whose label is likely noisy.

    Attributes:
        row: int, number of its row, from 0.
        id: str, id of the sample in its source.
        path: str, path of the image or link to the sample, or "".
        given: str, given class.
        suggested: str, suggested class.
        true: str, true class where known, else "".
        clean_probability: float in `[0, 1]`, probability that the given label
            is clean.
        confidence: float in `[0, 1]`, confidence in the suggested label.
        verdict: str, verdict of the audit.
        split: str, `"train"` or `"validation"`.
        text: str, what a person reads of the sample, or "".
    """

    row: int
    id: str
    path: str
    given: str
    suggested: str
    true: str
    clean_probability: float
    confidence: float
    verdict: str
    split: str = "train"
    text: str = ""

    @property
    def link(self) -> str:
        """The address of the sample on the web, or ""."""
        web = self.path.startswith(("https://", "http://"))
        return self.path if web else ""


def _counter():
    return dataclasses.field(default_factory=collections.Counter)


@dataclasses.dataclass
class AuditTally:
    """Counts over an audit.

    Attributes:
        samples: int, number of samples N.
        verdicts: `Counter` of verdicts.
        given: `Counter` of given classes.
        flagged: `Counter` of given classes of samples whose verdict is not
            `"ok"`.
        known: `Counter` of given classes of samples whose true class is known.
        wrong: `Counter` of given classes of samples whose true class is known
            to be another.
        pairs: `Counter` of (given, suggested) classes.
        flagged_pairs: `Counter` of (given, suggested) classes of samples whose
            verdict is not `"ok"`.
        suspects: list of `Suspect` by ascending clean probability.
    """

    samples: int = 0
    verdicts: collections.Counter = _counter()
    given: collections.Counter = _counter()
    flagged: collections.Counter = _counter()
    known: collections.Counter = _counter()
    wrong: collections.Counter = _counter()
    pairs: collections.Counter = _counter()
    flagged_pairs: collections.Counter = _counter()
    suspects: list = dataclasses.field(default_factory=list)


def tally(path, most=48):
    """Counts over a `label_audit.csv`, in memory proportional to the classes.

    Columns are found by name; there may be others.

    Args:
        path: str or path-like, the file.
        most: int, largest number of suspects.

    Returns:
        An `AuditTally`.

    Raises:
        ValueError: If a column is missing or a line has no numbers.
    """
    found = AuditTally()
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        columns = {name: k for k, name in enumerate(next(reader, []))}
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            raise ConfigurationError(
                f"Expected the columns {', '.join(COLUMNS)} in {path}. "
                f"Received: no {', '.join(missing)}"
            )
        suspects = heapq.nsmallest(
            most, _flagged(reader, columns, found, path), key=lambda s: s[:3]
        )
    found.suspects = [_suspect(row, columns, n) for _, _, n, row in suspects]
    return found


def _flagged(reader, columns, found, path):
    """Counts all rows, and yields those that are not ok, for sorting."""
    place = [columns[name] for name in COLUMNS[1:]]
    given_at, suggested_at, clean_at, confidence_at, verdict_at = place
    true_at = columns.get("true_label")
    least = max(place) + 1
    for number, row in enumerate(reader):
        if len(row) < least:
            raise ConfigurationError(_invalid(path, reader.line_num, row))
        given, suggested = row[given_at], row[suggested_at]
        found.samples += 1
        found.given[given] += 1
        found.verdicts[row[verdict_at]] += 1
        found.pairs[given, suggested] += 1
        true = row[true_at] if true_at is not None else ""
        if true:
            found.known[given] += 1
            found.wrong[given] += true != given
        if row[verdict_at] in NOT_WRONG:
            continue
        found.flagged[given] += 1
        found.flagged_pairs[given, suggested] += 1
        try:
            clean, confidence = float(row[clean_at]), float(row[confidence_at])
        except ValueError:
            raise ConfigurationError(
                _invalid(path, reader.line_num, row)
            ) from None
        # The number comes before the row, so that rows are never compared.
        yield clean, -confidence, number, row


def _invalid(path, line, row):
    return (
        f"Expected the columns of the header, and numbers as "
        f"probabilities, in line {line} of {path}. Received: {row!r:.200}"
    )


def _suspect(row, columns, number):
    def cell(name):
        return row[columns[name]] if name in columns else ""

    return Suspect(
        row=number,
        id=csv_rows.original(cell("id")),
        path=csv_rows.original(cell("path")),
        given=cell("given_label"),
        suggested=cell("suggested_label"),
        true=cell("true_label"),
        clean_probability=float(cell("clean_probability")),
        confidence=float(cell("confidence")),
        verdict=cell("verdict"),
        split=cell("split") or "train",
        text=csv_rows.original(cell("text")),
    )
