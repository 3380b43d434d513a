import csv
import functools
import json
import os

import numpy as np
import pytest

from export import labels
from noisy_keras.data.selection import corrections
from tests import commands


def a_run(folder, rows=None):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"classes": ["cat", "dog"]}))
    rows = rows or [
        "a,p/a.png,cat,cat,0.9,0.99,ok",
        "b,p/b.png,dog,cat,0.1,0.95,relabelled",
        "c,p/c.png,dog,cat,0.2,0.60,suspect",
    ]
    header = (
        "id,path,given_label,suggested_label,clean_probability,confidence,"
        "verdict"
    )
    text = "\n".join([header, *rows]) + "\n"
    (folder / "label_audit.csv").write_text(text)
    return folder


def test_confident_suggestions_replace_labels(tmp_path):
    run = a_run(tmp_path / "run")
    written = labels.write(run)
    assert (written.samples, written.replaced, written.left_out) == (3, 1, 0)
    with open(run / "labels" / "labels.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["label"] for r in rows] == ["cat", "cat", "dog"]
    assert rows[1]["given_label"] == "dog"
    with np.load(run / "labels" / "labels.npz", allow_pickle=False) as arrays:
        assert list(arrays["label"]) == [0, 0, 1]
        assert list(arrays["given_label"]) == [0, 1, 1]
        assert list(arrays["id"]) == ["a", "b", "c"]
        assert list(arrays["class_names"]) == ["cat", "dog"]


def test_suspects_can_be_excluded(tmp_path):
    written = labels.write(
        a_run(tmp_path / "run"), tmp_path / "out", suspect=False
    )
    assert (written.samples, written.left_out) == (2, 1)


def purified(run, ids="abc"):
    (run / "phases").mkdir()
    rows = np.asarray([[0.99, 0.01], [0.95, 0.05], [0.6, 0.4]], np.float32)
    np.savez(
        run / "phases" / "purified.npz", ids=np.asarray(list(ids)), labels=rows
    )
    return rows


def test_purified_labels_replace_differing_ones(tmp_path):
    run = a_run(tmp_path / "run")
    rows = purified(run)
    written = labels.write(run, formats=["npz"])
    # The last one as well, although it is not confident.
    assert (written.samples, written.replaced) == (3, 2)
    assert [os.path.basename(path) for path in written.paths] == ["labels.npz"]
    with np.load(run / "labels" / "labels.npz", allow_pickle=False) as arrays:
        assert list(arrays["label"]) == [0, 0, 0]
        assert list(arrays["given_label"]) == [0, 1, 1]
        np.testing.assert_array_equal(arrays["probabilities"], rows)
    fewer = labels.write(run, tmp_path / "sure", suspect=False)
    assert (fewer.samples, fewer.replaced, fewer.left_out) == (2, 1, 1)


def test_samples_held_out_are_exported_by_their_verdict(tmp_path):
    run = a_run(tmp_path / "run")
    purified(run)
    path = run / "label_audit.csv"
    header, *rows = path.read_text().splitlines()
    rows = [f"{row},train" for row in rows]
    # An id may be that of a sample in training, too.
    rows += [
        "a,v/a.png,dog,cat,0.1,0.95,relabelled,validation",
        "z,v/z.png,dog,cat,0.4,0.60,suspect,validation",
    ]
    path.write_text("\n".join([f"{header},split", *rows]) + "\n")
    written = labels.write(run, formats=["csv", "npz"])
    assert written.samples == 5
    with open(run / "labels" / "labels.csv", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0])[-1] == "split"
    assert [r["label"] for r in found[3:]] == ["cat", "dog"]
    with np.load(run / "labels" / "labels.npz", allow_pickle=False) as arrays:
        assert list(arrays["split"]) == ["train"] * 3 + ["validation"] * 2
        np.testing.assert_array_equal(
            arrays["probabilities"][3:], [[1.0, 0.0], [0.0, 1.0]]
        )


def test_edits_take_precedence(tmp_path):
    assert labels.LEFT_OUT == corrections.LEFT_OUT
    columns = (
        "id,given_label,suggested_label,clean_probability,confidence,verdict"
    )
    rows = [
        "a,cat,cat,0.9,0.9,ok,dog",
        "b,dog,cat,0.1,0.9,relabelled,",
        "c,dog,cat,0.2,0.6,drop,",
        "d,dog,cat,0.7,0.6,ok,",
        "e,dog,cat,0.2,0.6,suspect,drop",
        "f,dog,cat,0.2,0.6,suspect,0",
    ]
    run = a_run(tmp_path / "run")
    text = "\n".join([f"{columns},corrected_label", *rows])
    (run / "label_audit.csv").write_text(text)

    confidence = {}

    def found(name, **options):
        written = labels.write(
            run, tmp_path / name, formats=["csv", "npz"], **options
        )
        with open(tmp_path / name / "labels.csv", newline="") as stream:
            rows = list(csv.DictReader(stream))
        confidence[name] = [float(r["confidence"]) for r in rows]
        return {r["id"]: r["label"] for r in rows}, written.left_out

    expected = {"a": "dog", "b": "cat", "d": "dog", "f": "cat"}
    assert found("out") == (expected, 2)
    assert found("sure", suspect=False) == (expected, 2)
    (run / "phases").mkdir()
    np.savez(
        run / "phases" / "purified.npz",
        ids=np.asarray(list("abcdef")),
        labels=np.tile(np.float32([0.9, 0.1]), (6, 1)),
    )
    # The verdict of d was edited: purified it would be a cat.
    assert found("purified") == (expected, 2)
    # Of the exported label; 1 if a person entered it.
    assert confidence["out"] == [1.0, 0.9, 0.7, 1.0]
    assert confidence["purified"] == [1.0, 0.9, 1.0, 1.0]
    with np.load(tmp_path / "purified" / "labels.npz") as arrays:
        probabilities = arrays["probabilities"]
        chosen = probabilities[np.arange(4), arrays["label"]]
    np.testing.assert_allclose(chosen, confidence["purified"])
    assert probabilities[0].tolist() == [0.0, 1.0]
    (run / "label_audit.csv").write_text(text.replace("suspect,0", "ok,bird"))
    with pytest.raises(ValueError, match="line 7: .* corrected_label; got 'bi"):
        labels.write(run)
    (run / "label_audit.csv").write_text(text.replace("drop,\n", "Drop,\n"))
    with pytest.raises(ValueError, match="line 4: .* as verdict; got 'Drop'"):
        labels.write(run)


def test_parquet_has_the_columns_of_the_csv_file(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    run = a_run(tmp_path / "run")
    labels.write(run)
    table = parquet.read_table(run / "labels" / "labels.parquet")
    with open(run / "labels" / "labels.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert table.column_names == list(rows[0])
    assert str(table.schema.field("confidence").type) == "float"
    found = table.to_pylist()
    assert [r["label"] for r in found] == [r["label"] for r in rows]
    assert found[1]["given_label"] == "dog"
    assert found[2]["confidence"] == pytest.approx(0.2)


def test_without_its_package_parquet_is_omitted_with_a_note(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(labels, "PARQUET", "no_such_package")
    run = a_run(tmp_path / "run")
    written = labels.write(run)
    assert [os.path.basename(path) for path in written.paths] == [
        "labels.csv",
        "labels.npz",
    ]
    assert "pip install no_such_package" in written.missing
    with pytest.raises(ValueError, match="no_such_package to be installed"):
        labels.write(run, formats=["parquet"])


@pytest.mark.parametrize("formats", [["xml"], []])
def test_unknown_formats_raise(tmp_path, formats):
    run = a_run(tmp_path / "run")
    with pytest.raises(ValueError, match="some of csv, npz, parquet"):
        labels.write(run, formats=formats)


def test_purified_labels_of_other_samples_raise(tmp_path):
    run = a_run(tmp_path / "run")
    purified(run, ids="abx")
    with pytest.raises(ValueError, match="'c', which has no purified label"):
        labels.write(run)
    (run / "phases" / "purified.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="reading it failed"):
        labels.write(run)


def test_an_unfinished_run_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="has none"):
        labels.write(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,,cow,cat,0.9,0.9,ok", "line 2: .* given_label; got 'cow'"),
        ("a,,cat,,0.9,0.9,ok", "line 2: .* suggested_label; got ''"),
    ],
)
def test_an_audit_with_unknown_classes_raises(tmp_path, row, message):
    with pytest.raises(ValueError, match=message):
        labels.write(a_run(tmp_path / "run", [row]))


def test_an_audit_without_its_columns_raises(tmp_path):
    run = a_run(tmp_path / "run")
    (run / "label_audit.csv").write_text("id,label\na,cat\n")
    with pytest.raises(ValueError, match="missing: clean_probability, conf"):
        labels.write(run)


command = functools.partial(commands.run, "export")


def test_the_command_line(tmp_path):
    run = a_run(tmp_path / "run")
    result = command("--labels", f"--run={run}")
    assert result.returncode == 0, result.stderr
    assert "3 labels, 1 of them replaced" in result.stdout
    for kind in labels.FORMATS:
        assert f"labels.{kind}" in result.stdout
    missing = command("--labels", f"--run={tmp_path}/none")
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: expected a finished run")
    assert command(f"--run={run}").returncode == 2


def test_audits_that_a_spreadsheet_saved_are_exported(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    names = ["=cmd", "cat ", "01"]
    (run / "config.json").write_text(json.dumps({"classes": names}))
    lines = [
        "ID;Path;Given_Label;Suggested_Label;Clean_Probability;Confidence;"
        "Verdict;Corrected_Label",
        "a;'-x.png;'=cmd;cat ;0,125;0,95;relabelled;",
        "b;b.png;cat;1;0,9;0,99;ok;1",
        "c;c.png;1;1;0,2;0,6;suspect;drop",
    ]
    data = "\r\n".join(lines).encode("utf-16")
    (run / "label_audit.csv").write_bytes(data)
    written = labels.write(run, formats=["csv", "npz"])
    assert (written.samples, written.left_out) == (2, 1)
    with open(run / "labels" / "labels.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    # No spreadsheet runs these, and the package reads them back.
    assert rows[0]["path"] == "'-x.png" and rows[0]["given_label"] == "'=cmd"
    assert [row["label"] for row in rows] == ["cat ", "01"]
    assert [row["confidence"] for row in rows] == ["0.95", "1"]
    with np.load(run / "labels" / "labels.npz") as arrays:
        assert arrays["label"].tolist() == [1, 2]
        assert arrays["class_names"].tolist() == names
    broken = data.decode("utf-16").replace("0,95", "0,9,5")
    (run / "label_audit.csv").write_text(broken, newline="")
    with pytest.raises(ValueError, match="line 2: expected a number in conf"):
        labels.write(run)
