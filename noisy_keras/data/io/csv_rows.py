"""Reading of CSV files written by people or spreadsheets."""

import csv
import io

from noisy_keras.data.io import filesystem
from noisy_keras.utils.errors import ConfigurationError


def read(path: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Reads a CSV file with a header.

    Args:
        path: str, path of the file, which is encoded in UTF-8.

    Returns:
        A pair of the column names and the rows. Each row is a pair of its line
        number in the file (int, from 1) and a dict from column to value.
        Empty lines are skipped. Names and values are stripped of surrounding
        spaces; values that a short line lacks are `""`.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not UTF-8 text, or not CSV.
    """
    try:
        # "-sig" strips the byte order mark that spreadsheets write.
        text = filesystem.read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"Expected {path} to be text in UTF-8. Received: {error.reason} "
            f"at byte {error.start}"
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = columns
        rows = [
            (
                reader.line_num,
                # Values beyond the last column are under the key None.
                {k: (v or "").strip() for k, v in row.items() if k},
            )
            for row in reader
        ]
    except csv.Error as error:
        raise ConfigurationError(
            f"Expected {path} to be a CSV file. Received: {error} at line "
            f"{reader.line_num}"
        ) from error
    return columns, rows
