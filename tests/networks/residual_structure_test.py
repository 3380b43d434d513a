"""What residual networks compute, where it can be followed by hand.

With zero kernels in the blocks only shortcuts are left.
"""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.networks import blocks

# Untrained normalisation in inference mode divides by this.
SPREAD = np.sqrt(1.0 + 1e-5)


def build(name, **options):
    options = {
        "image_shape": (16, 16, 3),
        "num_classes": 5,
        "width": 4,
    } | options
    return nk.networks.build(name, **options)


def convolutions(network):
    return [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]


def skips(network):
    """The layers that the second summand of every sum comes from."""
    return [
        layer.input[1]._keras_history.operation
        for layer in network.layers
        if isinstance(layer, keras.layers.Add)
    ]


def silenced(network, layers):
    for layer in layers:
        layer.kernel.assign(np.zeros(layer.kernel.shape))


def stem_and_features(network):
    """Output of the stem's convolution, and features, of some pictures."""
    stem = convolutions(network)[0].output
    model = keras.Model(network.input, [stem, network.output["features"]])
    images = np.random.RandomState(0).uniform(0.0, 255.0, (2, 16, 16, 3))
    stem, features = model(images.astype("float32"))
    return np.asarray(stem), np.asarray(features)


def relu(x):
    return np.maximum(x, 0.0)


def pooled(x, window):
    b, h, w, d = x.shape
    x = x.reshape(b, h // window, window, w // window, window, d)
    return x.mean((2, 4))


def test_wide_resnets_add_blocks_stages_and_the_stem():
    network = build("wide_resnet28_2")
    silenced(network, convolutions(network)[1:])
    stem, features = stem_and_features(network)
    # The first block's shortcut carries the activated stem, the first stage's
    # the stem: their sum leaves it. Each other stage gives a block's shortcut
    # and its own, both the mean over 2x2 of what came in: twice it. In the end
    # the stem is added once more.
    first = relu(stem / SPREAD) + stem
    last = 2 * 2 * pooled(first, 4) + pooled(stem, 4)
    # 4 channels of 16, between 6 and 6 of zeros.
    np.testing.assert_allclose(
        features[..., 6:10], relu(last / SPREAD), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(features[..., :6], 0.0)
    np.testing.assert_array_equal(features[..., 10:], 0.0)


def test_wide_resnets_start_as_published():
    network = build("wide_resnet28_2", width=32)
    stem, *others = convolutions(network)
    assert stem.kernel.shape == (3, 3, 3, 16)
    assert len(others) == 3 * 4 * 2
    for layer in others:
        kernel = layer.kernel.numpy()
        expected = np.sqrt(2.0 / (9 * kernel.shape[-1]))
        assert kernel.std() == pytest.approx(expected, rel=0.05)
        assert np.abs(kernel).max() > 2.5 * expected  # Not truncated.
    classifier = network.get_layer("logits")
    bound = 5**-0.5
    assert 0.95 * bound < np.abs(classifier.kernel).max() <= bound
    np.testing.assert_array_equal(classifier.bias, 0.0)


def test_resnet32_picks_every_second_pixel_and_pads():
    network = build("resnet32")
    silenced(network, convolutions(network)[1:])
    stem, features = stem_and_features(network)
    expected = relu(stem / SPREAD)[:, ::4, ::4]
    np.testing.assert_allclose(features[..., 6:10], expected, rtol=1e-4)
    assert np.count_nonzero(features[..., :6]) == 0
    assert np.count_nonzero(features[..., 10:]) == 0


@pytest.mark.parametrize(("name", "depth"), [("resnet18", 8), ("resnet34", 16)])
def test_projections_are_normalised(name, depth):
    kinds = [type(layer) for layer in skips(build(name))]
    assert len(kinds) == depth
    normalised = nk.networks.FusedBatchNormalization
    assert kinds.count(normalised) == 3
    assert kinds.count(keras.layers.ReLU) == depth - 3


def test_resnet29_projects_before_the_activation():
    network = build("resnet29", width=8)
    layers = convolutions(network)
    assert len(layers) == 1 + 3 * (3 * 3 + 1)
    silenced(network, [x for x in layers[1:] if x.kernel_size == (3, 3)])
    stem, features = stem_and_features(network)
    projections = [
        x for x in skips(network) if isinstance(x, keras.layers.Conv2D)
    ]
    expected = relu(stem / SPREAD)[:, ::4, ::4]
    for layer in projections:
        expected = expected @ layer.kernel.numpy()[0, 0]
    assert len(projections) == 3
    np.testing.assert_allclose(
        features, relu(expected / SPREAD), rtol=1e-3, atol=1e-5
    )


def test_channels_are_padded_on_both_sides():
    x = np.ones((1, 1, 1, 2), np.float32)
    padded = blocks.ChannelPadding(5)(x)
    np.testing.assert_array_equal(padded[0, 0, 0], [0, 1, 1, 0, 0])
    with pytest.raises(ValueError, match="at most 1 channels. Received"):
        blocks.ChannelPadding(1)(x)


def test_shortcuts_average_within_odd_maps():
    x = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    mean = blocks.fitted(x, channels=1, stride=2, window=2)
    np.testing.assert_array_equal(mean[0, ..., 0], [[2.0, 3.5], [6.5, 8.0]])
    picked = blocks.fitted(x, channels=1, stride=2, window=1)
    np.testing.assert_array_equal(picked[0, ..., 0], [[0.0, 2.0], [6.0, 8.0]])
