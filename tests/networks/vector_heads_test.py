"""The networks of vectors."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.networks import head
from noisy_keras.utils.errors import ConfigurationError


def _build(name, **options):
    return nk.networks.build(
        name,
        image_shape=(3,),
        num_classes=2,
        mean=(1.0, 2.0, 3.0),
        std=(1.0, 2.0, 4.0),
        pixel_scale=1.0,
        **options,
    )


def test_the_logits_of_a_linear_network_are_computed_by_hand():
    network = _build("linear")
    kernel = np.array([[1, 0], [0, 1], [2, 2]], np.float32)
    bias = np.array([0.5, -0.5], np.float32)
    network.get_layer(head.CLASSIFIER).set_weights([kernel, bias])
    # Standardised: (2-1)/1 = 1, (0-2)/2 = -1, (7-3)/4 = 1.
    found = network(np.array([[2.0, 0.0, 7.0]], np.float32))
    np.testing.assert_allclose(found["logits"], [[3.5, 0.5]], atol=1e-6)
    np.testing.assert_allclose(found["embedding"], [[1, -1, 1]], atol=1e-6)
    np.testing.assert_allclose(found["features"], [[[[1, -1, 1]]]], atol=1e-6)


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_vectors_meet_the_interface_and_are_saved(name, tmp_path):
    network = _build(name, **({"width": 8} if name == "mlp" else {}))
    head.check(network)
    features = np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32)
    network.save(tmp_path / "n.keras")
    loaded = keras.models.load_model(tmp_path / "n.keras")
    for key, value in network(features).items():
        np.testing.assert_allclose(loaded(features)[key], value, rtol=1e-6)
    wide = {"linear": 3, "mlp": 8}[name]
    assert network.output["features"].shape == (None, 1, 1, wide)


def test_pictures_become_vectors():
    network = nk.networks.build("mlp", image_shape=(4, 4, 3), num_classes=2)
    assert network.output["features"].shape == (None, 1, 1, 256)


def test_a_network_of_pictures_refuses_vectors():
    with pytest.raises(ConfigurationError, match="linear, mlp, .*'tiny'"):
        _build("tiny")


def test_a_linear_network_has_no_width():
    with pytest.raises(ConfigurationError, match="width=8"):
        _build("linear", width=8)
