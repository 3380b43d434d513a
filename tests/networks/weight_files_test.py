"""Weights and networks from files."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.networks import head
from noisy_keras.networks import model_files
from tests import toy


def tiny(num_classes=4, width=4, **options):
    return nk.networks.build(
        "tiny",
        image_shape=(16, 16, 3),
        num_classes=num_classes,
        width=width,
        **options,
    )


def from_file(path, num_classes=4, side=16):
    return nk.networks.build(
        str(path), image_shape=(side, side, 3), num_classes=num_classes
    )


def same(one, other):
    pairs = zip(one.weights, other.weights, strict=True)
    return {a.path.split("/")[-2]: np.array_equal(a, b) for a, b in pairs}


@pytest.fixture
def saved(tmp_path):
    network = tiny()
    path = tmp_path / "tiny.weights.h5"
    network.save_weights(path)
    return network, path


def test_weights_come_from_a_file(saved):
    network, path = saved
    assert all(same(network, tiny(weights=path)).values())
    # Both networks of a method start from them.
    model = nk.DivideMix(tiny(weights=str(path)), 8)
    first, second = (n.weights[0].numpy() for n in model.networks)
    np.testing.assert_array_equal(first, second)


def test_other_classes_get_a_new_classifier(saved):
    network, path = saved
    other = tiny(7, weights=path)
    assert other.output["logits"].shape == (None, 7)
    images = np.full((1, 16, 16, 3), 9.0, np.float32)
    np.testing.assert_allclose(
        other(images)["embedding"], network(images)["embedding"], atol=1e-6
    )


def test_another_structure_is_named_beside_the_expected_one(saved, tmp_path):
    with pytest.raises(ValueError) as caught:
        tiny(width=8, weights=saved[1])
    message = str(caught.value)
    assert "Expected the weights of tiny:" in message
    assert f"another network in {saved[1]}" in message
    assert "(3, 3, 3, 8)" in message and "(3, 3, 3, 4)" in message
    path = tmp_path / "none.weights.h5"
    with pytest.raises(ValueError, match="Received: a missing one"):
        tiny(weights=path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="Received: a damaged one"):
        tiny(weights=path)


def test_weights_of_a_backbone(tmp_path, monkeypatch):
    def small(input_shape, include_top, weights):
        inputs = keras.Input(input_shape)
        x = keras.layers.Conv2D(4, 3)(inputs)
        return keras.Model(inputs, x, name="vgg16")

    monkeypatch.setattr(keras.applications, "VGG16", small)
    backbone = small((32, 32, 3), False, None)
    for name in ("b.weights.h5", "b.h5"):
        path = tmp_path / name
        if name == "b.h5":
            backbone.save(path)
        else:
            backbone.save_weights(path)
        network = nk.networks.build(
            "keras:VGG16",
            image_shape=(32, 32, 3),
            num_classes=3,
            weights=path,
        )
        np.testing.assert_array_equal(network.weights[0], backbone.weights[0])


def test_a_network_from_a_keras_file(tmp_path):
    network = tiny()
    network.save(tmp_path / "n.keras")
    path = tmp_path / "n.keras"
    assert nk.networks.default_image_size(str(path)) == 16
    assert all(same(network, from_file(path)).values())
    other = from_file(path, 7)
    np.testing.assert_array_equal(other.weights[0], network.weights[0])
    assert other.output["logits"].shape == (None, 7)
    with pytest.raises(ValueError, match=r"\(image_size=16\).*\(8, 8, 3\)"):
        from_file(path, side=8)


def test_the_first_network_of_a_saved_method(tmp_path):
    model = nk.CrossEntropy(toy.network(), 8)
    model.save(tmp_path / "m.keras")
    network = from_file(tmp_path / "m.keras")
    assert all(same(model.networks[0], network).values())


def test_a_classifier_of_others_lends_its_last_feature_map(tmp_path):
    images = keras.Input((20, 20, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, name="last")(images)
    y = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = keras.layers.Flatten()(keras.layers.Conv2D(9, 1)(y))
    model = keras.Model(images, keras.layers.Softmax()(y), name="theirs")
    model.save(tmp_path / "c.keras")
    network = from_file(tmp_path / "c.keras", 3, side=20)
    head.check(network)
    assert network.output["features"].shape == (None, 9, 9, 4)
    np.testing.assert_array_equal(network.weights[0], model.weights[0])
    # Images of another size are resized.
    assert from_file(tmp_path / "c.keras", 3, 16).input_shape[1] == 16


def test_code_in_a_file_is_not_run(tmp_path):
    marker = tmp_path / "ran"
    images = keras.Input((16, 16, 3))
    touch = keras.layers.Lambda(lambda x: x * 2.0)
    model = keras.Model(images, keras.layers.Conv2D(4, 3)(touch(images)))
    model.save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match="that Keras can load"):
        from_file(tmp_path / "code.keras")
    # A class by its name, from anywhere.
    config = {
        "module": "os",
        "class_name": "system",
        "config": {"command": f"touch {marker}"},
        "registered_name": None,
    }
    path = tmp_path / "class.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
    with pytest.raises(ValueError, match="that Keras can load"):
        from_file(path)
    assert not marker.exists()
    with pytest.raises(ValueError, match="that Keras can load"):
        from_file(tmp_path / "missing.keras")


class Encoder(tf.Module):
    def __init__(self, rank=4):
        super().__init__()
        self.kernel = tf.Variable(tf.ones([3, 5]))
        self.rank = rank

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3])])
    def __call__(self, images):
        features = images @ self.kernel
        if self.rank == 2:
            features = tf.reduce_mean(features, (1, 2))
        return {"features": features}


def export(folder, rank=4):
    encoder = Encoder(rank)
    tf.saved_model.save(
        encoder, str(folder), {"serving_default": encoder.__call__}
    )
    return f"saved_model:{folder}"


@pytest.mark.parametrize("rank", [2, 4])
def test_a_saved_model_is_a_frozen_network(tmp_path, rank):
    name = export(tmp_path / "encoder", rank)
    network = nk.networks.build(name, image_shape=(16, 16, 3), num_classes=4)
    head.check(network)
    side = 8 if rank == 4 else 1
    assert network.output["features"].shape == (None, side, side, 5)
    images = np.full((2, 16, 16, 3), 2.0, np.float32)
    np.testing.assert_allclose(network(images)["embedding"], 6.0, rtol=1e-5)
    assert len(network.trainable_weights) == 2
    model = nk.DivideMix(network, 8)
    np.testing.assert_allclose(
        model.networks[1](images)["embedding"], 6.0, rtol=1e-5
    )


@pytest.mark.large
def test_a_network_with_a_saved_model_is_served(tmp_path):
    name = export(tmp_path / "encoder")
    network = nk.networks.build(name, image_shape=(16, 16, 3), num_classes=2)
    served = nk.serving.ServedClassifier([network], ["a", "b"])
    tf.saved_model.save(
        served, str(tmp_path / "served"), {"images": served.predict_images}
    )
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    image = np.full((1, 16, 16, 3), 9, np.uint8)
    answer = loaded.signatures["images"](tf.constant(image))
    np.testing.assert_allclose(
        answer["probabilities"], served.expected(image), rtol=1e-5
    )


def test_a_file_cannot_ask_for_a_saved_model(tmp_path, monkeypatch):
    name = export(tmp_path / "encoder")
    network = nk.networks.build(name, image_shape=(8, 8, 3), num_classes=4)
    network.save(tmp_path / "n.keras")
    assert from_file(tmp_path / "n.keras", side=8) is not None
    # Another process, whose user has not named it.
    monkeypatch.setattr(model_files, "_NAMED", set())
    with pytest.raises(ValueError, match="you have named"):
        from_file(tmp_path / "n.keras", side=8)
    with pytest.raises(ValueError, match="which has none"):
        nk.networks.build(
            f"saved_model:{tmp_path}", image_shape=(8, 8, 3), num_classes=4
        )
