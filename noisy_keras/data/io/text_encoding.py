"""The encoding of text files that people have written."""

import codecs
import re

from noisy_keras.utils.errors import ConfigurationError

# Byte order marks; that of UTF-32 begins like one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Beginnings of files that people take for text.
_OTHERS = {
    b"PK\x03\x04": "an Excel workbook or a ZIP file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF file",
    b"PAR1": "a Parquet file",
}
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_NEWLINE = re.compile("\r\n|\n|\r")


def decoded(data: bytes, path: str) -> tuple[str, str]:
    """Decodes a text file.

    Args:
        data: bytes of the file: UTF-8, UTF-16 or UTF-32 with or without a byte
            order mark (UTF-32 only with one), else Windows-1252.
        path: str, path of the file, for messages.

    Returns:
        A pair of the text, without a byte order mark, and a note (str) if the
        encoding was guessed, else `""`.

    Raises:
        ConfigurationError: the bytes are not text.
    """
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise ConfigurationError(
                f"Expected {path} to be a text file. Received: {what}. Save "
                "the table as CSV in UTF-8."
            )
    mark, encoding = next(
        ((m, name) for m, name in _MARKS if data.startswith(m)),
        (b"", _without_mark(data)),
    )
    note = ""
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or mark:
            raise _not_text(path, error) from error
        text, note = _windows(data, path, error)
    # Some programs end files with Ctrl-Z.
    text = text.removesuffix("\x1a")
    found = (_CONTROL if note else re.compile("\x00")).search(text)
    if found:
        line = len(_NEWLINE.findall(text, 0, found.start())) + 1
        raise ConfigurationError(
            f"Expected {path} to be a text file. Received: the byte "
            f"{ord(found[0]):#04x} in line {line}; it may be another kind of "
            "file, or damaged"
        )
    return text, note


def _without_mark(data):
    """The encoding of bytes without a mark, by the zeros of UTF-16."""
    first = data[:4]
    if len(first) == 4 and len(data) % 2 == 0:
        zeros = [byte == 0 for byte in first]
        if zeros == [False, True, False, True]:
            return "utf-16-le"
        if zeros == [True, False, True, False]:
            return "utf-16-be"
    return "utf-8"


def _windows(data, path, error):
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise _not_text(path, error) from error
    line = data.count(b"\n", 0, error.start) + 1
    return text, (
        f"not UTF-8 (line {line}), read as Windows-1252; if names look wrong, "
        "save the file as UTF-8"
    )


def _not_text(path, error):
    return ConfigurationError(
        f"Expected {path} to be text in UTF-8, UTF-16 or Windows-1252. "
        f"Received: {error.reason} at byte {error.start}"
    )
