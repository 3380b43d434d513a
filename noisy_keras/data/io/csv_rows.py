"""Reading CSV files that people write."""

import csv
import io

from noisy_keras.data.io import filesystem
from noisy_keras.utils.errors import ConfigurationError


def read(path):
    """Reads a CSV file with a header.

    Args:
        path: of the file, UTF-8.

    Returns:
        Column names, and for each line that is not empty its number in the
        file and a dict from column to value; all of them without spaces
        around them, and `""` where a line is too short.

    Raises:
        OSError: the file cannot be read.
        ValueError: no text in UTF-8, or no CSV.
    """
    try:
        # "-sig" takes off the mark that spreadsheets put at the start.
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
                # Values beyond the last column have no name.
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
