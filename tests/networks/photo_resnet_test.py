"""ResNet-50: its structure, and what meta-learning asks of its maximum."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.networks import blocks
from noisy_keras.networks import head
from noisy_keras.ops import derivatives
from noisy_keras.ops import meta

# Untrained normalisation in inference mode divides by this.
SPREAD = np.sqrt(1.0 + 1e-5)


def resnet50(side, width):
    return nk.networks.build(
        "resnet50", image_shape=(side, side, 3), num_classes=5, width=width
    )


def pictures(side, count=2):
    images = np.random.RandomState(0).uniform(0.0, 255.0, (count, side, side))
    return np.stack([images] * 3, axis=-1).astype("float32")


def test_strides_are_those_of_version_1_5():
    layers = [
        layer
        for layer in resnet50(32, width=2).layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert len(layers) == 1 + 3 * (3 + 4 + 6 + 3) + 4
    strided = [x.kernel_size[0] for x in layers if x.strides == (2, 2)]
    assert sorted(strided) == [1, 1, 1, 3, 3, 3, 7]
    shapes = {tuple(x.kernel.shape) for x in layers}
    assert {(7, 7, 3, 2), (3, 3, 16, 16), (1, 1, 32, 64)} <= shapes


def test_zero_kernels_leave_the_shortcuts():
    network = resnet50(48, width=2)
    layers = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    stem, *others = layers
    for layer in others:
        if layer.kernel_size == (3, 3):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    model = keras.Model(
        network.input, [stem.output, network.output["features"]]
    )
    stem, features = map(np.asarray, model(pictures(48)))
    assert stem.shape == (2, 24, 24, 2) and features.shape == (2, 2, 2, 64)
    x = np.pad(np.maximum(stem, 0.0), ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = x / SPREAD
    windows = [
        x[:, i : i + 23 : 2, j : j + 23 : 2] for i in range(3) for j in range(3)
    ]
    expected = np.max(windows, axis=0)
    projections = [
        layer.input[1]._keras_history.operation.input._keras_history.operation
        for layer in network.layers
        if isinstance(layer, keras.layers.Add)
        and not isinstance(
            layer.input[1]._keras_history.operation, keras.layers.ReLU
        )
    ]
    assert len(projections) == 4
    for layer in projections:
        step = layer.strides[0]
        expected = expected[:, ::step, ::step] @ layer.kernel.numpy()[0, 0]
        expected = np.maximum(expected / SPREAD, 0.0)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_maximum_differentiates_twice(compiled):
    """As it stands in the stem: between two convolutions, and normalised."""
    inputs = keras.Input((12, 12, 3))
    x = blocks.activated(blocks.conv(inputs, 4, stride=2, kernel_size=7))
    x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.MaxPooling2D(3, strides=2)(x)
    network = head.with_head(inputs, blocks.conv(x, 4), 3, "stem")
    state = [v.value for v in network.non_trainable_variables]
    parameters = [tf.convert_to_tensor(v) for v in network.trainable_variables]
    random = np.random.RandomState(1)
    direction = [
        tf.constant(random.normal(0.0, 1.0, p.shape), tf.float32)
        for p in parameters
    ]
    images = tf.constant(pictures(12, 6) / 255.0)

    def logits(parameters):
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    def along():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(parameters)
            z = logits(parameters)
        return meta.derivative_along(tape, z, parameters, direction)

    if compiled:
        along = tf.function(along, jit_compile=True)
    expected = derivatives.forward(logits, parameters, direction)
    scale = float(tf.reduce_max(tf.abs(expected)))
    assert scale > 0.1
    np.testing.assert_allclose(along(), expected, atol=1e-4 * scale)


@pytest.mark.large
def test_meta_gradients_of_the_whole_network():
    keras.utils.set_random_seed(0)
    network = resnet50(64, width=4)
    state = [v.value for v in network.non_trainable_variables]
    parameters = [tf.convert_to_tensor(v) for v in network.trainable_variables]
    images = tf.constant(pictures(64, 8))
    labels = tf.one_hot([0, 1, 2, 3, 4, 0, 1, 2], 5)

    def forward(parameters, images):
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    def gradients(method):
        return meta.meta_gradients(
            forward,
            parameters,
            images,
            labels,
            tf.roll(labels, 1, axis=0),
            images[::-1],
            labels[::-1],
            # So small that curvature does not magnify what is rounded.
            step_size=1e-5,
            method=method,
        )

    # Not compiled: fifty untrained layers magnify what XLA rounds otherwise
    # to several hundredths of even the plain gradient.
    found, expected = gradients("double_reverse"), gradients("nested")
    for mine, reference in zip(found, expected, strict=True):
        error = tf.linalg.norm(mine - reference)
        assert 0.0 < float(tf.linalg.norm(reference))
        assert error < 1e-3 * tf.linalg.norm(reference)
