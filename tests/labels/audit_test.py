import csv
import os

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.utils import files


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
    assert audit.counts() == {
        "ok": 1,
        "suspect": 2,
        "relabelled": 1,
        "out_of_distribution": 0,
    }


def test_suspects_without_a_stable_class_are_out_of_distribution():
    # Of the first, the label is credible; the second has a sure suggestion.
    audit = make(unstable=np.array([True, True, True, False]))
    assert list(audit.verdict) == [
        "ok",
        "relabelled",
        "out_of_distribution",
        "suspect",
    ]
    assert audit.counts()["out_of_distribution"] == 1


def test_the_deprecated_name_of_unstable_works_with_a_warning():
    unstable = np.array([True, True, True, False])
    with pytest.warns(DeprecationWarning, match="use `unstable`"):
        audit = make(unsettled=unstable)
    assert list(audit.verdict) == list(make(unstable=unstable).verdict)
    with pytest.warns(DeprecationWarning, match="LabelAudit.unstable"):
        np.testing.assert_array_equal(audit.unsettled, unstable)


def test_the_most_suspect_come_first():
    assert list(make().most_suspect()) == [1, 2, 3, 0]
    equal = np.zeros(4, np.float32)
    # By confidence in another class; the last has none.
    audit = make(clean_probability=equal)
    assert list(audit.most_suspect()) == [1, 2, 0, 3]
    share = np.array([0.5, np.nan, 0.1, 0.0], np.float32)
    audit = make(clean_probability=equal, given_share=share)
    assert list(audit.most_suspect(3)) == [3, 2, 0]


def rows_of(audit, path):
    audit.to_csv(path)
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_file_says_what_it_rests_on_and_what_is_foreign(tmp_path):
    audit = make(
        evidence="cross_epoch_history",
        given_share=np.array([0.25, np.nan, 1.0, 0.0], np.float32),
        epochs=np.array([4, 0, 4, 4]),
        foreign=np.array([False, False, True, False]),
        true_label=np.array([0, -1, -1, 1]),
    )
    rows = rows_of(audit, tmp_path / "label_audit.csv")
    assert {r["evidence"] for r in rows} == {"cross_epoch_history"}
    assert [r["given_share"] for r in rows] == ["0.25", "", "1", "0"]
    assert [r["epochs"] for r in rows] == ["4", "0", "4", "4"]
    # Unknown truth is empty, a foreign picture is told.
    assert [r["true_label"] for r in rows] == ["cat", "", "(foreign)", "dog"]


def test_small_probabilities_keep_their_order_in_the_file(tmp_path):
    tiny = np.array([1e-9, 2e-9, 0.5, 1.0], np.float32)
    rows = rows_of(make(clean_probability=tiny), tmp_path / "label_audit.csv")
    found = [float(r["clean_probability"]) for r in rows]
    assert found == sorted(found) and found[0] > 0.0 and found[0] != found[1]


def test_csv_has_the_published_columns(tmp_path):
    path = tmp_path / "label_audit.csv"
    rows = rows_of(make(paths=np.array(["x/a.png"] * 4, object)), path)
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


def test_held_out_samples_follow_those_in_training(tmp_path):
    history = {
        "given_share": np.array([0.25, np.nan, 1.0, 0.0], np.float32),
        "epochs": np.array([4, 0, 4, 4]),
        "evidence": "cross_epoch_history",
        "unstable": np.array([False, False, True, True]),
    }
    held = make(ids=np.array(["a", "f", "g", "h"], object), true_label=None)
    audit = make(**history).with_held_out(held)
    assert list(audit.verdict[4:]) == list(make().verdict)
    rows = rows_of(audit, tmp_path / "label_audit.csv")
    assert [r["split"] for r in rows] == ["train"] * 4 + ["validation"] * 4
    assert [r["evidence"] for r in rows[3:5]] == [
        "cross_epoch_history",
        "held_out_predictions",
    ]
    assert [r["true_label"] for r in rows[3:5]] == ["dog", ""]
    assert [r["given_share"] for r in rows[3:5]] == ["0", ""]
    train, validation = map(audit.of_split, ("train", "validation"))
    assert len(train) == len(validation) == 4
    assert list(train.verdict) == list(make(**history).verdict)
    assert list(validation.ids) == list("afgh")
    assert list(make().of_split("train").ids) == list("abcd")
    assert len(make().of_split("validation")) == 0
    with pytest.raises(nk.ConfigurationError, match="Expected a split"):
        audit.of_split("test")


def test_both_parts_are_relabelled_by_one_audit():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    first, second = (
        nk.data.from_arrays(images, [0, 1, 1, 0], ids=ids)
        for ids in (list("abcd"), list("afgh"))  # Names may come twice.
    )
    held = make(
        ids=second.ids,
        suggested_label=np.array([1, 1, 0, 0]),
        clean_probability=np.array([0.1, 0.9, 0.1, 0.9]),
        confidence=np.full(4, 0.9),
    )
    audit = make().with_held_out(held)
    assert list(audit.relabelled(first).labels) == [0, 0, 1, 0]
    assert list(audit.relabelled(second).labels) == [1, 1, 0, 0]
    with pytest.raises(nk.ConfigurationError, match="samples were audited"):
        audit.relabelled(nk.data.from_arrays(images, [0, 1, 1, 0]))


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
