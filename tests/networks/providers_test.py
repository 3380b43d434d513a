"""Networks of other libraries: all of random weights, nothing is downloaded."""

import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.networks import head
from noisy_keras.networks import providers
from tests import toy


def built(name, side=32, channels=3, weights="none", **options):
    return nk.networks.build(
        name,
        image_shape=(side, side, channels),
        num_classes=5,
        weights=weights,
        **options,
    )


def pixels(side=32, channels=3, count=2):
    shape = (count, side, side, channels)
    return np.random.RandomState(0).randint(0, 256, shape).astype(np.float32)


def check_contract(network, images):
    head.check(network)
    outputs = network(images)
    size = outputs["features"].shape[-1]
    assert outputs["embedding"].shape == (len(images), size)
    by_hand = outputs["embedding"] @ head.classifier_kernel(network)
    bias = network.get_layer("logits").bias
    np.testing.assert_allclose(outputs["logits"], by_hand + bias, atol=1e-4)
    return outputs


@pytest.mark.parametrize(
    "name",
    [
        "MobileNetV3Small",
        pytest.param("EfficientNetV2B0", marks=pytest.mark.large),
        pytest.param("ConvNeXtTiny", marks=pytest.mark.large),
        pytest.param("ResNet50", marks=pytest.mark.large),
    ],
)
def test_networks_of_keras_keep_the_contract(name):
    network = built(f"keras:{name}")
    outputs = check_contract(network, pixels())
    mean = tf.reduce_mean(outputs["features"], (1, 2))
    np.testing.assert_allclose(outputs["embedding"], mean, atol=1e-5)
    model = nk.CrossEntropy(network, 8)
    assert model(pixels()).shape == (2, 5)


# One of each family, with the function that its module has for pixels.
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("ConvNeXtTiny", "convnext"),
        ("DenseNet121", "densenet"),
        ("EfficientNetB0", "efficientnet"),
        ("EfficientNetV2B0", "efficientnet_v2"),
        ("InceptionResNetV2", "inception_resnet_v2"),
        ("InceptionV3", "inception_v3"),
        ("MobileNet", "mobilenet"),
        ("MobileNetV2", "mobilenet_v2"),
        ("MobileNetV3Large", "mobilenet_v3"),
        ("NASNetMobile", "nasnet"),
        ("ResNet101", "resnet"),
        ("ResNet101V2", "resnet_v2"),
        ("VGG16", "vgg16"),
        ("VGG19", "vgg19"),
        ("Xception", "xception"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_scaled_as_keras_does(name, module, channels, monkeypatch):
    def small(input_shape, include_top, weights):
        # In place of the network: what comes in, goes out.
        assert not include_top and weights is None
        inputs = keras.Input(input_shape)
        return keras.Model(inputs, keras.layers.Identity()(inputs), name=name)

    monkeypatch.setattr(keras.applications, name, small)
    own = getattr(keras.applications, module).preprocess_input
    images = pixels(80, channels)
    coloured = np.repeat(images, 4 - channels, -1)[..., :3]
    for scale in (255.0, 1.0):
        network = built(f"keras:{name}", 80, channels, pixel_scale=scale)
        assert head.pixel_normalization(network).pixel_scale == scale
        np.testing.assert_allclose(
            network(images * scale / 255.0)["features"],
            own(coloured.copy()),
            rtol=1e-4,
            atol=1e-4,
        )


def test_all_networks_of_keras_have_a_scaling_and_a_size():
    import re

    for name, value in vars(keras.applications).items():
        if name[0].isupper() and callable(value):
            assert any(re.match(p, name) for p, _ in providers._SCALINGS), name
    for name in providers._SIZES:
        assert hasattr(keras.applications, name)


def test_small_images_are_enlarged_to_what_the_network_takes():
    network = built("keras:MobileNetV3Small", side=16)
    assert network.input_shape == (None, 16, 16, 3)
    assert network.get_layer("resized").height == 32
    assert network(pixels(16))["logits"].shape == (2, 5)


def test_default_sizes():
    network = nk.networks.build(
        "keras:MobileNetV3Small", num_classes=3, weights=None
    )
    assert network.input_shape == (None, 224, 224, 3)
    sizes = {"keras:EfficientNetV2S": 384, "keras:Xception": 299}
    for name, size in sizes.items():
        assert nk.networks.default_image_size(name) == size
    assert nk.networks.default_image_size("keras_hub:vit_base") == 224


def test_bytes_are_no_units_of_a_reconstruction():
    network = built("keras:MobileNetV3Small", pixel_scale=1.0)
    units = head.pixel_units(network)
    assert units.pixel_scale == 1.0
    np.testing.assert_allclose(units(np.ones((1, 1, 1, 3))), 2.0, rtol=1e-6)


def test_weights_that_cannot_be_downloaded(monkeypatch):
    def fails(**options):
        assert options["weights"] == "imagenet"
        raise Exception("URL fetch failure on https://x: None -- no name")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fails)
    for weights in ("auto", "imagenet"):
        message = "--weights=FILE.weights.h5.*--weights=none.*no name$"
        with pytest.raises(ValueError, match=message) as caught:
            built("keras:MobileNetV3Small", weights=weights)
        assert "\n" not in str(caught.value)


def test_a_fault_of_a_provider_keeps_its_traceback(monkeypatch):
    def fails(**options):
        raise ValueError("a fault")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fails)
    with pytest.raises(ValueError, match="a fault") as caught:
        built("keras:MobileNetV3Small")
    assert not isinstance(caught.value, nk.ConfigurationError)


def test_unknown_names():
    with pytest.raises(ValueError, match="Did you mean EfficientNetV2B0"):
        built("keras:EfficientNetv2B0")
    with pytest.raises(ValueError, match="keras_hub:PRESET.*Received: 'hub:x'"):
        built("hub:x")
    with pytest.raises(ValueError, match="no width for keras:VGG16"):
        built("keras:VGG16", width=4)
    with pytest.raises(ValueError, match="3 channels, or 1, for"):
        built("keras:MobileNetV3Small", channels=4)


def test_weights_by_name_are_checked():
    with pytest.raises(ValueError, match="efficientnet_lite0, keras:NAME"):
        built("tiny", weights="imagenet")
    with pytest.raises(ValueError, match="it brings its own, leave them"):
        built("keras_hub:x", weights="imagenet")
    with pytest.raises(ValueError, match="ends in .weights.h5"):
        built("tiny", weights="file.npz")
    with pytest.raises(ValueError, match="brings its own"):
        built("x.keras", weights="none")


@pytest.mark.parametrize(
    ("name", "install"),
    [
        ("keras_hub", r"noisy_keras\[keras_hub\]"),
        ("keras_cv", "pip install keras-cv"),
    ],
)
def test_a_library_that_is_not_installed(name, install, monkeypatch):
    for module in list(sys.modules):
        if module.partition(".")[0] == name:
            monkeypatch.delitem(sys.modules, module)

    class Missing:
        def find_spec(self, found, *args):
            if found.partition(".")[0] == name:
                raise ModuleNotFoundError(f"No module named {found!r}")

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(ValueError, match=install):
        built(f"{name}:some_preset")


def transformer(count, name="vit", **attributes):
    """A backbone with `count` tokens for images of 16 pixels."""
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 4, strides=4)(images)
    x = keras.layers.Reshape((16, 6))(x)
    # Stand for class and register tokens.
    first = x[:, : count - 16] * 0.0 + 7.0
    x = keras.layers.Concatenate(axis=1)([first, x]) if count > 16 else x
    backbone = keras.Model({"images": images}, x, name=name)
    for key, value in attributes.items():
        setattr(backbone, key, value)
    return backbone


@pytest.mark.parametrize("patch_size", [None, 4, (4, 4)])
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_tokens_become_a_map_and_an_embedding(prefix, patch_size):
    backbone = transformer(16 + prefix)
    if patch_size:
        backbone.patch_size = patch_size
    network = nk.networks.from_backbone(backbone, 5)
    outputs = check_contract(network, pixels(16))
    by_hand = backbone.layers[1](pixels(16))
    np.testing.assert_allclose(outputs["features"], by_hand, rtol=1e-5)
    expected = 7.0 if prefix else tf.reduce_mean(by_hand, (1, 2))
    np.testing.assert_allclose(outputs["embedding"] - expected, 0.0, atol=1e-4)


def test_registers_without_a_class_token():
    backbone = transformer(18, use_class_token=False)
    network = nk.networks.from_backbone(backbone, 5)
    outputs = check_contract(network, pixels(16))
    mean = tf.reduce_mean(outputs["features"], (1, 2))
    np.testing.assert_allclose(outputs["embedding"], mean, rtol=1e-5)


def test_a_transformer_takes_images_of_another_size_and_is_saved(tmp_path):
    network = nk.networks.from_backbone(
        transformer(17), 5, image_shape=(24, 24, 3)
    )
    assert network.input_shape == (None, 24, 24, 3)
    check_contract(network, pixels(24))
    network.save(tmp_path / "n.keras")
    again = keras.models.load_model(tmp_path / "n.keras")
    np.testing.assert_allclose(
        again(pixels(24))["logits"], network(pixels(24))["logits"], rtol=1e-5
    )


def test_sanm_trains_on_tokens():
    source = toy.source(16)
    network = nk.networks.from_backbone(transformer(17), toy.CLASSES)
    model = nk.SANM(network, source, warmup_epochs=1)
    first, second = (n.weights[0].numpy() for n in model.networks)
    np.testing.assert_array_equal(first, second)


def test_tokens_that_are_no_grid():
    with pytest.raises(ValueError, match="tokens are those of patches"):
        nk.networks.from_backbone(transformer(17, patch_size=3), 5)


@pytest.fixture
def hub():
    return pytest.importorskip("keras_hub")


@pytest.mark.large
def test_transformers_of_keras_hub(hub, tmp_path):
    vit = hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
    )
    dino = hub.models.DINOV2Backbone(
        patch_size=8,
        num_layers=1,
        hidden_dim=8,
        num_heads=2,
        intermediate_dim=16,
        num_register_tokens=2,
        image_shape=(32, 32, 3),
        position_embedding_shape=(32, 32, 3),
    )
    converter = hub.layers.ImageConverter(
        image_size=(32, 32), scale=[1 / 51.0] * 3, offset=[-2.0] * 3
    )
    for backbone in (vit, dino):
        folder = str(tmp_path / backbone.name)
        backbone.save_to_preset(folder)
        converter.save_to_preset(folder)
        network = built(f"keras_hub:{folder}", weights="auto")
        outputs = check_contract(network, pixels())
        scaled = pixels() / 51.0 - 2.0
        if isinstance(backbone.input, dict):
            scaled = {"images": scaled}
        expected = backbone(scaled)
        np.testing.assert_allclose(
            outputs["embedding"], expected[:, 0], atol=1e-4
        )
        np.testing.assert_allclose(
            tf.reshape(outputs["features"], (2, 16, 8)),
            expected[:, -16:],
            atol=1e-4,
        )
        other = built(f"keras_hub:{folder}", weights="none")
        assert np.abs(other(pixels())["embedding"] - expected[:, 0]).max() > 0.1
        # Both networks of a method start from it.
        model = nk.DivideMix(network, 8)
        for one, two in zip(*(n.weights for n in model.networks), strict=True):
            assert np.array_equal(one, two) != ("logits" in one.path)
    with pytest.raises(ValueError, match="to be a preset or a folder of one"):
        built(f"keras_hub:{tmp_path / 'none'}")


def test_presets_are_asked_for_their_weights(monkeypatch):
    asked = []

    class Backbone:
        @classmethod
        def from_preset(cls, preset, load_weights):
            asked.append((preset, load_weights))
            inputs = keras.Input((None, None, 3))
            return keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))

    class ImageConverter:
        @classmethod
        def from_preset(cls, preset):
            raise ValueError("none")

    hub = types.ModuleType("keras_hub")
    hub.models = types.SimpleNamespace(Backbone=Backbone)
    hub.layers = types.SimpleNamespace(ImageConverter=ImageConverter)
    monkeypatch.setitem(sys.modules, "keras_hub", hub)
    for weights, load in (("auto", True), ("none", False)):
        network = built("keras_hub:resnet", weights=weights)
        assert asked[-1] == ("resnet", load)
    check_contract(network, pixels())
