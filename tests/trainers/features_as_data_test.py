"""Commands on features: training, audit, prediction, export, and refusals."""

import csv
import json
import os

import numpy as np
import pytest

from tests import commands
from trainers import UsageError
from trainers import presets
from trainers.flags import data as data_flags
from trainers.flags import features as feature_flags

NAMES = np.array(["cat", "dog", "eel"])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Three well separated classes, with a fifth of the labels wrong."""
    random = np.random.RandomState(0)
    truth = np.arange(240) % 3
    features = random.normal(size=(3, 6))[truth] * 3.0
    features += random.normal(size=features.shape)
    given = np.where(np.arange(240) % 5 == 0, (truth + 1) % 3, truth)
    path = tmp_path_factory.mktemp("data") / "notes.npz"
    np.savez(
        path,
        features=features.astype(np.float16),
        labels=NAMES[given],
        true_labels=NAMES[truth],
        ids=[f"note_{n}" for n in range(240)],
        texts=[f"the text <{n}>" for n in range(240)],
        paths=[f"https://example.org/{n}" for n in range(240)],
    )
    return path


@pytest.fixture(scope="module")
def run(file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    result = commands.train(
        "elr",
        f"--dataset=features:{file}",
        "--network=linear",
        "--learning_rate=0.02",
        "--epochs=12",
        f"--output_dir={folder}",
        "--loggers=csv",
    )
    assert result.returncode == 0, result.stderr
    assert "216 training vectors, 3 classes" in result.stdout
    return folder


@pytest.mark.large
def test_a_run_finds_wrong_labels_and_shows_texts(run):
    with open(run / "summary.json", encoding="utf-8") as stream:
        found = json.load(stream)["labels"]
    assert found["label_auc"] > 0.9
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "the text &lt;" in page and "https://example.org/" in page
    with open(run / "label_audit.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    by_id = {row["id"]: row["text"] for row in rows}
    assert len(rows) == 240 and by_id["note_7"] == "the text <7>"


@pytest.mark.large
def test_the_audit_has_texts_and_links_in_place_of_pictures(run, tmp_path):
    output = tmp_path / "audit"
    result = commands.run(
        "trainers.audit", f"--run={run}", "--top=3", f"--output={output}"
    )
    assert result.returncode == 0, result.stderr
    page = (output / "index.html").read_text(encoding="utf-8")
    assert page.count("<p>the text &lt;") == 3
    assert page.count('<a href="https://example.org/') == 3
    assert sorted(os.listdir(output)) == [
        "index.html",
        "label_audit.csv",
        "most_suspect.csv",
    ]


@pytest.mark.large
def test_files_of_features_are_predicted(run, file, tmp_path):
    output = tmp_path / "p.csv"
    np.save(tmp_path / "new.npy", np.load(file)["features"][:5])
    result = commands.run(
        "trainers.predict",
        f"--run={run}",
        f"--input={file}",
        f"--input={tmp_path / 'new.npy'}",
        f"--output={output}",
    )
    assert result.returncode == 0, result.stderr
    with open(output, encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 245
    assert rows[3]["id"] == "note_3"
    assert rows[3]["path"] == "https://example.org/3"
    for first, again in zip(rows[:5], rows[240:], strict=True):
        assert first["predicted_label"] == again["predicted_label"]
    np.save(tmp_path / "wide.npy", np.zeros((2, 9)))
    result = commands.run(
        "trainers.predict",
        f"--run={run}",
        f"--input={tmp_path / 'wide.npy'}",
        f"--output={tmp_path / 'q.csv'}",
    )
    assert result.returncode == 2
    assert "of 6 columns" in result.stderr


@pytest.mark.large
def test_an_export_takes_features(run, tmp_path):
    import tensorflow as tf

    output = tmp_path / "served"
    result = commands.run("export", f"--run={run}", f"--output={output}")
    assert result.returncode == 0, result.stderr
    [name] = [n for n in os.listdir(output) if n.startswith("elr")]
    loaded = tf.saved_model.load(str(output / name / "1"))
    answer = loaded.signatures["serving_default"](
        features=tf.zeros([2, 6], tf.float32)
    )
    np.testing.assert_allclose(
        tf.reduce_sum(answer["probabilities"], axis=1), [1.0, 1.0], rtol=1e-5
    )
    card = (output / name / "1" / "README.md").read_text(encoding="utf-8")
    assert "float32 [B, 6]" in card and "pixels" not in card
    assert "vector" in (output / "request_rest.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["sanm", "simclr", "moco", "c2d"])
def test_methods_of_pixels_are_refused_before_tensorflow(method, file):
    with pytest.raises(UsageError, match=f"because {method} .*, elr, "):
        feature_flags.check(method, f"features:{file}", {})


def test_a_host_of_pixels_is_refused():
    with pytest.raises(UsageError, match="because sanm needs"):
        feature_flags.check("dmlp/sanm", "features:x.npz", {})


@pytest.mark.parametrize(
    ("flag", "value"), [("image_size", 32), ("noise_type", "open_set")]
)
def test_flags_of_pictures_are_refused(flag, value):
    with pytest.raises(UsageError, match=f"--{flag}: expected .*{value}"):
        feature_flags.check("elr", "features:x.npz", {flag: value})


def test_files_are_checked_by_name(tmp_path):
    with pytest.raises(UsageError, match="ends in .npz, .npy, .parquet"):
        data_flags.check("features:x.pkl")
    with pytest.raises(UsageError, match="which is no file"):
        data_flags.check(f"features:{tmp_path / 'x.npz'}")
    with pytest.raises(UsageError, match="--labels: .*features:FILE alone"):
        data_flags.reading("digits", {"labels": "x.csv"})


def test_presets_of_all_methods_are_of_networks_for_vectors():
    for method in presets.methods():
        if method in feature_flags.OF_PIXELS:
            continue
        row = presets.preset(method, "features:x.npz", "symmetric", 0.4)
        assert row.network == "mlp" and row.image_size is None
        assert row.epochs <= 40 and row.width is None
        assert row.source.startswith("noisy_keras, for features")
