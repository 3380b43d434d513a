"""The command line as a user meets it, in processes of its own."""

import collections
import csv
import json
import os

import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import cluster
from tests.commands import run
from tests.commands import train
from tests.commands import words

SMALL = (
    "--max_train_samples=200",
    "--width=4",
    "--epochs=3",
    "--warmup_epochs=1",
    "--batch_size=32",
    "--export",
)
DRPL = (
    "--max_train_samples=200",
    "--width=4",
    "--epochs=7",
    "--noise_type=asymmetric",
)
IEG = (
    "--max_train_samples=260",
    "--trusted=3",
    "--width=4",
    "--epochs=2",
    "--batch_size=32",
    "--noise_rate=0.5",
)
WORKERS = (
    "--max_train_samples=260",
    "--width=4",
    "--epochs=2",
    "--batch_size=32",
    "--noise_rate=0.5",
)
SIMCLR = (
    "--max_train_samples=200",
    "--width=4",
    "--epochs=3",
    "--batch_size=64",
    "--knn_every=2",
)

HOSTED = (
    "--max_train_samples=300",
    "--width=4",
    "--epochs=2",
    "--batch_size=32",
    "--pretrain_epochs=2",
    "--pretrain_batch_size=64",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sanm"
    return folder, train("sanm", f"--output_dir={folder}", *SMALL)


def test_a_run_prints_its_settings_and_its_results(finished):
    folder, result = finished
    assert result.returncode == 0, result.stderr
    out = result.stdout
    assert "settings: noisy_keras, chosen on the digits" in out
    assert "replaced by flags: epochs, width, batch_size, warmup_epochs" in out
    assert "200 training images, 10 classes, 40% symmetric noise" in out
    assert "epoch 3/3" in out and "suspect labels" in out
    assert "best by validation" in out and "mean of last 3" in out
    assert "Labels called wrong" in out
    assert f"Files in {folder}" in out
    # Nothing of TensorFlow's own on the way.
    assert "cuda" not in (out + result.stderr).lower()


def test_a_run_leaves_its_files(finished):
    folder, _ = finished
    assert set(os.listdir(folder)) == {
        "best.keras",
        "checkpoints",
        "config.json",
        "calibration.json",
        "export",
        "label_audit.csv",
        "loss_histograms.jsonl",
        "metrics.jsonl",
        "model.keras",
        "noise_manifest.npz",
        "pictures",
        "report.html",
        "samples.npz",
        "summary.json",
        "tensorboard",
        "tensorflow.log",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["training"]["seed"] == 0
    assert 0.3 < config["effective_noise_rate"] < 0.42
    assert config["versions"]["keras"] == keras.__version__
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["selection"]["split"] == "validation"
    assert summary["final"]["epoch"] == 3
    assert set(summary["best_by_validation"]) == {"epoch", "validation", "test"}
    assert len(summary["single_network"]["test"]) == 2
    assert summary["labels"]["samples"] == 200
    with open(folder / "metrics.jsonl") as stream:
        records = [json.loads(line) for line in stream]
    assert [r["epoch"] for r in records] == [1, 2, 3]
    assert {
        "loss",
        "val_accuracy",
        "test_accuracy",
        "label_auc",
        "seconds",
    } <= (set(records[-1]))
    with open(folder / "label_audit.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    counts = collections.Counter(row["split"] for row in rows)
    held = summary["labels"]["validation"]["samples"]
    assert counts == {"train": 200, "validation": held} and held > 0
    assert rows[0]["id"].startswith("digit_")
    assert sorted(os.listdir(folder / "pictures")) == [
        "masks.npz",
        "masks_epoch_0003.png",
    ]
    calibration = json.loads((folder / "calibration.json").read_text())
    assert calibration["split"] == "test" and calibration["labels"] == "given"
    assert sum(calibration["count"]) == calibration["samples"]
    assert 0.0 <= calibration["expected_calibration_error"] <= 1.0


def test_the_model_of_a_run_loads_and_predicts(finished):
    import noisy_keras as nk

    folder, _ = finished
    model = keras.models.load_model(folder / "model.keras")
    test = nk.data.load("digits", "test")
    results = model.evaluate(test, verbose=0, return_dict=True)
    summary = json.loads((folder / "summary.json").read_text())
    assert results["accuracy"] == pytest.approx(
        summary["final"]["test"], abs=1e-5
    )


def test_a_run_leaves_what_can_be_served(finished):
    folder, result = finished
    assert "export/1/" in result.stdout
    path = folder / "export" / "1"
    assert (path / "saved_model.pb").exists()
    # Loaded without the package, it said what the model says.
    content = json.loads((path / "metadata.json").read_text())
    assert content["name"] == "sanm-digits"
    assert content["proof"]["largest_difference"] < 1e-5
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["calibration"] == content["calibration"]
    assert "% on test" in (path / "README.md").read_text()


def test_a_finished_run_prints_its_results_again(finished):
    folder, _ = finished
    before = (folder / "metrics.jsonl").read_text()
    result = train("sanm", f"--output_dir={folder}", *SMALL)
    assert result.returncode == 0 and "going on in" in result.stdout
    assert "epoch 3/3" not in result.stdout
    assert "best by validation" in result.stdout
    assert (folder / "metrics.jsonl").read_text() == before
    assert os.listdir(folder / "export") == ["1"]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["calibration"]["samples"] == 270
    assert "export/1/" in result.stdout


def test_another_runs_folder_is_refused_before_training(finished):
    folder, _ = finished
    result = train("sanm", f"--output_dir={folder}", *SMALL, "--seed=5")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "training.seed was 0, now 5" in result.stderr


@pytest.fixture(scope="module")
def drpl(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "drpl"
    flags = [f"--output_dir={folder}", *DRPL]
    return folder, flags, train("drpl", *flags)


@pytest.mark.large
def test_a_run_of_phases_goes_through_all(drpl):
    folder, _, result = drpl
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    out = result.stdout
    for phase in ("relabel", "warmup_1", "ssl", "warmup_2", "final"):
        assert f" s  {phase}\n" in out
    assert "epoch 1/7" in out and "epoch 7/7" in out
    assert "detection 1: " in out and "detection 2: " in out
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary["phases"]) == [
        "relabel",
        "warmup_1",
        "ssl",
        "warmup_2",
        "final",
    ]
    assert summary["final"]["epoch"] == summary["epochs"] == 7
    assert set(summary["detections"]) == {"detection_1", "detection_2"}
    assert "label_auc" in summary["detections"]["detection_2"]
    assert os.path.exists(folder / "phases" / "detection_2.npz")
    model = keras.models.load_model(folder / "model.keras")
    assert type(model).__name__ == "PseudoLabeling"


@pytest.mark.large
def test_missing_or_other_artefacts_are_refused(drpl):
    folder, flags, _ = drpl
    hidden = folder / "phases" / "ssl.npz"
    os.rename(hidden, folder / "ssl.npz")
    result = train("drpl", *flags)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "ssl.npz, from which detection_2.npz" in result.stderr
    os.rename(folder / "ssl.npz", hidden)
    recipe = folder / "phases" / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"seed": 0', '"seed": 1'))
    result = train("drpl", *flags)
    assert result.returncode == 2 and "seed was 1, now 0" in result.stderr


@pytest.mark.large
def test_a_run_with_a_trusted_set_records_its_weights(tmp_path):
    folder = tmp_path / "ieg"
    result = train("ieg", f"--output_dir={folder}", *IEG)
    assert result.returncode == 0, result.stderr
    assert "30 trusted images (3 per class), 30 of them taken" in result.stdout
    assert "230 training images" in result.stdout
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["data"]["trusted"] == 3
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for record in records:
        for name in ("probe_loss", "zero_weights", "weight_clean"):
            assert np.isfinite(record[name])
        assert 0.0 <= record["kept_noisy"] <= 1.0
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        splits = [row["split"] for row in csv.DictReader(stream)]
    assert splits.count("train") == 230
    # A run that goes on takes the same samples, and no others.
    refused = train("ieg", f"--output_dir={folder}", *IEG, "--trusted=4")
    assert refused.returncode == 2 and "trusted" in refused.stderr


@pytest.mark.large
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["id,label", "KNOWN,0", "nobody,1"],
            "1 unknown ids of 2: 'nobody' at line 3. Ids look like",
        ),
        (
            ["id,label", "KNOWN,7"],
            "expected samples of all 10 classes; got none of 0, 1, 2, 3, 4, 5,",
        ),
        (["id,label", "KNOWN,seven"], "1 others: 'seven' at line 2"),
        (["name", "a"], "with the column id or path, and optionally label, in"),
    ],
)
def test_an_unusable_trusted_file_is_reported_in_a_line(
    tmp_path, lines, message
):
    known = nk.data.load("digits").ids[0]
    path = tmp_path / "trusted.csv"
    path.write_text("\n".join(lines).replace("KNOWN", str(known)))
    folder = tmp_path / "run"
    flags = (f"--trusted_csv={path}", f"--output_dir={folder}")
    result = train("ieg", *flags)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and message in result.stderr
    assert result.stderr.startswith("error: --trusted_csv: ")
    assert not folder.exists()


@pytest.mark.large
def test_trusted_samples_of_a_file_are_taken_out_of_training(tmp_path):
    source = nk.data.load("digits")
    rows = [np.flatnonzero(source.labels == c)[c] for c in range(10)]
    lines = [f"{source.ids[r]},{source.labels[r]}" for r in rows]
    path = tmp_path / "trusted.csv"
    path.write_text("\n".join(["id,label", *lines]))
    flags = ("--width=4", "--epochs=1", "--noise_rate=0.5")
    folder = tmp_path / "run"
    result = train(
        "ieg", f"--trusted_csv={path}", f"--output_dir={folder}", *flags
    )
    assert result.returncode == 0, result.stderr
    message = (
        "10 trusted images (1 per class), 10 of them taken out of training"
    )
    assert message in result.stdout
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        ids = {row["id"] for row in csv.DictReader(stream)}
    held = set(nk.data.load("digits", "validation").ids)
    assert held <= ids and len(ids - held) == source.num_samples - 10
    assert not ids & {str(source.ids[r]) for r in rows}


@pytest.mark.large
@pytest.mark.parametrize(
    ("trainer", "flags", "trained"),
    # 30 of IEG's samples are trusted.
    [("cross_entropy", WORKERS, 260), ("ieg", IEG, 230)],
)
def test_two_workers_make_one_run(tmp_path, trainer, flags, trained):
    folder = tmp_path / "run"
    flags = (f"--output_dir={folder}", *flags)
    for out, errors in cluster.run(
        [words(f"trainers.{trainer}", *flags)] * 2, timeout=600
    ):
        assert "2 replicas" in out and errors == ""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        splits = [row["split"] for row in csv.DictReader(stream)]
    assert splits.count("train") == trained
    assert (folder / "summary.json").exists()
    assert (folder / "model.keras").exists()
    assert (folder / "export" / "1" / "saved_model.pb").exists()


@pytest.mark.large
def test_a_run_without_labels_leaves_an_encoder(tmp_path):
    folder = tmp_path / "simclr"
    result = train("simclr", f"--output_dir={folder}", *SIMCLR)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    out = result.stdout
    assert "SGD, learning rate 0.06, then down to 0 by half a cosine" in out
    assert out.count("neighbours: given ") == 3  # Epochs 1, 2 and 3.
    assert "Labels that their neighbours do not share" in out
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {"contrastive", "knn_given", "knn_validation", "knn_test"} <= (
        set(records[-1])
    )
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["final"]["knn_test"] == records[-1]["knn_test"]
    encoder = keras.models.load_model(folder / "encoder.keras")
    model = keras.models.load_model(folder / "model.keras")
    assert type(model) is nk.SimCLR
    test = nk.data.load("digits", "test")
    np.testing.assert_array_equal(
        nk.features.compute(test, encoder), nk.features.compute(test, model)
    )
    assert nk.networks.warm_started(encoder).count_params() == (
        encoder.count_params()
    )
    again = train("simclr", f"--output_dir={folder}", *SIMCLR, "--knn_every=1")
    assert again.returncode == 0 and "epoch 3/3" not in again.stdout
    refused = run("trainers.analyze", f"--run={folder}")
    assert refused.returncode == 2 and "encoder.keras" in refused.stderr


def test_a_diverging_run_stops_and_keeps_its_checkpoint(tmp_path):
    result = train(
        "cross_entropy",
        f"--output_dir={tmp_path}/run",
        "--learning_rate=1e30",
        "--max_train_samples=100",
        "--epochs=2",
        "--width=4",
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: The loss became")
    assert "Traceback" not in result.stderr
