"""Commands that encode images once, with a frozen backbone."""

import csv
import json

import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import commands

LIMITS = ("--max_train_samples=120", "--epochs=4", "--batch_size=20")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A network that has learnt a little of the digits."""
    keras.utils.set_random_seed(0)
    source = nk.data.load("digits")
    model = nk.CrossEntropy("tiny", source)
    model.compile(nk.MomentumSGD(0.05))
    model.fit(source, epochs=3, verbose=0)
    path = tmp_path_factory.mktemp("backbone") / "digits.keras"
    model.networks[0].save(path)
    return path


@pytest.fixture(scope="module")
def run(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = (
        f"--frozen_backbone={backbone}",
        f"--output_dir={folder}",
        "--export",
        *LIMITS,
    )
    result = commands.train("elr", *flags)
    assert result.returncode == 0, result.stderr
    assert "features of 660 of 660 images" in result.stdout
    assert "trained on 64 features of each image, made once" in result.stdout
    return folder, flags


@pytest.mark.large
def test_the_model_of_a_run_takes_images(run):
    folder, _ = run
    with open(folder / "summary.json", encoding="utf-8") as stream:
        found = json.load(stream)
    test = nk.data.load("digits", split="test")
    for name, which in (
        ("best.keras", "best_by_validation"),
        ("model.keras", "kept"),
    ):
        model = keras.models.load_model(folder / name)
        right = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        # Features are kept in 16 bits.
        assert right == pytest.approx(found[which]["test"], abs=0.01)
        assert right > 0.3
    served = keras.layers.TFSMLayer(
        str(folder / "export" / "1"), call_endpoint="predict_images"
    )
    images = test.fetch(np.arange(20))
    np.testing.assert_allclose(
        served(images)["probabilities"].numpy().argmax(axis=1),
        model.predict(images, verbose=0).argmax(axis=1),
    )


@pytest.mark.large
def test_a_run_goes_on_with_the_features_that_are_there(run):
    folder, flags = run
    made = (folder / "features.npz").stat().st_mtime_ns
    result = commands.train("elr", *flags)
    assert result.returncode == 0, result.stderr
    assert "features of" not in result.stdout.replace("64 features of", "")
    assert (folder / "features.npz").stat().st_mtime_ns == made
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 390
