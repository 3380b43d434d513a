"""Training on picture files from the command line."""

import csv
import json

import pytest

from noisy_keras.data import example
from tests import commands
from tests import drawn

SMALL = ("--network=tiny", "--image_size=32", "--learning_rate=0.05")


def run(trainer, *flags):
    return commands.train(trainer, *SMALL, *flags)


@pytest.mark.parametrize(
    "trainer",
    ["cross_entropy", pytest.param("simclr", marks=pytest.mark.large)],
)
def test_a_folder_is_trained_on_and_unreadable_pictures_are_listed(
    tmp_path, trainer
):
    example.write(tmp_path / "pictures")
    (tmp_path / "pictures" / "3" / "empty.jpg").write_bytes(b"")
    result = run(
        trainer,
        f"--dataset=folder:{tmp_path}/pictures",
        f"--output_dir={tmp_path}/run",
        "--epochs=1",
        "--max_train_samples=300",
    )
    assert result.returncode == 0, result.stderr
    assert "300 training images, 10 classes" in result.stdout
    # Lines may be broken at the width of the console.
    printed = " ".join(result.stdout.split())
    assert "1797 images in 10 classes: " in printed
    assert "left out: 1 file: 3/empty.jpg (empty file)" in printed
    with open(tmp_path / "run" / "unreadable.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [{"path": "3/empty.jpg", "reason": "empty file"}]
    with open(tmp_path / "run" / "label_audit.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["split"] for row in rows].count("train") == 300
    assert all(row["path"] for row in rows)


def test_missing_files_are_reported_before_training(tmp_path):
    drawn.clothing1m(tmp_path, train=28, judged=14)
    (tmp_path / "images" / "0" / "000000.jpg").unlink()
    result = run("sanm", "--dataset=clothing1m", f"--data_dir={tmp_path}")
    assert result.returncode == 2
    assert "1 of 28 listed files missing" in result.stderr
    assert "images/0/000000.jpg" in result.stderr
    result = run("sanm", "--dataset=clothing1m")
    assert result.returncode == 2
    assert "noisy_label_kv.txt" in result.stderr


@pytest.mark.large
def test_clothing1m_is_trained_on_as_published(tmp_path):
    rate = drawn.clothing1m(tmp_path / "data")
    result = run(
        "sanm",
        "--dataset=clothing1m",
        f"--data_dir={tmp_path}/data",
        f"--output_dir={tmp_path}/run",
        "--epochs=14",
        "--warmup_epochs=8",
        "--batch_size=32",
        # Its own settings are for a million pictures.
        "--network=tiny",
        "--image_size=32",
        "--learning_rate=0.05",
        "--weight_decay=0.0005",
    )
    assert result.returncode == 0, result.stderr
    assert "700 training images, 14 classes" in result.stdout
    with open(tmp_path / "run" / "summary.json", encoding="utf-8") as stream:
        summary = json.load(stream)
    assert summary["effective_noise_rate"] == pytest.approx(rate, abs=1e-6)
    assert summary["labels"]["label_auc"] > 0.9
    assert summary["final"]["test"] > 0.8


@pytest.mark.large
def test_noise_of_unknown_rate_is_estimated_and_settings_follow(tmp_path):
    example.write(tmp_path / "pictures")
    flags = (
        f"--dataset=folder:{tmp_path}/pictures",
        f"--output_dir={tmp_path}/run",
        "--warmup_epochs=2",
        "--steps_per_epoch=4",
        "--epochs=3",
    )
    result = run("dividemix", *flags)
    assert result.returncode == 0, result.stderr
    assert "noise to be estimated while training" in result.stdout
    assert "estimated noise:" in result.stdout
    assert "settings from here on: unlabeled_weight" in result.stdout
    found = json.loads((tmp_path / "run" / "noise_estimate.json").read_text())
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["estimated_noise_rate"] == found["rate"]
    assert 0.0 < found["rate"] < 1.0
    # A flag of the user's own stays.
    result = run(
        "dividemix",
        *flags[:1],
        *flags[2:],
        f"--output_dir={tmp_path}/other",
        "--unlabeled_weight=7",
    )
    assert "estimated noise:" in result.stdout
    assert "settings from here on: unlabeled_weight" not in result.stdout


@pytest.mark.large
def test_where_the_noise_is_unknown_evidence_decides(tmp_path):
    example.write(tmp_path / "pictures")
    result = run(
        "sanm",
        f"--dataset=folder:{tmp_path}/pictures",
        f"--output_dir={tmp_path}/run",
        "--network=tiny",
        "--image_size=32",
        "--epochs=8",
    )
    assert result.returncode == 0, result.stderr
    assert "8 epochs are too few for a division" in result.stdout
    assert "which predictions contradict most, are corrected" in result.stdout
    found = json.loads((tmp_path / "run" / "noise_estimate.json").read_text())
    low, high = found["interval"]
    assert low <= found["rate"] <= high
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["estimated_noise_rate"] == found["rate"]
    assert 1 <= summary["kept_epoch"] <= 8
    assert summary["labels"]["evidence"] == "cross_epoch_history"
    assert (tmp_path / "run" / "checkpoints" / "best_epoch.npz").exists()


@pytest.mark.large
def test_shards_are_trained_on(tmp_path):
    example.write(tmp_path / "pictures")
    made = commands.run(
        "noisy_keras.data.shard",
        f"--source=folder:{tmp_path}/pictures",
        f"--output={tmp_path}/shards",
        "--shards=2",
    )
    assert made.returncode == 0, made.stderr
    result = run(
        "cross_entropy",
        f"--dataset=tfrecord:{tmp_path}/shards",
        f"--output_dir={tmp_path}/run",
        "--epochs=1",
        "--max_train_samples=200",
    )
    assert result.returncode == 0, result.stderr
    assert "200 training images, 10 classes" in result.stdout
