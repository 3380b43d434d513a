import csv
import io
import json
import os
import urllib.parse
from xml.etree import ElementTree

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import formats as audit_formats

NAMES = ("cat", "a<b")


def rows():
    audit = nk.LabelAudit(
        ids=np.array(["x/1 a.png", "2", "3"], object),
        given_label=np.array([0, 1, 1]),
        suggested_label=np.array([1, 1, 0]),
        clean_probability=np.array([0.25, 0.9, 0.1], np.float32),
        confidence=np.array([0.95, 0.99, 0.6], np.float32),
        class_names=NAMES,
        true_label=np.array([-1, 1, -1]),
        foreign=np.array([True, False, False]),
        given_share=np.array([0.5, np.nan, 0.0], np.float32),
        epochs=np.array([2, 0, 2]),
        evidence="cross_epoch_history",
    )
    return list(audit.rows())


FILES = {"x/1 a.png": "below/1 a.png", "3": "3.png"}


def test_cleanlab_gets_the_columns_of_its_own_table():
    found = audit_formats.cleanlab(rows(), NAMES)
    assert list(found[0])[:4] == [
        "is_label_issue",
        "label_quality",
        "given_label",
        "predicted_label",
    ]
    assert [r["is_label_issue"] for r in found] == [True, False, True]
    assert [r["given_label"] for r in found] == [0, 1, 1]
    assert [r["predicted_label"] for r in found] == [1, 1, 0]


def test_cleanlab_trains_on_it():
    pandas = pytest.importorskip("pandas")
    classification = pytest.importorskip("cleanlab.classification")
    from sklearn.linear_model import LogisticRegression

    found = audit_formats.cleanlab(rows() * 10, NAMES)
    for row in found[:3]:  # Kept samples must have both classes.
        row["is_label_issue"] = False
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(found[0]))
    writer.writeheader()
    writer.writerows(found)
    stream.seek(0)
    issues = pandas.read_csv(stream)
    assert issues["is_label_issue"].dtype == bool
    features = np.random.RandomState(0).normal(size=(30, 2))
    labels = np.array([row["given_label"] for row in found])
    learner = classification.CleanLearning(LogisticRegression())
    learner.fit(features, labels, label_issues=issues)
    kept = learner.get_label_issues()
    assert int((~kept["is_label_issue"]).sum()) == 12


def test_fiftyone_gets_both_labels_of_samples_that_have_a_file():
    metadata, content = audit_formats.fiftyone(rows(), FILES, NAMES)
    assert metadata["default_classes"] == ["cat", "a<b", "out_of_distribution"]
    # Without this key it reads what is not of a version of its own.
    assert "version" not in metadata
    assert metadata["info"]["default_classes"] == metadata["default_classes"]
    first, last = json.loads(json.dumps(content))["samples"]
    assert first["filepath"] == "below/1 a.png" and last["source_id"] == "3"
    assert first["ground_truth"] == {"_cls": "Classification", "label": "cat"}
    assert first["predictions"]["label"] == "a<b"
    assert first["predictions"]["confidence"] == pytest.approx(0.95)
    assert first["mistakenness"] == pytest.approx(0.75)
    assert first["tags"] == ["relabelled"] and first["given_share"] == 0.5
    assert first["true_label"]["label"] == "out_of_distribution"
    assert "true_label" not in last


def test_label_studio_gets_tasks_that_fit_their_interface():
    first, last = audit_formats.label_studio(rows(), FILES)
    assert first["data"]["image"] == "/data/local-files/?d=below/1%20a.png"
    assert first["data"]["given_label"] == "cat"
    [prediction] = first["predictions"]
    [region] = prediction["result"]
    assert prediction["score"] == pytest.approx(0.95)
    config = ElementTree.fromstring(audit_formats.label_studio_config(NAMES))
    choices = config.find("Choices")
    assert region["from_name"] == choices.get("name")
    assert region["to_name"] == config.find("Image").get("name")
    assert f"${region['to_name']}" == config.find("Image").get("value")
    names = [choice.get("value") for choice in choices]
    assert names == ["cat", "a<b", "out_of_distribution"]
    assert region["value"]["choices"] == ["a<b"]
    assert last["predictions"][0]["result"][0]["value"]["choices"] == ["cat"]


def test_label_studio_gets_files_below_the_parent_of_their_folder(tmp_path):
    folder = tmp_path / "my pictures"
    names = {"1": "a/b c.png", "2": os.fsdecode(b"caf\xe9 #1+.png")}
    root, files = audit_formats.local_files(str(folder), names)
    assert root == str(tmp_path)
    tasks = audit_formats.label_studio(
        [{**row, "id": k} for row, k in zip(rows(), names, strict=False)], files
    )
    for task, name in zip(tasks, names.values(), strict=True):
        url = task["data"]["image"]
        url.encode("ascii")
        path = urllib.parse.unquote_to_bytes(url.partition("?d=")[2])
        assert os.fsdecode(path) == f"my pictures/{name}"


def test_fiftyone_reads_them(tmp_path):
    importers = pytest.importorskip("fiftyone.utils.data")
    both = audit_formats.fiftyone(rows(), FILES, NAMES)
    for name, content in zip(("metadata", "samples"), both, strict=True):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    # `from_dir` takes this one for files without a version.
    with importers.LegacyFiftyOneDatasetImporter(str(tmp_path)) as found:
        assert found.get_dataset_info() == both[0]["info"]
        first, last = found
    assert first.ground_truth.label == "cat"
    assert first.predictions.confidence == pytest.approx(0.95)
    assert first.filepath == str(tmp_path / "below" / "1 a.png")
    assert last.mistakenness == pytest.approx(0.9)


def test_label_studio_accepts_them():
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    config = audit_formats.label_studio_config(NAMES)
    checker = interface.LabelInterface(config)
    for task in audit_formats.label_studio(rows(), FILES):
        for prediction in task["predictions"]:
            assert checker.validate_prediction(prediction)
