"""`--loggers`: where metrics go beside `metrics.jsonl`."""

import csv
import importlib.util
import json
import os

import keras
import numpy as np
import pytest

from tests.commands import assert_refused
from tests.commands import train
from trainers import UsageError
from trainers.run import loggers

SMALL = (
    "--max_train_samples=200",
    "--epochs=2",
    "--width=4",
    "--batch_size=64",
)


def test_names_are_checked():
    assert loggers.check(["csv", "tensorboard"]) == ("csv", "tensorboard")
    assert loggers.check(["none"]) == ()
    for wrong in (["csv", "none"], [], ["comet"]):
        with pytest.raises(UsageError, match="--loggers: expected some of ten"):
            loggers.check(wrong)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_package_that_is_missing_is_named_with_its_extra(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = f"{name} is not: pip install 'noisy_keras\\[{name}\\]'"
    with pytest.raises(UsageError, match=message):
        loggers.check(["csv", name])
    assert loggers.check(["csv"]) == ("csv",)


def test_an_unknown_logger_ends_a_run_before_it_begins(tmp_path):
    result = train("sanm", "--loggers=comet", f"--output_dir={tmp_path}/run")
    assert_refused(result, "--loggers: expected some of tensorboard, csv, ")
    assert not (tmp_path / "run").exists()


class Sometimes(keras.callbacks.Callback):
    """Reports a metric in the first epoch and every third one then."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch % 3 == 0:
            logs["knn"] = float(epoch)


def fitted(folder, epochs, initial_epoch=0):
    """The rows of the table after some epochs of a small model."""
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    model.compile(loss="mse")
    model.fit(
        np.zeros([4, 2]),
        np.ones([4, 1]),
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[Sometimes(), *loggers.callbacks(["csv"], folder, {})],
        verbose=0,
    )
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_table_goes_on_with_its_columns_and_without_epochs_twice(tmp_path):
    rows = fitted(tmp_path, 3)
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    # Killed before the checkpoint of its third epoch.
    rows = fitted(tmp_path, 5, initial_epoch=2)
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["knn"] for row in rows] == ["0.0", "NA", "NA", "3.0", "NA"]
    assert all(float(row["loss"]) > 0.0 for row in rows)
    # Nothing is left to train.
    assert fitted(tmp_path, 5, initial_epoch=5) == rows
    # From the start.
    assert len(fitted(tmp_path, 1)) == 1


def test_a_phase_has_a_table_of_its_own(tmp_path):
    [logger] = loggers.callbacks(["csv"], tmp_path, {}, phase="ssl")
    assert logger.filename == str(tmp_path / "metrics_ssl.csv")


@pytest.mark.large
def test_loggers_are_switched_off_and_on(tmp_path):
    folder = tmp_path / "run"
    flags = (f"--output_dir={folder}", *SMALL)
    result = train("cross_entropy", *flags, "--loggers=none")
    assert result.returncode == 0, result.stderr
    assert not (folder / "tensorboard").exists()
    assert "tensorboard" not in result.stdout
    result = train(
        "simclr", f"--output_dir={tmp_path}/b", *SMALL, "--loggers=csv"
    )
    assert result.returncode == 0, result.stderr
    assert "metrics.csv" in result.stdout
    with open(tmp_path / "b" / "metrics.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    lines = (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()
    for row, line in zip(rows, lines, strict=True):
        record = json.loads(line)
        assert float(row["loss"]) == pytest.approx(record["loss"], abs=1e-6)
        assert float(row["knn_test"]) == pytest.approx(
            record["knn_test"], abs=1e-6
        )


@pytest.mark.large
def test_mlflow_has_the_metrics_of_a_run(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    folder = tmp_path / "run"
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    flags = (f"--output_dir={folder}", *SMALL, "--loggers=mlflow")
    for _ in range(2):  # Told again, it is no other run.
        result = train("cross_entropy", *flags, env=env, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    assert os.listdir(tmp_path) == ["run"]
    assert not (folder / "tensorboard").exists()
    assert f"mlflow ui --backend-store-uri sqlite:///{folder}" in result.stdout
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    [experiment] = client.search_experiments(filter_string="name='noisy_keras'")
    [found] = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == "run" and found.info.status == "FINISHED"
    assert found.data.params["training.epochs"] == "2"
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for name in ("loss", "val_accuracy", "test_accuracy", "label_auc"):
        logged = client.get_metric_history(found.info.run_id, name)
        assert [m.step for m in logged] == [0, 1]
        expected = [record[name] for record in records]
        assert [m.value for m in logged] == pytest.approx(expected, abs=1e-6)


@pytest.mark.large
def test_wandb_has_the_metrics_of_a_run_offline(tmp_path):
    pytest.importorskip("wandb")
    folder = tmp_path / "run"
    env = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    flags = (f"--output_dir={folder}", *SMALL, "--loggers=csv,wandb")
    result = train("cross_entropy", *flags, env=env, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert os.listdir(tmp_path) == ["run"]
    # Its records are Protocol Buffers, with values as JSON texts.
    [file] = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    content = file.read_bytes()
    with open(folder / "metrics.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2
    for row in rows:
        for name in ("loss", "val_accuracy", "label_auc"):
            assert f"epoch/{name}".encode() in content
            assert row[name].encode() in content
