"""Reading and writing of CSV tables that people and spreadsheets edit.

Tables are read as they come: in UTF-8, UTF-16 or Windows-1252, separated by
commas, semicolons, tabs or bars. They are written in UTF-8 with commas. Text
that a spreadsheet would run as a formula is written with an apostrophe before
it, which reading takes away.
"""

import collections
import collections.abc
import csv
import dataclasses
import io
import itertools
import os
import re
from typing import IO
from typing import Any

from noisy_keras.data.io import filesystem
from noisy_keras.data.io import text_encoding
from noisy_keras.utils.errors import ConfigurationError

#: Characters that may separate the cells of a line.
DELIMITERS = (",", ";", "\t", "|")

# What a spreadsheet runs: text that begins like this. Apostrophes before it
# are counted, so that each text has its own harmless form.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_HARMLESS = re.compile(r"'+[=+\-@\t\r]")
# Excel's own first line, which names the delimiter.
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?(\r\n|\n|\r|$)', re.IGNORECASE)
# Lines by which the delimiter is chosen.
_SAMPLED = 20


@dataclasses.dataclass(frozen=True)
class Table:
    """A CSV table with a header.

    Attributes:
        path: str, path of the file.
        columns: list of str, the names of the columns in lower case, without
            surrounding blanks; empty for an empty file.
        rows: list of pairs of the line number in the file (int, from 1) and a
            dict from column to cell. Cells are verbatim, with surrounding
            blanks; cells that a short line lacks are `""`.
        header: list of str, the names of the columns as they are written.
        notes: tuple of str, what a person should know about the reading.
    """

    path: str
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    header: list[str] = dataclasses.field(default_factory=list)
    notes: tuple[str, ...] = ()

    def check_distinct(self, names: collections.abc.Iterable[str]) -> None:
        """Checks that columns occur once.

        Args:
            names: iterable of str, the columns that are used.

        Raises:
            ConfigurationError: one of them occurs more than once.
        """
        counts = collections.Counter(self.columns)
        for name in names:
            if counts[name] > 1:
                raise ConfigurationError(
                    f"Expected one column {name} in {self.path}. Received: "
                    f"{counts[name]} of that name. Remove or rename the others."
                )


def read(path: str) -> Table:
    """Reads a CSV table with a header.

    The encoding is found by a byte order mark or by the bytes, the delimiter
    by the first lines or by a first line such as `sep=;`. Lines whose cells
    are all blank are skipped.

    Args:
        path: str, path of the file.

    Returns:
        A `Table`.

    Raises:
        OSError: the file cannot be read.
        ConfigurationError: the file is not text, a quote is not closed, or a
            line has more cells than there are columns. The message contains
            the line number.
    """
    local = not filesystem.is_remote(path)
    if local and os.path.exists(path) and not os.path.isfile(path):
        # Reading from a pipe may never end.
        raise OSError(f"Expected a CSV file. Received: {path}, which is none")
    text, note = text_encoding.decoded(filesystem.read(path), path)
    text, skipped, delimiter = _without_separator_line(text)
    if delimiter is None:
        delimiter = _sniffed(text)
    columns: list[str] = []
    header: list[str] = []
    rows = []
    for line, cells in _records(text, delimiter, path, skipped):
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            header = [original(cell.strip()) for cell in cells]
            columns = [cell.casefold() for cell in header]
            continue
        surplus = [cell for cell in cells[len(columns) :] if cell.strip()]
        if surplus:
            raise ConfigurationError(
                f"Expected {len(columns)} cells in line {line} of {path}, as "
                f"the header has. Received: {len(cells)}, such as "
                f"{surplus[0][:40]!r}. Put cells that contain a "
                f"{_name(delimiter)} in quotes."
            )
        row: dict[str, str] = {}
        for name, cell in itertools.zip_longest(
            columns, cells[: len(columns)], fillvalue=""
        ):
            if name:
                row.setdefault(name, original(cell))
        rows.append((line, row))
    named = [name for name in columns if name]
    notes = (f"{path}: {note}",) if note else ()
    return Table(path, named, rows, [n for n in header if n], notes)


def write(
    stream: IO[str],
    columns: collections.abc.Sequence[str],
    rows: collections.abc.Iterable[
        collections.abc.Mapping[str, Any] | collections.abc.Sequence[Any]
    ],
) -> None:
    """Writes a CSV table with a header, which spreadsheets open safely.

    Args:
        stream: text file in UTF-8, opened with `newline=""`.
        columns: sequence of str, the names of the columns.
        rows: iterable of dicts from column to cell, or of sequences of cells.
            Cells of type str are written as `harmless` returns them; numbers
            as they are.
    """
    usual = csv.writer(stream, lineterminator="\n")
    # Some versions of Python do not quote a carriage return by themselves.
    quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in itertools.chain([list(columns)], rows):
        if isinstance(row, collections.abc.Mapping):
            row = [row.get(name, "") for name in columns]
        cells = [harmless(c) if isinstance(c, str) else c for c in row]
        returns = any(isinstance(c, str) and "\r" in c for c in cells)
        (quoting if returns else usual).writerow(cells)


def harmless(text: str) -> str:
    """Returns a text that no spreadsheet runs as a formula.

    Args:
        text: str.

    Returns:
        The text; with an apostrophe before it if it begins with `=`, `+`, `-`,
        `@`, a tab or a carriage return, or with apostrophes and one of these.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """Returns the text that `harmless` was given.

    Args:
        cell: str, the content of a cell.

    Returns:
        str.
    """
    return cell[1:] if _HARMLESS.match(cell) else cell


def cell(row: collections.abc.Mapping[str, str], column: str) -> str:
    """Returns a cell without surrounding blanks; `""` if there is none."""
    return row.get(column, "").strip()


def number(text: str) -> float | None:
    """Returns the number in a cell, or None if there is none.

    Args:
        text: str, a number with a decimal point, or with a comma as
            spreadsheets write it in many countries.
    """
    text = text.strip()
    if "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None


def _without_separator_line(text):
    """Takes the line `sep=;` away: text, number of such lines, delimiter."""
    found = _SEPARATOR_LINE.match(text)
    if found is None:
        return text, 0, None
    return text[found.end() :], 1, found[1]


def _sniffed(text):
    """Finds the delimiter by the header and the first lines."""
    best, found = (0.0, 0), ","
    for delimiter in DELIMITERS:
        try:
            sample = list(
                itertools.islice(_reader(text, delimiter), _SAMPLED + 1)
            )
        except csv.Error:
            continue
        lengths = [len(cells) for cells in sample if any(cells)]
        if not lengths or lengths[0] < 2:
            continue
        agreeing = sum(length == lengths[0] for length in lengths)
        score = (agreeing / len(lengths), lengths[0])
        if score > best:
            best, found = score, delimiter
    return found


def _reader(text, delimiter):
    stream = io.StringIO(text, newline="")
    return csv.reader(stream, delimiter=delimiter, strict=True)


def _records(text, delimiter, path, skipped):
    """Yields the line number and the cells of every record."""
    reader = _reader(text, delimiter)
    while True:
        line = reader.line_num + skipped + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConfigurationError(
                f"Expected {path} to be a CSV file. Received: {error} at line "
                f"{line}. Is there a quote that is not closed?"
            ) from error
        yield line, cells


def _name(delimiter):
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    return names.get(delimiter, repr(delimiter))
