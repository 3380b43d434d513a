import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.networks import head
from tests import toy


def extracted(network, most=9):
    """Names of places, features of two images and the expected ones."""
    depths, extractor = nk.analysis.feature_extractor(network, most)
    images = np.random.RandomState(0).randint(0, 256, (2, 16, 16, 3))
    images = images.astype(np.float32)
    found = extractor(images)
    expected = network(images)
    np.testing.assert_allclose(found["logits"], expected["logits"], rtol=1e-4)
    np.testing.assert_allclose(
        found["features"][-1], expected["embedding"], rtol=1e-4
    )
    widths = [feature.shape[-1] for feature in found["features"]]
    assert widths == [depth.shape[-1] for depth in depths]
    return depths, found["features"], expected


def names(depths):
    return [depth.name for depth in depths]


def test_residual_blocks_are_found():
    depths, features, expected = extracted(toy.network())
    blocks = ["block 1", "block 2", "block 3"]
    assert names(depths) == ["stem", *blocks, "embedding"]
    assert [d.shape for d in depths] == [
        (8, 8, 4),
        (8, 8, 4),
        (4, 4, 8),
        (2, 2, 16),
        (16,),
    ]
    # The last block's map is the network's `features`.
    np.testing.assert_allclose(
        features[-2],
        np.mean(expected["features"], axis=(1, 2)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_ends_of_resolutions_are_kept_where_there_are_too_many():
    network = nk.networks.build(
        "preact_resnet18", image_shape=(16, 16, 3), num_classes=4, width=2
    )
    depths, _, _ = extracted(network, most=5)
    ends = ["block 2", "block 4", "block 6", "block 8"]
    assert names(depths) == ["stem", *ends, "embedding"]
    depths, _, _ = extracted(network, most=1)
    assert names(depths) == ["block 8", "embedding"]
    with pytest.raises(ValueError, match="at least 1"):
        nk.analysis.feature_extractor(network, most=0)


def backbone():
    """Two residual blocks with squeeze-and-excitation, as one layer."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same")(inputs)
    for stride in (1, 2):
        skip = keras.layers.Conv2D(4, 1, stride)(x)
        y = keras.layers.Conv2D(4, 3, stride, "same", activation="relu")(x)
        gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = keras.layers.Conv2D(4, 1, activation="sigmoid")(gate)
        x = keras.layers.Multiply()([y, gate]) + skip
    return keras.Model(inputs, x, name="backbone")


def test_blocks_within_a_backbone_are_found():
    rescale = keras.layers.Rescaling(1 / 127.5, -1)
    network = nk.networks.from_backbone(backbone(), 4, rescale)
    depths, features, _ = extracted(network)
    assert names(depths) == ["stem", "block 1", "block 2", "embedding"]
    assert depths[0].shape == (8, 8, 4) and depths[2].shape == (4, 4, 4)
    np.testing.assert_allclose(features[-1], features[-2], rtol=1e-4)


def test_a_network_without_branches_is_probed_before_its_convolutions():
    layers = [keras.layers.Conv2D(n, 3, activation="relu") for n in (4, 8, 6)]
    layers.insert(1, keras.layers.MaxPooling2D())
    plain = keras.Sequential([keras.Input((16, 16, 3)), *layers])
    depths, _, _ = extracted(nk.networks.from_backbone(plain, 4))
    assert [d.shape for d in depths] == [(7, 7, 4), (5, 5, 8), (3, 3, 6), (6,)]
    assert names(depths)[:3] == ["layer 1", "layer 2", "layer 3"]


class Opaque(keras.Model):
    """A model whose layers cannot be traced."""

    def __init__(self):
        super().__init__()
        self.convolution = keras.layers.Conv2D(4, 3, padding="same")

    def call(self, images):
        return self.convolution(images)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 4)


def test_a_model_that_is_not_functional_is_one_place():
    inputs = keras.Input((16, 16, 3))
    network = head.with_head(inputs, Opaque()(inputs), 4, "opaque")
    depths, _, _ = extracted(network)
    assert names(depths) == ["layer 1", "embedding"]


def test_the_network_itself_stays_as_it_was(tmp_path):
    network = toy.network()
    before = network.get_config()
    nk.analysis.feature_extractor(network)
    assert network.get_config() == before
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    images = np.ones((2, 16, 16, 3), np.float32)
    np.testing.assert_allclose(
        again(images)["logits"], network(images)["logits"], rtol=1e-5
    )
