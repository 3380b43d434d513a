"""Gradients of gradients through networks, which meta-learning takes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk

STEP = 2e-3


def smoothed(layer):
    """The layer, or softplus for ReLU.

    Central differences are exact to a few per cent where every step meets the
    kinks of some ReLU, and to four digits where none has any.
    """
    if isinstance(layer, keras.layers.ReLU):
        return keras.layers.Activation("softplus")
    return layer.__class__.from_config(layer.get_config())


@pytest.fixture(scope="module", params=["resnet29", "wide_resnet28_2"])
def case(request):
    """Logits in training mode of the parameters; these; a direction."""
    keras.utils.set_random_seed(0)
    network = keras.models.clone_model(
        nk.networks.build(
            request.param, image_shape=(16, 16, 3), num_classes=7, width=8
        ),
        clone_function=smoothed,
    )
    random = np.random.RandomState(0)
    images = random.uniform(0.0, 255.0, (6, 16, 16, 3)).astype("float32")
    parameters = list(map(tf.convert_to_tensor, network.trainable_variables))
    state = list(map(tf.convert_to_tensor, network.non_trainable_variables))

    def logits(parameters):
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    # As long as the parameters are, so that no layer's share is lost.
    direction = [
        random.normal(0.0, 1e-3 + np.sqrt(np.mean(p**2)), p.shape)
        for p in parameters
    ]
    return logits, parameters, [tf.constant(d, tf.float32) for d in direction]


def flat(tensors):
    return np.concatenate([np.ravel(t) for t in tensors])


def differences(function, parameters, direction):
    """Central differences of a function's list of tensors."""
    low, high = (
        flat(
            function(
                [
                    p + sign * STEP * d
                    for p, d in zip(parameters, direction, strict=True)
                ]
            )
        )
        for sign in (-1.0, 1.0)
    )
    return (high - low) / (2.0 * STEP)


def assert_near(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=3e-3)


def test_two_reverse_passes_are_a_directional_derivative(case):
    # The gradient g(u) of sum(u * logits) is linear in u, so that the gradient
    # of sum(g(u) * direction) to u is the derivative of logits along it.
    logits, parameters, direction = case
    with tf.GradientTape() as inner:
        inner.watch(parameters)
        z = logits(parameters)
    u = tf.zeros_like(z)
    with tf.GradientTape() as outer:
        outer.watch(u)
        g = inner.gradient(z, parameters, output_gradients=u)
    along = outer.gradient(g, u, output_gradients=direction)
    expected = differences(lambda p: [logits(p)], parameters, direction)
    assert_near(flat([along]), expected)


def test_gradients_differentiate_to_parameters(case):
    logits, parameters, direction = case
    labels = tf.one_hot([0, 1, 2, 3, 4, 5], 7)

    def gradients(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            loss = keras.losses.categorical_crossentropy(
                labels, logits(parameters), from_logits=True
            )
        return tape.gradient(loss, parameters)

    with tf.GradientTape() as outer:
        outer.watch(parameters)
        g = gradients(parameters)
    along = outer.gradient(g, parameters, output_gradients=direction)
    assert_near(flat(along), differences(gradients, parameters, direction))
