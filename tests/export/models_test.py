import functools
import json
import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from export import models
from noisy_keras.serving import proof
from tests import commands
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.run import data as data_module
from trainers.run import folder as run_folder

DIGITS = [str(k) for k in range(10)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run of cross-entropy."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("run")
    settings = resolve("cross_entropy", max_train_samples=200)
    train, *_ = data_module.sources(settings.data, None)
    network = nk.networks.build("tiny", train, width=4)
    model = nk.CrossEntropy(network, train.num_samples)
    model.compile(nk.MomentumSGD(0.05))
    model.fit(train, epochs=3, batch_size=32, verbose=0)
    run_folder.keep_labels(folder, train, resumed=False)
    config = {
        "settings": settings.as_dict(),
        "classes": DIGITS,
        "samples": 200,
        "noise": train.noise,
        "effective_noise_rate": 0.36,
        "versions": {"noisy_keras": nk.__version__},
    }
    run_folder.write_json(folder / "config.json", config)
    summary = {"final": {"epoch": 3, "validation": 0.4, "test": 0.5}}
    run_folder.write_json(folder / "summary.json", summary)
    model.save(folder / "model.keras")
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


def change(run, **changes):
    path = run / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_run_becomes_a_served_model(run, tmp_path, monkeypatch):
    # The verification in a separate process is tested with the library.
    monkeypatch.setattr(
        proof,
        "prove",
        lambda *_: {"largest_difference": 0.0, "warmup_replayed": 0},
    )
    written = models.write(run, tmp_path / "served")
    path = written.exported.path
    assert path == str(tmp_path / "served" / "cross_entropy-digits" / "1")
    found = written.exported.calibration
    # The network was hardly trained, and a temperature would make it worse.
    assert found.samples == 270 and found.temperature == 1.0
    assert "no better" in found.skipped
    summary = json.loads((run / "summary.json").read_text())
    assert summary["calibration"]["after"] == found.after
    assert summary["final"]["test"] == 0.5
    for name in ("models.config", "docker-compose.yml", "request_rest.py"):
        assert (tmp_path / "served" / name).exists()
    with open(os.path.join(path, "README.md")) as stream:
        card = stream.read()
    for part in (
        "50.00% on test",
        "symmetric",
        "36.0% of the training labels",
        "digits",
        "no better",
    ):
        assert part in card
    loaded = tf.saved_model.load(path)
    source = nk.data.load("digits", split="test")
    images = source.fetch(range(5))
    answer = loaded.signatures["predict_images"](images=images)
    model = keras.models.load_model(run / "model.keras")
    logits = model.logits(images) / found.temperature
    np.testing.assert_allclose(
        answer["probabilities"], tf.nn.softmax(logits), atol=1e-5
    )
    with pytest.raises(UsageError, match="--version: .*exists"):
        models.write(run, tmp_path / "served", version=1)


@pytest.mark.large
def test_the_command_line(run, tmp_path):
    for number in (1, 2):
        result = command(f"--run={run}", f"--output={tmp_path}/served")
        assert result.returncode == 0, result.stderr
        lines = result.stdout.splitlines()
        assert lines[0].endswith(f"served/cross_entropy-digits/{number}")
        assert lines[1].startswith("checked: answers as the model does")
        # As a temperature would have made it worse.
        assert any(x.startswith("Not calibrated: ") for x in lines), lines
    result = command(f"--run={run}", "--format=keras", "--nocalibrate")
    assert result.returncode == 0, result.stderr
    path = result.stdout.splitlines()[0]
    assert path == str(run / "served" / "cross_entropy-digits-keras" / "1")
    model = keras.models.load_model(os.path.join(path, "model.keras"))
    images = nk.data.load("digits", split="test").fetch(range(3))
    before = keras.models.load_model(run / "model.keras")
    np.testing.assert_allclose(model(images), before(images), atol=1e-5)


command = functools.partial(commands.run, "export")


def test_wrong_flags_end_in_one_line(tmp_path):
    for arguments, message in (
        ([], "error: --run: expected the folder of a run; got none"),
        ([f"--run={tmp_path}"], "error: --run: expected a finished run with"),
    ):
        result = command(*arguments)
        assert result.returncode == 2
        [line] = result.stderr.strip().splitlines()
        assert line.startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": []}, r"names of the classes .*got \[\]"),
        ({"classes": None}, "names of the classes .*got None"),
        ({"classes": ["cat"]}, "10 class names"),
        ({"versions": {"noisy_keras": "99.1"}}, "was made by 99.1"),
    ],
)
def test_a_run_that_cannot_be_read_raises(run, tmp_path, changes, message):
    change(run, **changes)
    with pytest.raises(UsageError, match=message):
        models.write(run, tmp_path / "served", calibrate=False)


def test_an_unfinished_run_raises(run):
    (run / "model.keras").unlink()
    with pytest.raises(UsageError, match="goes on when it is started again"):
        models.check(run, None, None)


@pytest.mark.parametrize(
    ("name", "output", "message"),
    [
        ("a/b", None, "--name: .*got 'a/b'"),
        (None, "config.json", "--output: .*is a file"),
    ],
)
def test_an_impossible_target_raises(run, name, output, message):
    with pytest.raises(UsageError, match=message):
        models.check(run, name, output and run / output)


def test_missing_data_skip_the_calibration_with_a_note(run):
    path = run / "config.json"
    config = json.loads(path.read_text())
    config["settings"]["data"]["dataset"] = "folder:/no/such/folder"
    path.write_text(json.dumps(config))
    source, note = models._validation(run, None)
    assert source is None
    assert "data cannot be loaded" in note and "/no/such/folder" in note
