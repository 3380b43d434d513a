"""The analysis of finished runs, from the command line and in parts."""

import functools
import json
import os

import keras
import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from tests import commands
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.inspection import analysis
from trainers.run import data as data_module
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import progress

FILES = {
    "class_maps_network_1.png",
    "detection.json",
    "measure_histogram.png",
    "probes.json",
    "probes.png",
}


def a_run(folder, backbone=None, **flags):
    """A finished run, quickly: one short epoch of cross-entropy."""
    settings = resolve("cross_entropy", max_train_samples=200, **flags)
    train, *_ = data_module.sources(settings.data, None)
    network = backbone or nk.networks.build("tiny", train, width=4)
    model = nk.CrossEntropy(network, train.num_samples)
    model.compile(nk.MomentumSGD(0.05))
    model.fit(train, epochs=1, batch_size=32, verbose=0)
    run_folder.keep_labels(folder, train, resumed=False)
    run_folder.write_json(
        folder / "config.json", {"settings": settings.as_dict()}
    )
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    keras.utils.set_random_seed(0)
    return a_run(tmp_path_factory.mktemp("run"))


command = functools.partial(commands.run, "trainers.analyze")


def test_a_run_is_analyzed(run):
    result = command(f"--run={run}", "--samples=100", "--pairs=2")
    assert result.returncode == 0, result.stderr
    out = result.stdout
    assert "cross_entropy on digits: 200 training pictures" in out
    assert "all wrong labels" in out and "own classifier" in out
    assert "Trained on true labels of 100 pictures" in out
    assert "cuda" not in (out + result.stderr).lower()
    folder = run / "analysis"
    assert set(os.listdir(folder)) == FILES | {"tensorflow.log"}
    for name in FILES:
        if name.endswith(".png"):
            with Image.open(folder / name) as picture:
                assert min(picture.size) > 300
    detection = json.loads((folder / "detection.json").read_text())
    assert detection["samples"] == detection["truth_known"] == 200
    assert detection["mixture"]["outcome"] == "fitted"
    for name in ("label_audit", "beta_mixture"):
        kinds = [q["kind"] for q in detection[name]["quality"]]
        assert kinds == ["all", "in_distribution", "pair", "pair"]
        whole = detection[name]["quality"][0]
        called = whole["found"] + whole["false_alarms"]
        assert called == detection[name]["called_wrong"]
    probes = json.loads((folder / "probes.json").read_text())
    assert probes["judged_on"] == "test" and probes["labels"] == "true"
    assert probes["train_samples"] == probes["judged_samples"] == 100
    depths = [p["depth"] for p in probes["probes"]]
    assert depths == ["stem", "block 1", "block 2", "embedding"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--run=nowhere"], "--run: expected the folder of a finished run"),
        ([], "--run: expected the folder of a run; got none"),
        (["--run=RUN", "--only=probes,maps"], "--only: expected parts of"),
        (["--run=RUN", "--only="], "--only: expected parts of"),
        (["--run=EMPTY"], "with config.json"),
        (["--run=RUN", "probes"], "flags of the form --name=value"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(run, tmp_path, flags, message):
    places = {"RUN": str(run), "EMPTY": str(tmp_path)}
    for name, path in places.items():
        flags = [flag.replace(name, path) for flag in flags]
    result = command(*flags)
    commands.assert_refused(result, message)


def copied(run, folder, **replaced):
    """A run whose files are others; None leaves one out."""
    for name in ("config.json", "model.keras", "noise_manifest.npz"):
        content = replaced.get(name.split(".")[0], (run / name).read_bytes())
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"model": None}, "a finished run with model.keras; .* has none"),
        ({"model": b"PK not so"}, "expected a model that a trainer saved"),
        ({"noise_manifest": b"PK not so"}, "expected a noise manifest in"),
        ({"config": b"{}"}, "expected the settings of a run in"),
        (
            {"config": b'{"settings": {"method": "a", "data": {"dataset": '},
            "expected the settings of a run in",
        ),
        (
            {
                "config": b'{"settings": {"method": "a", "data": '
                b'{"dataset": "digits"}}}'
            },
            "expected the setting 'image_size' in the config.json",
        ),
    ],
)
def test_folders_without_a_run_are_reported(run, tmp_path, replaced, message):
    with pytest.raises(UsageError, match=message) as caught:
        finished_run.load(copied(run, tmp_path, **replaced), None)
    assert "\n" not in str(caught.value)


def test_other_data_and_models_are_reported(run, tmp_path):
    config = json.loads((run / "config.json").read_text())
    config["settings"]["data"]["max_train_samples"] = 300
    changed = json.dumps(config).encode()
    folder = copied(run, tmp_path, config=changed)
    with pytest.raises(UsageError, match="Expected every sample in the man"):
        finished_run.load(folder, None)
    config["settings"]["data"]["max_train_samples"] = 100
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="other samples or labels"):
        finished_run.load(folder, None)
    copied(run, tmp_path)
    toy = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    toy.save(folder / "model.keras")
    with pytest.raises(UsageError, match="got a Sequential"):
        finished_run.load(folder, None)


def parts(run, folder, *names):
    out = progress.make_console()
    with out.capture() as message:
        analysis.write(
            finished_run.load(run, None),
            folder,
            out,
            parts=names,
            samples=50,
            pictures=4,
            pairs=3,
            seed=1,
        )
    return message.get()


def test_foreign_pictures_have_rows_of_their_own(tmp_path):
    run = a_run(
        tmp_path,
        noise_type="open_set",
        noise_rate=0.2,
        noise_foreign_classes=["8", "9"],
    )
    message = parts(run, tmp_path, "detection", "histogram")
    assert "foreign pictures" in message and "in distribution" not in message
    written = {p.name for p in tmp_path.iterdir()}
    assert {"detection.json", "measure_histogram.png"} <= written
    assert "probes.json" not in written


def test_labels_as_found_have_no_precision_but_pictures(tmp_path):
    """And a network whose head is not linear has no class maps."""
    inputs = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(4, 3, strides=4)(inputs)
    embedding = keras.layers.GlobalMaxPooling2D(name="embedding")(features)
    hidden = keras.layers.Dense(6, activation="relu")(embedding)
    logits = keras.layers.Dense(10, name="logits")(hidden)
    outputs = {"features": features, "embedding": embedding, "logits": logits}
    run = a_run(
        tmp_path,
        keras.Model(inputs, outputs),
        noise_type="none",
    )
    message = parts(run, tmp_path, "detection", "class_maps")
    assert "No label is known to be wrong" in message
    assert "network 1: no class maps, because" in message
    content = json.loads((tmp_path / "detection.json").read_text())
    assert content["truth_known"] == 0
    assert content["label_audit"]["quality"] == []
    assert not np.any([n.startswith("class_maps") for n in os.listdir(run)])
