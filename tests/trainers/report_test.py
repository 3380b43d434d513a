"""The report of a run, from the command line and at a run's end."""

import csv
import functools
import io
import json

import numpy as np
import pytest
from rich import console

import noisy_keras as nk
from tests import commands
from tests import toy
from tests.reporting import run as made
from trainers.run import prepare
from trainers.run import reporting

command = functools.partial(commands.run, "trainers.report")


@pytest.mark.large
def test_a_page_is_made_of_any_run(tmp_path):
    run = tmp_path / "run"
    made.write(run, ["cat", "dog"])
    result = command(f"--run={run}", f"--output={tmp_path / 'page.html'}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"wrote {tmp_path / 'page.html'}\n"
    # Its data cannot be had again, which costs the pictures alone.
    assert result.stderr.startswith("without pictures of suspects: --run:")
    assert len(result.stderr.splitlines()) == 1
    text = (tmp_path / "page.html").read_text()
    assert "Most suspect labels" in text and not (run / "report.html").exists()


@pytest.mark.parametrize(
    "config, message",
    [
        (None, "--run: expected the settings of a run in"),
        ("{", "--run: expected the settings of a run in"),
        ("[1]", "--run: expected the settings of a run in"),
    ],
)
def test_a_folder_without_a_run_is_reported_in_a_line(
    tmp_path, config, message
):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    result = command(f"--run={tmp_path}")
    assert result.returncode == 2 and message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_folder_is_reported_in_a_line(tmp_path):
    result = command(f"--run={tmp_path / 'none'}")
    assert result.returncode == 2
    assert "which is no folder" in result.stderr


def a_run(validation=None):
    """A run that predicts without having been trained."""
    source = toy.source(32)
    test = toy.source(20, rate=0.5, seed=1)
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(nk.MomentumSGD(0.05))
    return prepare.Run(None, source, validation, test, model, None)


def test_calibration_is_of_true_labels_where_these_are_known():
    run = a_run()
    found = reporting.calibration(run, None)
    probabilities = run.model.predict(run.test, verbose=0)
    right = probabilities.argmax(axis=1) == run.test.true_labels
    assert found["labels"] == "true" and found["split"] == "test"
    assert found["samples"] == sum(found["count"]) == 20
    assert found["overall_accuracy"] == pytest.approx(right.mean())
    assert found["expected_calibration_error"] == pytest.approx(
        nk.analysis.expected_calibration_error(
            probabilities, run.test.true_labels
        )
    )
    # What JSON cannot hold is not in it.
    json.dumps(found, allow_nan=False)


def test_calibration_that_fails_loses_no_run():
    printed = io.StringIO()
    run = a_run()
    run.model = None
    assert reporting.calibration(run, console.Console(file=printed)) is None
    assert printed.getvalue().startswith("calibration could not be measured (")


def test_a_report_that_fails_loses_no_run(tmp_path):
    printed = io.StringIO()
    out = console.Console(file=printed, soft_wrap=True)
    assert reporting.write(a_run(), tmp_path, out) == []
    [line] = printed.getvalue().splitlines()
    assert line.startswith(
        "report.html could not be written (ConfigurationError: "
    )


def test_a_run_has_its_page_and_the_same_in_tensorboard(tmp_path):
    import tensorflow as tf

    run = a_run()
    names = [str(n) for n in run.train.class_names]
    made.write(tmp_path, names, samples=32, divisions=(1, 2, 3))
    with open(tmp_path / "label_audit.csv", newline="") as stream:
        # Pictures are looked up by the ids in the file.
        run.train.ids = np.array([row["id"] for row in csv.DictReader(stream)])
    out = console.Console(file=io.StringIO())
    [(name, _)] = reporting.write(run, tmp_path, out)
    assert (tmp_path / name).stat().st_size < 5_000_000
    [events] = (tmp_path / "tensorboard").iterdir()
    tags = {
        value.tag: np.asarray(value.tensor.string_val, object)
        for record in tf.compat.v1.train.summary_iterator(str(events))
        for value in record.summary.value
    }
    assert set(tags) == {
        "given_and_suggested",
        "losses",
        "most_suspect",
        "noise_by_class",
        "reliability",
    }
    # Width and height, then the pictures.
    assert len(tags["reliability"]) == 3 and len(tags["most_suspect"]) > 3
