"""Audits that people have opened, changed and saved in a spreadsheet."""

import csv
import io
import random
import time
import warnings

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.io import csv_rows
from noisy_keras.data.selection.sample_ids import Ids
from noisy_keras.utils.errors import ConfigurationError

NAMES = (
    "stripes ",
    "stripes",
    "discs[/b]",
    "$\\frac$",
    "=cmd|' C calc'!A0",
    "<script>",
    "01",
    'a "quoted", name',
    "two\nlines",
    "\u00e9",
    "'=1",
    "-1",
    "drop ",
)


def a_source(names, count=6, ids=None):
    images = np.zeros((count, 8, 8, 3), np.uint8)
    labels = np.arange(count) % len(names)
    return nk.data.from_arrays(images, labels, class_names=names, ids=ids)


def an_audit(source, suggested, verdicts):
    count = source.num_samples
    clean = np.where(np.asarray(verdicts) == "ok", 0.9, 0.1)
    return nk.LabelAudit(
        ids=source.ids,
        given_label=source.labels,
        suggested_label=np.asarray(suggested),
        clean_probability=clean.astype(np.float32),
        confidence=np.full(count, 0.9, np.float32),
        class_names=source.class_names,
    )


def saved(path, delimiter=";", encoding="utf-8-sig", header=str.title, **kinds):
    """Saves a CSV file again as a spreadsheet does."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    rows[0] = [header(name) for name in rows[0]]
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if kinds.get("quoted") else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=delimiter, quoting=quoting).writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding, "strict"))


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(";", "cp1252"), ("\t", "utf-16"), (",", "utf-8"), ("|", "utf-8-sig")],
)
def test_every_name_comes_back_from_a_spreadsheet(
    tmp_path, delimiter, encoding
):
    source = a_source(NAMES, 2 * len(NAMES))
    shifted = (source.labels + 1) % len(NAMES)
    audit = an_audit(source, shifted, ["relabelled"] * source.num_samples)
    path = tmp_path / "label_audit.csv"
    audit.to_csv(path)
    assert nk.data.read_audit(path, source).label.tolist() == shifted.tolist()
    saved(path, delimiter, encoding, str.upper)
    found = nk.data.read_audit(path, source)
    assert found.label.tolist() == shifted.tolist()
    assert found.changed.all() and not found.left_out.any()


def test_no_cell_of_an_audit_is_run_by_a_spreadsheet(tmp_path):
    source = a_source(NAMES, ids=["=1+1", "@x", "-2", "+3", "\tt", "'=q"])
    path = tmp_path / "label_audit.csv"
    an_audit(source, source.labels, ["ok"] * 6).to_csv(path)
    with open(path, encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell[:1] in list("=+-@\t\r")]
    assert "'=1+1" in cells and "''=q" in cells
    assert not nk.data.read_audit(path, source).changed.any()


def test_zeros_that_a_spreadsheet_takes_away_are_made_up_for(tmp_path):
    source = a_source(("01", "02", "03"))
    path = tmp_path / "edited.csv"
    path.write_text("ID;Given_Label;Corrected_Label\n1;2;3\n0;1;02\n")
    found = nk.data.read_audit(path, source)
    assert found.label[:2].tolist() == [1, 2] and found.changed.sum() == 2
    path.write_text("id;corrected_label\n000001;3\n1;3\n")
    with pytest.raises(ConfigurationError, match="id '1' again, as line 2"):
        nk.data.read_audit(path, source)


def test_ids_are_found_as_they_are_first():
    ids = Ids(["7", "07", "x", " y", "008"])
    assert [ids.find(t) for t in ("7", "07", "007", "x ", "y", " y", "8")] == [
        0,
        1,
        None,
        2,
        3,
        3,
        4,
    ]


def test_columns_that_occur_twice_are_reported(tmp_path):
    path = tmp_path / "edited.csv"
    path.write_text("id,corrected_label,Corrected_Label\n000000,0,1\n")
    with pytest.raises(ConfigurationError, match="one column corrected_label"):
        nk.data.read_audit(path, a_source(("a", "b")))


def test_random_audits_are_read_whole_or_refused(monkeypatch):
    chance = random.Random(3)
    held = [b""]
    monkeypatch.setattr(csv_rows.filesystem, "read", lambda path: held[0])
    source = a_source(NAMES, 13)
    read = 0
    for _ in range(1000):
        suggested = [chance.randrange(len(NAMES)) for _ in range(13)]
        verdicts = [chance.choice(["ok", "relabelled"]) for _ in range(13)]
        rows = list(an_audit(source, suggested, verdicts).rows())
        for row, verdict in zip(rows, verdicts, strict=True):
            row["verdict"] = verdict
            row["corrected_label"] = chance.choice(["", "", "drop", *NAMES])
        chance.shuffle(rows)
        stream = io.StringIO(newline="")
        csv_rows.write(stream, list(rows[0]), rows)
        data = stream.getvalue()
        encoding = chance.choice(["utf-8", "utf-8-sig", "utf-16"])
        data = data.encode(encoding)
        whole = chance.random() < 0.3
        for _ in range(0 if whole else chance.randrange(1, 4)):
            place = chance.randrange(len(data))
            new = chance.choice([b"", b'"', b"\0", b";", b"\n", b"\xe9", b"'"])
            data = data[:place] + new + data[place + chance.randrange(2) :]
        held[0] = data
        began = time.monotonic()
        try:
            found = nk.data.read_audit("edited.csv", source)
        except (ConfigurationError, OSError) as error:
            assert "\n" not in str(error).replace("two\nlines", "")
            assert not whole
            continue
        finally:
            assert time.monotonic() - began < 5.0
        if whole:
            read += 1
            for row in rows:
                at = source.ids.tolist().index(row["id"])
                entered = row["corrected_label"]
                if entered in NAMES:
                    assert NAMES[found.label[at]] == entered
                assert found.left_out[at] == (entered == "drop")
    assert read > 200


def test_nothing_is_warned_of_when_an_audit_is_read(tmp_path):
    source = a_source(("a", "b"))
    path = tmp_path / "a.csv"
    an_audit(source, source.labels, ["ok"] * 6).to_csv(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nk.data.read_audit(path, source)
