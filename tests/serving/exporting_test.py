import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras import serving
from noisy_keras.core import inputs
from noisy_keras.data.io import decoding
from noisy_keras.serving import exporting
from noisy_keras.serving import proof
from noisy_keras.serving import server_files
from noisy_keras.serving import warmup
from tests import toy
from tests.serving import c_api
from tests.serving import files

NAMES = ["cat", "dog", "owl", "été"]
SIZE = 16


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = nk.DivideMix(toy.network(), 32)
    for network in model.networks:  # Answers that differ from each other.
        kernel = network.get_layer("logits").kernel
        kernel.assign(kernel * 20.0)
    return model


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """An export, verified in a separate process."""
    folder = tmp_path_factory.mktemp("served") / "toy"
    return model.export(folder / "1", class_names=NAMES)


@pytest.fixture(scope="module")
def ask(exported):
    loaded = tf.saved_model.load(exported.path)
    found = dict(loaded.signatures)
    found["loaded"] = loaded  # Keeps its variables alive.
    return found


def expected(model, data):
    """Predictions of the model for files decoded as in training."""
    pictures = [decoding.decode(d, SIZE) for d in data]
    return model.predict(np.stack(pictures), verbose=0)


def test_the_export_is_proven(exported):
    assert exported.proof["largest_difference"] <= 1e-5
    records = 10 if warmup.is_possible() else 0
    assert exported.proof["warmup_replayed"] == records
    with open(os.path.join(exported.path, "metadata.json")) as stream:
        metadata = json.load(stream)
    assert metadata["class_names"] == NAMES
    assert metadata["proof"] == exported.proof
    with open(os.path.join(exported.path, "README.md")) as stream:
        card = stream.read()
    for part in ("ensemble of 2 networks", "cat, dog, owl", "Unknown."):
        assert part in card
    names = os.path.join(exported.path, "assets", "class_names.txt")
    with open(names, encoding="utf-8") as stream:
        assert stream.read().splitlines() == NAMES
    beside = os.listdir(os.path.dirname(exported.path))
    assert beside == ["1"]


def test_bytes_in_probabilities_out(model, ask):
    data = [*files.kinds(1, 1).values(), *files.kinds(23, 40).values()]
    answer = ask["serving_default"](image_bytes=tf.constant(data))
    wanted = expected(model, data)
    assert np.ptp(wanted, axis=0).max() > 0.1
    np.testing.assert_allclose(answer["probabilities"], wanted, atol=1e-5)
    number = answer["class_id"].numpy()
    np.testing.assert_array_equal(number, wanted.argmax(axis=1))
    names = [name.decode() for name in answer["class_name"].numpy()]
    assert names == [NAMES[k] for k in number]
    np.testing.assert_allclose(answer["confidence"], wanted.max(1), atol=1e-5)


@pytest.mark.large
def test_photographs(model, ask):
    image = files.picture(3000, 4000)
    data = [files.encoded(image, kind) for kind in ("JPEG", "PNG")]
    answer = ask["serving_default"](image_bytes=tf.constant(data))
    np.testing.assert_allclose(
        answer["probabilities"], expected(model, data), atol=1e-5
    )


def test_pictures_in_probabilities_out(model, ask):
    images = toy.pictures(5)[0]
    wanted = model.predict(images, verbose=0)
    floats = images.astype(np.float32)
    for name, given in (
        ("predict_images", images),
        ("predict_float_images", floats),
    ):
        answer = ask[name](images=tf.constant(given))
        np.testing.assert_allclose(answer["probabilities"], wanted, atol=1e-5)
    np.testing.assert_allclose(ask["loaded"].serve(floats), wanted, atol=1e-5)
    large = np.asarray(files.picture(40, 23))[None]
    answer = ask["predict_images"](images=tf.constant(large))
    wanted = expected(model, [files.encoded(files.picture(40, 23), "PNG")])
    np.testing.assert_allclose(answer["probabilities"], wanted, atol=1e-5)
    # Floats are not rounded between the passes.
    answer = ask["predict_float_images"](images=tf.constant(large, tf.float32))
    np.testing.assert_allclose(answer["probabilities"], wanted, atol=0.1)


def test_classify_and_embed(model, ask):
    data = list(files.kinds(20, 20).values())[:3]
    examples = [warmup.example(d).SerializeToString() for d in data]
    answer = ask["classify"](inputs=tf.constant(examples))
    np.testing.assert_allclose(
        answer["scores"], expected(model, data), atol=1e-5
    )
    classes = answer["classes"].numpy()
    assert [[c.decode() for c in row] for row in classes] == [NAMES] * 3
    embedding = ask["embed"](image_bytes=tf.constant(data))["embedding"]
    pictures = np.stack([decoding.decode(d, SIZE) for d in data])
    parts = [n(pictures)["embedding"] for n in model.networks]
    np.testing.assert_allclose(embedding, tf.concat(parts, -1), atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="empty"):
        ask["classify"](inputs=tf.constant([examples[0], b""]))


def test_broken_files_fail_their_request_and_no_other(model, ask):
    whole = [files.encoded(files.picture(30, 20), "JPEG")]
    before = ask["serving_default"](image_bytes=tf.constant(whole))
    for broken in files.corrupt(40, seed=1):
        data = tf.constant([*whole, broken, *whole])
        with pytest.raises(tf.errors.InvalidArgumentError):
            ask["serving_default"](image_bytes=data)
    after = ask["serving_default"](image_bytes=tf.constant(whole))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_nan_neither_enters_nor_leaves(ask):
    images = np.zeros((3, SIZE, SIZE, 3), np.float32)
    images[1, 2, 3] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1\]"):
        ask["predict_float_images"](images=tf.constant(images))
    served = serving.ServedClassifier([toy.network()], NAMES)
    kernel = served.networks[0].get_layer("logits").kernel
    kernel.assign(np.inf * np.ones(kernel.shape))
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or inf"):
        served.predict_images(toy.pictures(2)[0])


def test_empty_batches_raise(ask):
    for name, argument, nothing in (
        ("serving_default", "image_bytes", tf.constant([], tf.string)),
        ("predict_images", "images", tf.zeros([0, 9, 9, 3], tf.uint8)),
        ("predict_images", "images", tf.zeros([1, 0, 9, 3], tf.uint8)),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="at least"):
            ask[name](**{argument: nothing})


def test_only_networks_are_saved(model, exported):
    path = os.path.join(exported.path, "variables", "variables")
    saved = [v for v in tf.train.list_variables(path) if "weights" in v[0]]
    count = sum(len(n.variables) for n in model.networks)
    assert len(saved) == count
    others = [v[0] for v in tf.train.list_variables(path) if v not in saved]
    assert others == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


def test_the_loader_of_servers_reads_it(model, exported):
    c = c_api.library()
    if c is None:
        pytest.skip("the wheel does not show the C API")
    session = c_api.Session(c, exported.path)
    data = list(files.kinds(20, 31).values())
    answer = session.run("serving_default", data, "probabilities")
    np.testing.assert_allclose(answer, expected(model, data), atol=1e-5)
    images = toy.pictures(3)[0]
    answer = session.run("predict_images", images, "probabilities")
    wanted = model.predict(images, verbose=0)
    np.testing.assert_allclose(answer, wanted, atol=1e-5)
    with pytest.raises(RuntimeError, match="a GIF file"):
        session.run("serving_default", [b"GIF89a"], "probabilities")


@pytest.mark.large
def test_a_real_server_serves_it(model, exported, tmp_path):
    binary = shutil.which("tensorflow_model_server")
    if binary is None:
        pytest.skip("tensorflow_model_server is not here")
    folder = os.path.dirname(os.path.dirname(exported.path))
    server_files.write(folder, "toy")
    config = tmp_path / "models.config"
    with open(os.path.join(folder, "models.config")) as stream:
        config.write_text(stream.read().replace("/models/", f"{folder}/"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            binary,
            f"--rest_api_port={port}",
            "--port=0",
            f"--model_config_file={config}",
            "--enable_signature_method_name_check=true",
        ]
    )
    try:
        url = f"http://localhost:{port}/v1/models/toy"
        for _ in range(120):
            try:
                with urllib.request.urlopen(url) as response:
                    if b"AVAILABLE" in response.read():
                        break
            except OSError:
                pass
            time.sleep(1)
        picture = tmp_path / "picture.png"
        picture.write_bytes(files.encoded(files.picture(20, 20), "PNG"))
        asked = subprocess.run(
            [
                sys.executable,
                os.path.join(folder, "request_rest.py"),
                f"--host=localhost:{port}",
                str(picture),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        wanted = expected(model, [picture.read_bytes()])
        assert NAMES[wanted.argmax()] in asked.stdout
    finally:
        server.terminate()
        server.wait()


def test_versions_are_never_overwritten(model, exported):
    with pytest.raises(FileExistsError, match="never overwritten"):
        model.export(exported.path)


@pytest.mark.large
def test_a_single_calibrated_network(model, tmp_path):
    source = toy.source(128)
    # A quarter of the predictions is wrong, whatever their confidence.
    answer = model.networks[0](source.fetch(range(128)))["logits"]
    labels = answer.numpy().argmax(axis=1)
    source = source.relabel((labels + (np.arange(128) % 4 == 0)) % 4)
    found = serving.export(
        model,
        tmp_path / "toy",
        ensemble=False,
        validation_data=source,
        verify=False,
        next_version=True,
    )
    assert found.path == str(tmp_path / "toy" / "1")
    assert "The classes have no names and are numbered." in found.notes
    loaded = tf.saved_model.load(found.path)
    images = toy.pictures(4)[0]
    answer = loaded.signatures["predict_images"](images=tf.constant(images))
    assert found.calibration.temperature != 1.0
    logits = model.networks[0](images)["logits"]
    logits /= found.calibration.temperature
    np.testing.assert_allclose(
        answer["probabilities"], tf.nn.softmax(logits), atol=1e-5
    )


@pytest.mark.large
def test_a_differing_prediction_is_not_published(model, tmp_path, monkeypatch):
    monkeypatch.setattr(
        proof,
        "_ask",
        lambda folder, data, images: {
            f"{name}/{output}": np.zeros((4, 4))
            for name, output in (
                ("serving_default", "probabilities"),
                ("predict_images", "probabilities"),
                ("classify", "scores"),
            )
        },
    )
    with pytest.raises(RuntimeError, match="differ by"):
        model.export(tmp_path / "served" / "1")
    assert os.listdir(tmp_path / "served") == []


@pytest.mark.large
def test_without_its_package_the_warm_up_is_omitted_with_a_note(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(warmup, "PACKAGE", "no_such_package")
    notes = []
    served = serving.ServedClassifier(model.networks[:1], NAMES)
    folder = str(tmp_path / "1")
    exporting._write_saved_model(served, folder, "toy", False, notes)
    assert notes == [warmup.MISSING]
    assert not os.path.exists(os.path.join(folder, warmup.PATH))
    assert os.path.exists(os.path.join(folder, "saved_model.pb"))


@pytest.mark.large
def test_class_names_and_pixel_scale_of_the_source_are_kept(tmp_path):
    images, labels = toy.pictures(8)
    source = nk.data.from_arrays(images / 255.0, labels, class_names=NAMES)
    network = nk.networks.build("tiny", source, width=4)
    model = nk.CrossEntropy(network, 8)
    assert model.pictures is None
    inputs.as_plan(model, source, None, 4, 0, None)
    again = nk.CrossEntropy.from_config(model.get_config())
    assert again.pictures == model.pictures
    assert again.pictures[:3] == (tuple(NAMES), 0, 1.0)
    found = again.export(tmp_path / "1", verify=False)
    assert "numbered" not in " ".join(found.notes)
    loaded = tf.saved_model.load(found.path)
    answer = loaded.signatures["predict_images"](images=tf.constant(images))
    np.testing.assert_allclose(
        answer["probabilities"], again(images / 255.0), atol=1e-5
    )


@pytest.mark.large
@pytest.mark.parametrize(
    ("kind", "runtime"),
    [
        ("keras", "keras"),
        ("onnx", "onnxruntime"),
        ("litert", "ai_edge_litert"),
        ("openvino", "openvino"),
    ],
)
def test_other_formats_predict_alike(model, tmp_path, kind, runtime):
    pytest.importorskip(runtime)
    if kind == "onnx":
        pytest.importorskip("tf2onnx")
    found = model.export(tmp_path / "1", format=kind, class_names=NAMES)
    assert found.proof["largest_difference"] <= 1e-4
    assert found.proof["runtime"] == runtime
    assert "class_names.txt" in os.listdir(found.path)


def test_a_format_without_its_package_raises(model, tmp_path, monkeypatch):
    monkeypatch.setattr(serving.formats.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install openvino"):
        model.export(tmp_path / "1", format="openvino")
    with pytest.raises(ValueError, match="one of tf_saved_model, onnx"):
        model.export(tmp_path / "1", format="pickle")


@pytest.mark.parametrize(
    ("networks", "names", "message"),
    [
        (lambda: [toy.network()], ["a"], "4 class names. Received: 1"),
        (lambda: [keras.Sequential([keras.Input((4,))])], ["a"], "output is"),
    ],
)
def test_models_that_cannot_be_served_raise(tmp_path, networks, names, message):
    with pytest.raises(ValueError, match=message):
        nk.export(networks(), tmp_path / "1", class_names=names)
    assert not os.listdir(tmp_path)


def test_files_of_a_server(exported, tmp_path):
    for name in ("cats", "toy"):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()
    (tmp_path / "toy-onnx" / "1").mkdir(parents=True)
    assert server_files.write(str(tmp_path), "toy") == []
    models = (tmp_path / "models.config").read_text()
    assert 'base_path: "/models/cats"' in models
    assert "onnx" not in models
    for script in ("request_rest.py", "request_grpc.py"):
        text = (tmp_path / script).read_text()
        compile(text, script, "exec")
        assert 'default="toy"' in text
    compose = (tmp_path / "docker-compose.yml").read_text()
    assert "${TF_SERVING_IMAGE:-tensorflow/serving" in compose
    # Files of the user are not changed; the others follow the models.
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }\n")
    shutil.rmtree(tmp_path / "cats")
    assert server_files.write(str(tmp_path), "toy") == ["batching.config"]
    assert "cats" not in (tmp_path / "models.config").read_text()
