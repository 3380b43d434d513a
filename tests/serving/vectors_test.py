"""Exports of networks that take features."""

import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.serving import server_files
from noisy_keras.serving import vector_graph

NAMES = ("cat", "dog")


@pytest.fixture(scope="module")
def source():
    features = np.random.RandomState(0).normal(5.0, 3.0, (40, 3))
    return nk.data.from_features(features, np.arange(40) % 2, class_names=NAMES)


@pytest.fixture(scope="module")
def model(source):
    return nk.CrossEntropy("linear", source)


def test_features_go_in_and_probabilities_come_out(model, source, tmp_path):
    model.export(tmp_path / "1", verify=False)
    loaded = tf.saved_model.load(tmp_path / "1")
    ask, rows = loaded.signatures, source.fetch(np.arange(5))
    expected = model.predict(rows.numpy(), verbose=0)
    found = ask["serving_default"](features=rows)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    names = np.array(NAMES)[expected.argmax(axis=1)]
    given = [name.decode() for name in found["class_name"].numpy()]
    assert given == names.tolist()
    examples = [
        vector_graph.example(row).SerializeToString() for row in rows.numpy()
    ]
    scores = ask["classify"](inputs=tf.constant(examples))["scores"]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    # A linear network's embedding is the standardised vector.
    standard = (rows - source.pixel_mean) / source.pixel_std
    embedding = ask["embed"](features=rows)["embedding"]
    np.testing.assert_allclose(embedding, standard, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite"):
        ask["serving_default"](features=rows * np.nan)
    card = (tmp_path / "1" / "README.md").read_text(encoding="utf-8")
    assert "float32 [B, 3]" in card and "pixels" not in card


@pytest.mark.large
def test_an_export_is_proven_in_another_process(model, tmp_path):
    found = model.export(tmp_path / "1").proof
    assert found["largest_difference"] < 1e-5


def test_a_keras_file_takes_features(model, source, tmp_path):
    import keras

    model.export(tmp_path / "1", format="keras")
    loaded = keras.models.load_model(tmp_path / "1" / "model.keras")
    rows = source.fetch(np.arange(5)).numpy()
    np.testing.assert_allclose(
        loaded.predict(rows, verbose=0),
        model.predict(rows, verbose=0),
        atol=1e-6,
    )


def test_example_clients_send_features(tmp_path):
    server_files.write(str(tmp_path), "m", of_vectors=True)
    for name in ("request_rest.py", "request_grpc.py"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        compile(text, name, "exec")
        assert "vectors" in text or "features" in text
        assert "image" not in text
