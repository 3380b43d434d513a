"""The networks of Co-teaching, Animal-10N and WebVision."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.networks import head


def build(name, side=32, **options):
    options = {"image_shape": (side, side, 3), "num_classes": 10} | options
    return nk.networks.build(name, **options)


def trained(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def test_cnn9_has_the_published_parameters():
    network = build("cnn9")
    # 4,434,570 in the authors' code, whose convolutions have a bias each before
    # the normalisation, which takes it away again.
    biases = 3 * 128 + 3 * 256 + 512 + 256 + 128
    assert trained(network) == 4_434_570 - biases == 4_432_522
    convolutions = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert [x.filters for x in convolutions] == [
        *[128] * 3,
        *[256] * 3,
        *[512, 256, 128],
    ]
    assert [x.padding for x in convolutions] == ["same"] * 6 + ["valid"] * 3
    assert network.output["features"].shape == (None, 2, 2, 128)


def test_cnn9_drops_whole_channels_and_leaks():
    network = build("cnn9", side=28, width=2)
    assert network.output["features"].shape == (None, 1, 1, 2)
    drops = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.SpatialDropout2D)
    ]
    assert [layer.rate for layer in drops] == [0.25, 0.25]
    # Zero kernels leave the offsets of the last normalisation, behind the leak.
    layers = network.layers
    last = [x for x in layers if isinstance(x, keras.layers.Conv2D)][-1]
    last.kernel.assign(np.zeros(last.kernel.shape))
    norm = [x for x in layers if "normalization" in x.name][-1]
    norm.beta.assign([3.0, -2.0])
    found = network(np.ones((1, 28, 28, 3), np.float32))["embedding"]
    np.testing.assert_allclose(found, [[3.0, -0.02]], rtol=1e-6)


@pytest.mark.parametrize(("name", "least"), [("cnn9", 28), ("vgg19_bn", 32)])
def test_images_that_are_too_small_are_refused(name, least):
    with pytest.raises(ValueError, match=f"at least {least} pixels for {name}"):
        build(name, side=least - 1, width=1)
    build(name, side=least, width=1)


def test_vgg_has_sixteen_convolutions_and_two_hidden_layers():
    network = build("vgg19_bn", side=64, width=1)
    of = lambda kind: [x for x in network.layers if isinstance(x, kind)]  # noqa: E731
    assert [x.filters for x in of(keras.layers.Conv2D)] == [
        *[1] * 2,
        *[2] * 2,
        *[4] * 4,
        *[8] * 8,
    ]
    assert [x.units for x in of(keras.layers.Dense)] == [64, 64, 10]
    assert [x.rate for x in of(keras.layers.Dropout)] == [0.5, 0.5]
    assert network.output["features"].shape == (None, 2, 2, 8)
    assert network.output["embedding"].shape == (None, 64)
    [pooling] = of(keras.layers.AdaptiveAveragePooling2D)
    # Cells of 2/7 of a pixel: three in the first, one across, three in the
    # second.
    found = pooling(np.array([[10.0, 30.0]] * 2, "float32")[None, ..., None])
    row = [10.0, 10.0, 10.0, 20.0, 30.0, 30.0, 30.0]
    np.testing.assert_allclose(found[0, ..., 0], [row] * 7)


@pytest.mark.large
def test_vgg_has_the_published_parameters():
    # torchvision has 143,678,248 for 1,000 classes, of which 5,504 are biases
    # before a normalisation.
    backbone = 143_678_248 - 5_504 - 4_097_000
    assert trained(build("vgg19_bn")) == backbone + 10 * (4_096 + 1)


@pytest.mark.large
def test_inception_resnet_is_that_of_keras_in_our_contract():
    network = build(
        "inception_resnet_v2",
        image_shape=(16, 20, 1),
        num_classes=3,
        mean=(0.25,),
        std=(0.5,),
    )
    # Keras trains 55,813,192 for 1,000 classes.
    assert trained(network) == 55_813_192 - 1_537_000 + 3 * (1_536 + 1)
    head.check(network)
    white = np.full((1, 1, 1, 1), 255.0, np.float32)
    np.testing.assert_allclose(network.get_layer("pixels")(white), 1.5)
    outputs = network(np.ones((2, 16, 20, 1), np.float32))
    assert outputs["features"].shape == (2, 1, 1, 1536)
    by_hand = outputs["embedding"] @ head.classifier_kernel(network)
    bias = network.get_layer("logits").bias
    np.testing.assert_allclose(outputs["logits"], by_hand + bias, atol=1e-5)


def test_inception_resnet_has_no_width_and_takes_colours():
    with pytest.raises(ValueError, match="no width of .*inception_resnet_v2"):
        build("inception_resnet_v2", width=4)
    with pytest.raises(ValueError, match="of 3 channels, or 1, for incep"):
        build("inception_resnet_v2", image_shape=(80, 80, 2))
