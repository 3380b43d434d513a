"""What a `label_audit.csv` says in all, read once from the front to the end."""

import collections
import csv
import dataclasses
import heapq

from noisy_keras.utils.errors import ConfigurationError

_NEEDED = (
    "id",
    "given_label",
    "suggested_label",
    "clean_probability",
    "confidence",
    "verdict",
)


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A sample whose label is likely wrong.

    Attributes:
        row: number of its row, from 0.
        id: of its source.
        path: or "".
        given, suggested: class names.
        true: class name where known, else "".
        clean_probability: of the given label.
        confidence: of the suggested label.
        verdict: of the audit.
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


def _counter():
    return dataclasses.field(default_factory=collections.Counter)


@dataclasses.dataclass
class AuditTally:
    """Counts over an audit.

    Attributes:
        samples: N.
        verdicts: `Counter` of verdicts.
        given: `Counter` of given classes.
        flagged: of them, those with another verdict than `"ok"`.
        known: of given classes, those whose truth is known.
        wrong: of them, those given another label than the true one.
        pairs: `Counter` of (given, suggested).
        flagged_pairs: of them, those with another verdict than `"ok"`.
        suspects: list of `Suspect`, the lowest clean probability first.
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
    """Counts over a `label_audit.csv`, with memory for classes alone.

    Columns are found by their names; others may be there.

    Args:
        path: of the file.
        most: suspects at most.

    Returns:
        An `AuditTally`.

    Raises:
        ValueError: a column is missing, or a line has no numbers.
    """
    found = AuditTally()
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        columns = {name: k for k, name in enumerate(next(reader, []))}
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            raise ConfigurationError(
                f"Expected the columns {', '.join(_NEEDED)} in {path}. "
                f"Received: no {', '.join(missing)}"
            )
        suspects = heapq.nsmallest(
            most, _flagged(reader, columns, found, path), key=lambda s: s[:3]
        )
    found.suspects = [_suspect(row, columns, n) for _, _, n, row in suspects]
    return found


def _flagged(reader, columns, found, path):
    """Counts all rows, and yields those that are not ok, to be sorted."""
    place = [columns[name] for name in _NEEDED[1:]]
    given_at, suggested_at, clean_at, confidence_at, verdict_at = place
    true_at = columns.get("true_label")
    least = max(place) + 1
    for number, row in enumerate(reader):
        if len(row) < least:
            raise ConfigurationError(_broken(path, reader.line_num, row))
        given, suggested = row[given_at], row[suggested_at]
        found.samples += 1
        found.given[given] += 1
        found.verdicts[row[verdict_at]] += 1
        found.pairs[given, suggested] += 1
        true = row[true_at] if true_at is not None else ""
        if true:
            found.known[given] += 1
            found.wrong[given] += true != given
        if row[verdict_at] == "ok":
            continue
        found.flagged[given] += 1
        found.flagged_pairs[given, suggested] += 1
        try:
            clean, confidence = float(row[clean_at]), float(row[confidence_at])
        except ValueError:
            raise ConfigurationError(
                _broken(path, reader.line_num, row)
            ) from None
        # The number decides last, so that rows are never compared.
        yield clean, -confidence, number, row


def _broken(path, line, row):
    return (
        f"Expected as many columns as in the head and numbers for "
        f"probabilities in line {line} of {path}. Received: {row!r:.200}"
    )


def _suspect(row, columns, number):
    def cell(name):
        return row[columns[name]] if name in columns else ""

    return Suspect(
        row=number,
        id=cell("id"),
        path=cell("path"),
        given=cell("given_label"),
        suggested=cell("suggested_label"),
        true=cell("true_label"),
        clean_probability=float(cell("clean_probability")),
        confidence=float(cell("confidence")),
        verdict=cell("verdict"),
    )
