import csv
import os

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.core import files


def make(**changes):
    fields = {
        "ids": np.array(["a", "b", "c", "d"], object),
        "given_label": np.array([0, 1, 1, 0]),
        "suggested_label": np.array([0, 0, 0, 0]),
        "clean_probability": np.array([0.9, 0.1, 0.2, 0.3], np.float32),
        "confidence": np.array([0.99, 0.95, 0.6, 0.99], np.float32),
        "class_names": ("cat", "dog"),
        "true_label": np.array([0, 0, -1, 1]),
    }
    return nk.LabelAudit(**{**fields, **changes})


def test_verdicts():
    audit = make()
    # Clean; wrong and sure; wrong and unsure; suspect, but the same class.
    assert list(audit.verdict) == ["ok", "relabelled", "suspect", "suspect"]
    assert audit.counts() == {"ok": 1, "suspect": 2, "relabelled": 1}


def test_csv_has_the_published_columns(tmp_path):
    path = tmp_path / "label_audit.csv"
    make(paths=np.array(["x/a.png"] * 4, object)).to_csv(path)
    with open(path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        "id",
        "path",
        "given_label",
        "suggested_label",
        "clean_probability",
        "confidence",
        "verdict",
        "true_label",
    ]
    assert rows[1]["given_label"] == "dog"
    assert rows[1]["suggested_label"] == "cat"
    assert rows[2]["true_label"] == ""
    assert float(rows[3]["clean_probability"]) == pytest.approx(0.3)


def test_csv_has_no_true_label_where_none_is_known(tmp_path):
    path = tmp_path / "label_audit.csv"
    make(true_label=None).to_csv(path)
    assert "true_label" not in path.read_text()


def test_relabelled_source_takes_sure_suggestions_alone():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    source = nk.data.from_arrays(images, [0, 1, 1, 0])
    assert list(make().relabelled(source).labels) == [0, 0, 1, 0]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), files.replacing(path) as stream:
        stream.write("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file.txt"]
    with files.replacing(path) as stream:
        stream.write("after")
    assert path.read_text() == "after"
