"""CSV tables as people and spreadsheets write them."""

import csv
import io
import os
import random
import time

import pytest

from noisy_keras.data.io import csv_rows
from noisy_keras.utils.errors import ConfigurationError

ROWS = [
    {"id": "a", "path": "cats/é.png", "note": "x"},
    {"id": "b", "path": "dogs/2.png", "note": ""},
]


def table(folder, text, encoding="utf-8", name="table.csv"):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode(encoding)
    path.write_bytes(data)
    return str(path)


def rows_of(path):
    return [row for _, row in csv_rows.read(path).rows]


@pytest.mark.parametrize("delimiter", csv_rows.DELIMITERS)
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
def test_every_dialect_has_the_same_rows(tmp_path, delimiter, encoding):
    lines = [["ID", " Path ", "note"], *(row.values() for row in ROWS)]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    found = csv_rows.read(table(tmp_path, text, encoding))
    assert found.columns == ["id", "path", "note"]
    assert found.header == ["ID", "Path", "note"]
    assert found.rows == [(2, ROWS[0]), (3, ROWS[1])] and not found.notes


def test_other_encodings_are_read_as_windows_1252_with_a_note(tmp_path):
    path = table(tmp_path, "id;path\na;caf\xe9 \u20ac\nb;x\n", "cp1252")
    found = csv_rows.read(path)
    assert found.rows[0][1]["path"] == "café €"
    assert "line 2" in found.notes[0] and "Windows-1252" in found.notes[0]


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "SEP=;\r"])
def test_excels_first_line_names_the_delimiter(tmp_path, line):
    # Commas would be found without it.
    found = csv_rows.read(table(tmp_path, line + "a,b;c\n1,2;3\n"))
    assert found.columns == ["a,b", "c"]
    assert found.rows == [(3, {"a,b": "1,2", "c": "3"})]


def test_commas_in_cells_do_not_hide_the_delimiter(tmp_path):
    path = table(tmp_path, "path;label\na,b.png;x,y\nc,d.png;x,z\n")
    assert rows_of(path)[1] == {"path": "c,d.png", "label": "x,z"}


def test_cells_are_verbatim_and_blank_lines_are_skipped(tmp_path):
    path = table(tmp_path, 'id,label\n\na,stripes \n,\n"b\nc",  x\nd\n')
    assert csv_rows.read(path).rows == [
        (3, {"id": "a", "label": "stripes "}),
        (5, {"id": "b\nc", "label": "  x"}),
        (7, {"id": "d", "label": ""}),
    ]


def test_columns_without_a_name_are_ignored(tmp_path):
    # As pandas writes its index, and spreadsheets their empty columns.
    path = table(tmp_path, ",path,label,\n0,a.png,cat,\n1,b.png,dog,,,\n")
    assert rows_of(path)[1] == {"path": "b.png", "label": "dog"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('id,label\na,"cat\nb,dog\n', "at line 2.*not closed"),
        ('id,label\na,cat\nb,"dog"s\n', "at line 3"),
        ("id,label\na,b\x00c\n", "0x00 in line 2"),
        (b"\x00\x01\x02\xff\xfe" * 9, "not.*|0x0"),
        (b"id,label\n\x81\x8d,x\n", "UTF-8, UTF-16 or Windows-1252.*byte 9"),
        (b"id,label\n\xe9\x02,x\n", "0x02 in line 2"),
        (b"\xff\xfei\x00d\x00,", "UTF-16.*truncated"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "Excel workbook"),
        (b"\x89PNG\r\n", "PNG"),
        ("id,label\na,b,c\n", "Expected 2 cells in line 2.*3, such as 'c'"),
        ("id,label\na," + "x" * 200000 + "\n", "field limit.*at line 2"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, text, message):
    path = table(tmp_path, text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        csv_rows.read(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_an_empty_file_has_no_columns(tmp_path):
    for text in ("", "\ufeff", "\n\n", ",,\n"):
        found = csv_rows.read(table(tmp_path, text))
        assert found.columns == [] and found.rows == []


def test_columns_that_occur_twice_matter_if_they_are_used(tmp_path):
    found = csv_rows.read(table(tmp_path, "id,Note,NOTE\na,1,2\n"))
    found.check_distinct(["id"])
    with pytest.raises(ConfigurationError, match="one column note.*2 of that"):
        found.check_distinct(["id", "note"])


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "''=1"),
        ("''@", "'''@"),
        ("'quoted'", "'quoted'"),
        ("a=1", "a=1"),
        ("", ""),
        (" =1", " =1"),
    ],
)
def test_formulas_are_harmless_and_come_back(tmp_path, text, cell):
    assert csv_rows.harmless(text) == cell
    stream = io.StringIO(newline="")
    csv_rows.write(stream, ["id", "text"], [{"id": "a", "text": text}])
    written = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert written[1] == ["a", cell]
    path = table(tmp_path, stream.getvalue())
    assert rows_of(path) == [{"id": "a", "text": text}]


def test_decimal_commas_are_numbers():
    found = [csv_rows.number(t) for t in ("0.5", " 0,25", "1e-3", "1.000,5")]
    assert found == [0.5, 0.25, 0.001, None]
    assert csv_rows.number("") is None and csv_rows.number("x") is None


def test_pipes_and_folders_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv", tmp_path / "nowhere.csv"):
        with pytest.raises(OSError):
            csv_rows.read(str(path))


def test_numbers_are_written_as_they_are():
    stream = io.StringIO()
    csv_rows.write(stream, ["x"], [[-1.5], [3]])
    assert stream.getvalue() == "x\n-1.5\n3\n"


# Everything that a table may trip over.
ALPHABET = list("abz09 .=+-@'\"\\/,;|\t\r\n\x0b\u2028é日💡{}$[]<>&%") + [
    "\r\n",
    "sep=;",
    "nan",
    '""',
    "\xa0",
    "\x7f",
]


def random_cell(chance):
    return "".join(chance.choices(ALPHABET, k=chance.choice([0, 1, 2, 3, 8])))


@pytest.fixture
def content(monkeypatch):
    """The bytes of the one file there is, in a list: a file system is slow."""
    held = [b""]
    monkeypatch.setattr(csv_rows.filesystem, "read", lambda path: held[0])
    return held


def test_what_is_written_is_read_whatever_it_is(content):
    chance = random.Random(0)
    for _ in range(500):
        rows = [
            {"id": f"{i}", "x": random_cell(chance), "y": random_cell(chance)}
            for i in range(chance.randrange(1, 6))
        ]
        stream = io.StringIO(newline="")
        csv_rows.write(stream, ["id", "x", "y"], rows)
        content[0] = stream.getvalue().encode()
        assert rows_of("t.csv") == rows


def damaged(data, chance):
    """Some bytes of a file changed, inserted or cut off."""
    data = bytearray(data)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data[place:place] = bytes([chance.randrange(256)])
        elif kind == 1:
            data[place:place] = chance.choice(
                [b'"', b"\0", b"\xff\xfe", b"\r", b",", b";", b"'", b"\xe9"]
            )
        elif kind == 2:
            del data[place:]
        else:
            del data[place : place + chance.randrange(3)]
    return bytes(data)


def test_random_tables_are_read_whole_or_refused(content):
    chance = random.Random(1)
    read = 0
    for _ in range(2000):
        encoding = chance.choice(
            ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]
        )
        count = chance.randrange(1, 8)
        lines = [["id", "x"]] + [
            [f"i{i}", random_cell(chance)] for i in range(count)
        ]
        stream = io.StringIO(newline="")
        # Python 3.11 does not quote a carriage return by itself.
        minimal = not any("\r" in line[1] for line in lines)
        csv.writer(
            stream,
            delimiter=chance.choice(csv_rows.DELIMITERS),
            quoting=chance.choice(
                [csv.QUOTE_ALL, csv.QUOTE_MINIMAL][: 1 + minimal]
            ),
            lineterminator=chance.choice(["\n", "\r\n"]),
        ).writerows(lines)
        data = stream.getvalue().encode(encoding, "replace")
        whole = chance.random() < 0.5
        content[0] = data if whole else damaged(data, chance)
        began = time.monotonic()
        try:
            found = csv_rows.read("t.csv")
        except (ConfigurationError, OSError) as error:
            # Control characters, and quotes that the writer did not quote.
            assert "\n" not in str(error)
            continue
        finally:
            assert time.monotonic() - began < 5.0
        if whole and encoding != "cp1252":
            read += 1
            assert [row["id"] for _, row in found.rows] == [
                line[0] for line in lines[1:]
            ]
            expected = [csv_rows.original(line[1]) for line in lines[1:]]
            assert [row["x"] for _, row in found.rows] == expected
    assert read > 500
