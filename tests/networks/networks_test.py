import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.networks import head


def parameters(name, **options):
    network = nk.networks.build(
        name, image_shape=(32, 32, 3), num_classes=10, **options
    )
    return network.count_params()


def test_full_width_has_the_published_number_of_parameters():
    # 11.2 million: 11,171,146 trained ones, and the moving statistics.
    network = nk.networks.build(
        "preact_resnet18", image_shape=(32, 32, 3), num_classes=10
    )
    trained = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert trained == 11_171_146 + 128  # A normalisation after the stem.


# Built once, in published_structures_test.py: it takes long.
SMALL = [name for name in nk.networks.NAMES if name != "inception_resnet_v2"]


@pytest.mark.parametrize("name", SMALL)
def test_networks_keep_the_contract(name):
    network = nk.networks.build(
        name,
        image_shape=(32, 32, 3),
        num_classes=7,
        width=None if name == "linear" else 4,
    )
    head.check(network)
    outputs = network(np.zeros((2, 32, 32, 3), np.float32))
    single = name in (
        "efficientnet_lite0",
        "linear",
        "mlp",
        "resnet50",
        "vgg19_bn",
    )
    sides = [(1, 1)] if single else [(2, 2), (4, 4), (8, 8)]
    assert outputs["features"].shape[1:3] in sides
    assert outputs["logits"].shape == (2, 7)
    embedding = outputs["embedding"]
    if name == "vgg19_bn":  # Behind two hidden layers.
        assert embedding.shape == (2, 64 * 4)
    else:
        mean = tf.reduce_mean(outputs["features"], (1, 2))
        np.testing.assert_allclose(embedding, mean, atol=1e-5)
    kernel = head.classifier_kernel(network)
    by_hand = embedding @ kernel
    bias = network.get_layer("logits").bias
    np.testing.assert_allclose(outputs["logits"], by_hand + bias, atol=1e-5)


def test_the_identity_skip_carries_the_activated_tensor():
    network = nk.networks.build(
        "tiny", image_shape=(8, 8, 3), num_classes=2, width=4
    )
    add = next(x for x in network.layers if isinstance(x, keras.layers.Add))
    skip = add.input[1]
    assert isinstance(skip._keras_history.operation, keras.layers.ReLU)


def test_width_and_name_are_checked():
    with pytest.raises(ValueError, match="at least 1. Received: width=0"):
        parameters("tiny", width=0)
    with pytest.raises(ValueError, match="Did you mean 'preact_resnet18'"):
        parameters("preact_resnet_18")
    with pytest.raises(ValueError, match="Expected a `source`"):
        nk.networks.build("tiny")


def test_fused_normalization_equals_keras_own():
    ours = nk.networks.FusedBatchNormalization()
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    x = np.random.RandomState(0).normal(2.0, 3.0, (16, 4, 4, 5))
    x = x.astype(np.float32)
    for _ in range(3):
        np.testing.assert_allclose(
            ours(x, training=True), theirs(x, training=True), atol=1e-5
        )
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    # The unbiased variance, as PyTorch keeps it.
    count = 16 * 4 * 4
    initial = 0.9**3
    expected = initial + (theirs.moving_variance - initial) * count / (
        count - 1
    )
    np.testing.assert_allclose(ours.moving_variance, expected, rtol=1e-5)
    difference = ours(x, training=False) - theirs(x, training=False)
    assert float(tf.reduce_max(tf.abs(difference))) < 0.01


def test_frozen_normalization_does_not_train():
    layer = nk.networks.FusedBatchNormalization()
    x = np.random.RandomState(0).normal(2.0, 3.0, (16, 4, 4, 5))
    layer(x.astype(np.float32), training=True)
    before = layer.moving_mean.numpy()
    layer.trainable = False
    layer(x.astype(np.float32) + 5.0, training=True)
    np.testing.assert_array_equal(layer.moving_mean, before)


def test_pixels_are_standardised():
    layer = nk.networks.PixelNormalization((0.5, 0.25), (0.25, 0.5), 255.0)
    white = np.full((1, 1, 1, 2), 255.0, np.float32)
    np.testing.assert_allclose(layer(white)[0, 0, 0], [2.0, 1.5], rtol=1e-6)
    np.testing.assert_allclose(layer(white * 0)[0, 0, 0], [-2.0, -0.5])
    with pytest.raises(ValueError, match="positive"):
        nk.networks.PixelNormalization((0.5,), (0.0,))


def test_pixels_keep_their_precision_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    network = nk.networks.build(
        "tiny", image_shape=(8, 8, 3), num_classes=2, width=4
    )
    pixels = keras.Model(network.input, network.get_layer("pixels").output)
    images = np.full((1, 8, 8, 3), 200.3, np.float32)
    expected = (200.3 / 255.0 - 0.5) / 0.25
    assert pixels(images).dtype == tf.float32
    np.testing.assert_allclose(pixels(images), expected, rtol=1e-6)
    assert network(images)["logits"].dtype == tf.float32


def test_any_backbone_becomes_a_network():
    backbone = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, weights=None, alpha=0.35
    )
    rescale = keras.layers.Rescaling(1 / 127.5, -1)
    network = nk.networks.from_backbone(backbone, 5, preprocessing=rescale)
    head.check(network)
    assert network(np.zeros((2, 32, 32, 3)))["logits"].shape == (2, 5)


@pytest.mark.filterwarnings("ignore")  # keras-cv's own, on import.
def test_a_keras_cv_backbone_becomes_a_network():
    import keras_cv

    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[8, 16],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=True,
        input_shape=(32, 32, 3),
    )
    network = nk.networks.from_backbone(backbone, 3)
    head.check(network)
    assert network(np.zeros((2, 32, 32, 3)))["logits"].shape == (2, 3)


def test_a_backbone_without_a_feature_map_raises():
    pooled = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3),
        include_top=False,
        weights=None,
        alpha=0.35,
        pooling="avg",
    )
    with pytest.raises(ValueError, match="without pooling"):
        nk.networks.from_backbone(pooled, 5)


def test_regularizers_of_a_backbone_warn():
    images = keras.Input((16, 16, 3))
    convolved = keras.layers.Conv2D(4, 3, kernel_regularizer="l2")(images)
    backbone = keras.Model(images, convolved, name="mine")
    with pytest.warns(UserWarning, match="1 weights of mine have a regular"):
        nk.networks.from_backbone(backbone, 3)


def test_other_models_raise():
    inputs = keras.Input((8, 8, 3))
    plain = keras.Model(inputs, keras.layers.Flatten()(inputs))
    with pytest.raises(ValueError, match="from_backbone"):
        head.check(plain)


def test_a_copy_has_other_weights_even_with_fixed_seeds():
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(
        4, 3, kernel_initializer=keras.initializers.HeNormal(seed=1)
    )(inputs)
    network = head.with_head(inputs, features, 3, "seeded")
    copy = nk.networks.reinitialized(network)
    for ours, others in zip(network.weights, copy.weights, strict=True):
        assert ours.shape == others.shape
    assert np.abs(network.weights[0] - copy.weights[0]).max() > 0.01


@pytest.mark.parametrize(
    ("kind", "feature_shape", "image_shape"),
    [
        ("official", (4, 4, 512), (32, 32, 3)),
        ("official", (7, 7, 2048), (224, 224, 3)),
        ("official", (4, 4, 64), (32, 32, 3)),
        ("generic", (4, 4, 64), (32, 32, 3)),
        ("generic", (3, 5, 16), (24, 40, 1)),
        ("generic", (5, 5, 8), (33, 35, 3)),
        ("generic", (8, 8, 8), (8, 8, 3)),
    ],
)
def test_decoders_reach_the_images_size(kind, feature_shape, image_shape):
    decoder = nk.networks.build_decoder(kind, feature_shape, image_shape)
    assert decoder.output_shape[1:] == image_shape


def test_official_decoders_have_the_published_size():
    small = nk.networks.build_decoder("official", (4, 4, 512), (32, 32, 3))
    assert small.count_params() == 3_283_331
    large = nk.networks.build_decoder("official", (7, 7, 2048), (224, 224, 3))
    assert large.count_params() == 19_007_363


def test_the_official_decoder_lists_its_sizes():
    with pytest.raises(ValueError, match="decoder='generic'"):
        nk.networks.build_decoder("official", (8, 8, 64), (64, 64, 3))
    with pytest.raises(ValueError, match="one of"):
        nk.networks.build_decoder("linear", (8, 8, 64), (64, 64, 3))
