"""DMLP and C2D as a user meets them, in processes of their own."""

import csv
import json

import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import commands
from tests.commands import train
from tests.trainers.command_line_test import HOSTED

SMALL, BEFORE = HOSTED[:4], HOSTED[4:]
DMLP = (*SMALL, "--trusted_total=50", "--purifier_epochs=6")


@pytest.mark.large
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--features=FILE"], "--features: Expected 1257 rows"),
        (["--trusted_total=9"], "--trusted_total: expected at least one"),
        (["--trusted_csv=FEW"], "expected samples of all 10 classes; got none"),
        (["--substitution_rate=2"], "`substitution_rate` in (0, 1]"),
        (["--trusted_total=10"], "trusted samples to spare, to be held out"),
        (["--features=OTHER"], "as the network was built for"),
    ],
)
def test_unusable_data_is_reported_before_training(tmp_path, flags, message):
    np.save(tmp_path / "features.npy", np.ones((5, 3), np.float32))
    network = nk.networks.build(
        "tiny", image_shape=(12, 12, 3), num_classes=10, width=4
    )
    network.save(tmp_path / "other.keras")
    known = nk.data.load("digits").ids[0]
    (tmp_path / "few.csv").write_text(f"id,label\n{known},0\n")
    names = {"FILE": "features.npy", "OTHER": "other.keras", "FEW": "few.csv"}
    for name, file in names.items():
        flags = [flag.replace(name, str(tmp_path / file)) for flag in flags]
    folder = tmp_path / "run"
    result = train("dmlp", f"--output_dir={folder}", *SMALL, *flags)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not folder.exists()


@pytest.fixture(scope="module")
def purified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "dmlp"
    flags = (f"--output_dir={folder}", *DMLP, *BEFORE)
    return folder, flags, train("dmlp", *flags)


@pytest.mark.large
def test_a_run_purifies_and_trains_on_what_it_purified(purified):
    folder, flags, result = purified
    assert result.returncode == 0 and result.stderr == "", result.stderr
    out = result.stdout
    assert "250 training images, 10 classes, 40% symmetric" in out
    assert "50 trusted images (5 per class), 50 of them taken out" in out
    assert "epoch 2/4" in out and " s  pretrain\n" in out
    assert "epoch 4/4" in out and " s  host\n" in out
    assert "250 labels are purified with 50 trusted samples" in out
    summary = json.loads((folder / "summary.json").read_text())
    found = summary["purification"]
    right = found["right_labels"]
    assert right["before"] == 1.0 - summary["effective_noise_rate"]
    message = (
        f"labels: {right['before']:.1%} right before, {right['after']:.1%}"
    )
    assert out.count(message) == 2 and "Purified labels: " in out
    assert list(summary["phases"]) == ["host"] and "detections" not in summary
    labels = nk.PurifiedLabels.load(folder / "phases" / "purified.npz")
    assert len(labels) == 250
    assert found["replaced"] == labels.replaced.sum()
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows = [r for r in rows if r["split"] == "train"]
    assert [r["suggested_label"] for r in rows] == [
        str(c) for c in labels.label
    ]
    assert [r["given_label"] for r in rows] == [
        str(c) for c in labels.given_label
    ]
    model = keras.models.load_model(folder / "model.keras")
    assert type(model) is nk.CrossEntropy
    again = train("dmlp", *flags)
    assert again.returncode == 0 and "epoch 4/4" not in again.stdout
    assert message in again.stdout
    looked = commands.run(
        "trainers.analyze", f"--run={folder}", "--only=detection"
    )
    assert looked.returncode == 0, looked.stderr


@pytest.mark.large
def test_purified_labels_are_exported(purified):
    folder, _, _ = purified
    result = commands.run("export", "--labels", f"--run={folder}")
    assert result.returncode == 0, result.stderr
    labels = nk.PurifiedLabels.load(folder / "phases" / "purified.npz")
    # And those of the 270 samples of the validation split.
    assert "520 labels, " in result.stdout
    with np.load(folder / "labels" / "labels.npz") as arrays:
        train = arrays["split"] == "train"
        assert train.sum() == 250
        np.testing.assert_array_equal(arrays["label"][train], labels.label)
        np.testing.assert_allclose(
            arrays["probabilities"][train], labels.labels
        )


@pytest.mark.large
def test_features_of_a_run_and_of_a_file(tmp_path):
    encoder = tmp_path / "simclr"
    flags = ("--width=4", "--epochs=2", "--batch_size=64")
    made = train("simclr", f"--output_dir={encoder}", *flags)
    assert made.returncode == 0, made.stderr
    network = keras.models.load_model(encoder / "encoder.keras")
    rows = nk.features.compute(nk.data.load("digits"), network)
    np.save(tmp_path / "features.npy", rows)
    message = []
    for features in (encoder, tmp_path / "features.npy"):
        folder = tmp_path / f"run-{features.name}"
        result = train(
            "dmlp", f"--output_dir={folder}", f"--features={features}", *DMLP
        )
        assert result.returncode == 0, result.stderr
        assert "pretrain" not in result.stdout
        kept = nk.PurifiedLabels.load(folder / "phases" / "purified.npz")
        message.append(kept.labels)
    np.testing.assert_allclose(message[0], message[1], atol=1e-4)
    folder = tmp_path / "c2d"
    result = train(
        "c2d",
        f"--output_dir={folder}",
        f"--encoder={encoder}",
        "--max_train_samples=300",
        "--epochs=2",
        "--warmup_epochs=1",
        # Not as the encoder was trained.
        "--mixed_precision",
    )
    assert result.returncode == 0, result.stderr
    model = keras.models.load_model(folder / "model.keras")
    assert type(model) is nk.DivideMix
    kinds = {layer.compute_dtype for layer in model.networks[0].layers}
    assert kinds == {"bfloat16", "float32"}
    assert model.networks[1].count_params() == network.count_params()
    summary = json.loads((folder / "summary.json").read_text())
    assert "purification" not in summary and summary["final"]["epoch"] == 2


@pytest.mark.large
def test_c2d_of_unknown_noise_estimates_it_after_its_own_warm_up(tmp_path):
    from noisy_keras.data import example

    pictures = tmp_path / "pictures"
    example.write(str(pictures))
    folder = tmp_path / "run"
    result = train(
        "c2d",
        f"--output_dir={folder}",
        f"--dataset=folder:{pictures}",
        "--network=tiny",
        "--image_size=16",
        "--warmup_epochs=1",
        *SMALL,
        *BEFORE,
    )
    assert result.returncode == 0, result.stderr
    message = json.loads((folder / "noise_estimate.json").read_text())
    assert message["epoch"] == 3  # Two of SimCLR, one of warm-up.
    assert "estimated noise: " in result.stdout
