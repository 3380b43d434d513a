import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core.plugin import Views
from noisy_keras.networks import head
from noisy_keras.ops import masking
from noisy_keras.testing import toy

SEED = tf.constant([5, 6])


def views_of(plugin, clean=(1.0, 0.5, 0.0, 0.0), network=None, seed=SEED):
    network = network or toy.network()
    plugin.attach([network])
    images, labels = toy.pictures(4)
    images = tf.cast(images, tf.float32)
    outputs = network(images, training=False)
    given = Views(images, tf.one_hot(labels, 4), tf.constant(clean), outputs)
    return network, given, plugin.views(network, given, seed)


def hidden(given, copy):
    """Share of pixels that differ, per image."""
    changed = tf.reduce_any(given.images != copy.images, axis=-1)
    return tf.reduce_mean(tf.cast(changed, tf.float32), axis=(1, 2)).numpy()


def test_more_is_hidden_of_images_whose_labels_are_doubted():
    plugin = nk.AdversarialNoisyMasking(
        ratio="paper", base_ratio=0.2, aspect_delta=1.0
    )
    _, given, [copy] = views_of(plugin)
    share = hidden(given, copy)
    assert share[0] == 0.0
    # Asked are 0.1 and 0.2; whole pixels and the border change that a little.
    assert 0.0 < share[1] <= 0.14 and share[1] < share[2] <= 0.28


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [("paper", [0.0, 0.05, 0.1, 0.1]), ("poster", [0.2, 0.3, 0.3, 0.3])],
)
def test_ratios_by_rule(ratio, expected):
    plugin = nk.AdversarialNoisyMasking(ratio=ratio)
    clean = tf.constant([1.0, 0.5, 0.0, 0.0])
    np.testing.assert_allclose(
        plugin._mask_ratio(clean, SEED), expected, rtol=1e-6
    )


def test_ratio_of_the_code_is_drawn_from_its_range():
    plugin = nk.AdversarialNoisyMasking()
    clean = np.repeat(np.array([1.0, 0.0], np.float32), 500)
    ratio = plugin._mask_ratio(tf.constant(clean), SEED).numpy()
    assert ratio[:500].min() >= 0.02 and ratio[:500].max() < 0.07
    assert ratio[500:].min() >= 0.05 and ratio[500:].max() < 0.10
    assert ratio[:500].mean() == pytest.approx(0.045, abs=0.003)


def test_labels_lose_the_share_that_images_lost():
    plugin = nk.AdversarialNoisyMasking(ratio="paper", base_ratio=0.3)
    _, given, [copy] = views_of(plugin)
    ratio = 0.3 * (1.0 - given.clean_probability)
    np.testing.assert_allclose(
        copy.targets,
        masking.regularize_labels(given.targets, ratio),
        atol=1e-6,
    )
    kept = nk.AdversarialNoisyMasking(label_regularization=False)
    _, given, [copy] = views_of(kept)
    np.testing.assert_array_equal(copy.targets, given.targets)


def test_switches_are_separate():
    without = nk.AdversarialNoisyMasking(masking=False)
    _, given, [copy] = views_of(without)
    np.testing.assert_array_equal(copy.images, given.images)
    assert np.any(copy.targets != given.targets)
    nothing = nk.AdversarialNoisyMasking(
        masking=False, label_regularization=False, reconstruction=False
    )
    network, given, copies = views_of(nothing)
    assert copies == []
    assert float(nothing.loss(0, network, given, copies)) == 0.0
    assert nothing.trainable_beside(0) == []


def test_a_second_copy_hides_the_least_active_region():
    plugin = nk.AdversarialNoisyMasking(
        masked_copies=2, ratio="poster", activation="energy"
    )
    network, given, copies = views_of(plugin)
    activation = plugin.activation_map(network, given.outputs)
    for copy, signed in zip(copies, (activation, -activation), strict=True):
        row, column = masking.peak(signed, (16, 16))
        changed = np.any(copy.images != given.images, axis=-1)
        for i in range(4):
            inside = changed[i, max(row[i] - 1, 0) : row[i] + 1]
            assert inside[:, max(column[i] - 1, 0) : column[i] + 1].any()
    assert np.any(copies[0].images != copies[1].images)


def test_fill_is_noise_of_the_pictures_range():
    plugin = nk.AdversarialNoisyMasking(ratio="poster")
    _, given, [copy] = views_of(plugin, clean=(0.0,) * 4)
    filled = copy.images[copy.images != given.images].numpy()
    assert filled.min() >= 0.0 and filled.max() <= 255.0
    assert filled.mean() == pytest.approx(127.5, abs=12.0)
    # The released code: one number per image and channel, from the mean
    # pixel value up by one standard deviation.
    official = nk.AdversarialNoisyMasking(ratio="poster", fill="channel")
    _, given, [copy] = views_of(official, clean=(0.0,) * 4)
    for i in range(4):
        for c in range(3):
            new = copy.images[i, ..., c].numpy()
            values = new[new != given.images[i, ..., c].numpy()]
            assert len(np.unique(values)) == 1
            assert 127.5 <= values[0] <= 127.5 + 63.75


def test_reconstruction_is_a_mean_squared_error_in_standard_units():
    plugin = nk.AdversarialNoisyMasking(
        reconstruction_weight=0.5, masked_copies=2, decoder_gradient="weighted"
    )
    network, given, copies = views_of(plugin)
    outputs = [network(c.images) for c in copies]
    goal = (given.images / 255.0 - 0.5) / 0.25
    expected = sum(
        np.mean(np.square(plugin.decoders[0](o["features"]) - goal))
        for o in outputs
    )
    value = plugin.loss(0, network, given, copies, outputs=outputs)
    assert float(value) == pytest.approx(0.5 * expected, rel=1e-5)
    units = head.pixel_units(network)
    np.testing.assert_allclose(units.inverse(goal), given.images, atol=1e-3)


def gradients(decoder_gradient):
    network = toy.network()
    plugin = nk.AdversarialNoisyMasking(
        reconstruction_weight=0.1, decoder_gradient=decoder_gradient
    )
    network, given, copies = views_of(plugin, network=network)
    with tf.GradientTape() as tape:
        outputs = [network(c.images, training=False) for c in copies]
        value = plugin.loss(0, network, given, copies, outputs=outputs)
    encoder = network.trainable_variables[0]
    decoder = plugin.decoders[0].trainable_variables[0]
    return float(value), tape.gradient(value, [encoder.value, decoder.value])


def test_a_full_decoder_gradient_changes_neither_value_nor_encoder():
    keras.utils.set_random_seed(3)
    value, (encoder, decoder) = gradients("weighted")
    keras.utils.set_random_seed(3)
    full_value, (full_encoder, full_decoder) = gradients("full")
    assert full_value == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(full_encoder, encoder, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(
        full_decoder, decoder / 0.1, rtol=1e-3, atol=1e-8
    )
    assert np.abs(decoder).max() > 1e-5


def test_views_are_functions_of_their_seed():
    plugin = nk.AdversarialNoisyMasking()
    network, given, [first] = views_of(plugin)
    [again] = plugin.views(network, given, SEED)
    [other] = plugin.views(network, given, SEED + 1)
    np.testing.assert_array_equal(first.images, again.images)
    assert np.any(first.images != other.images)


def test_without_outputs_it_looks_for_itself():
    plugin = nk.AdversarialNoisyMasking(activation="energy")
    network, given, _ = views_of(plugin)
    [copy] = plugin.views(network, given._replace(outputs=None), SEED)
    assert copy.images.shape == given.images.shape


def test_configuration_round_trip():
    plugin = nk.AdversarialNoisyMasking.official(reconstruction_weight=0.3)
    copy = nk.AdversarialNoisyMasking.from_config(plugin.get_config())
    assert copy.get_config() == plugin.get_config()
    assert copy.reconstruction_weight == 0.3 and copy.box == "corner"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gradcam"}, "`activation` to be one of"),
        ({"masked_copies": 3}, r"`masked_copies` to be one of \(1, 2\)"),
        ({"base_ratio": 1.0}, r"`base_ratio` in \[0, 1\)"),
        ({"ratio_range": (0.1, 1.2)}, "`ratio_range` in"),
        ({"aspect_delta": 0.0}, r"`aspect_delta` in \(0, 1\]"),
        ({"ratio_range": (0.2, 0.1)}, r"a pair \(low, high\)"),
        ({"extra_view": "strong"}, "`extra_view` to be one of"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.AdversarialNoisyMasking(**options)


def test_a_network_without_a_linear_head_is_told():
    inputs = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(4, 3)(inputs)
    embedding = keras.layers.GlobalAveragePooling2D()(features)
    hidden_layer = keras.layers.Dense(8, activation="relu")(embedding)
    network = keras.Model(
        inputs,
        {
            "features": features,
            "embedding": embedding,
            "logits": keras.layers.Dense(3, name="out")(hidden_layer),
        },
    )
    with pytest.raises(ValueError, match="activation='energy'"):
        nk.AdversarialNoisyMasking().attach([network])
    nk.AdversarialNoisyMasking(activation="energy").attach([network])


def test_masks_that_would_turn_labels_are_refused():
    network = nk.networks.build("tiny", image_shape=(16, 16, 3), num_classes=2)
    greedy = nk.AdversarialNoisyMasking(ratio="paper", base_ratio=0.6)
    with pytest.raises(ValueError, match="0.500.*up to 0.6"):
        nk.CrossEntropy(network, 8, plugins=[greedy])


def test_images_up_to_one_need_a_network_that_knows():
    backbone = keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3), include_top=False, weights=None
    )
    images = np.random.RandomState(0).uniform(size=(8, 32, 32, 3))
    source = nk.data.from_arrays(images.astype(np.float32), [0, 1] * 4)
    network = nk.networks.from_backbone(backbone, 2)
    with pytest.raises(ValueError, match="PixelNormalization"):
        nk.SANM(network, source, host="ce")
    model = nk.SANM(network, len(source), host="ce")
    model.compile()
    with pytest.raises(ValueError, match="PixelNormalization"):
        model.fit(source, verbose=0)


def test_layers_before_the_classifier_leave_no_class_map():
    images = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(4, 3, strides=2)(images)
    hidden = keras.layers.GlobalAveragePooling2D()(features)
    hidden = keras.layers.Dense(8, activation="relu")(hidden)
    logits = keras.layers.Dense(toy.CLASSES, name="logits")(hidden)
    outputs = {"features": features, "embedding": hidden, "logits": logits}
    network = keras.Model(images, outputs)
    masking = nk.AdversarialNoisyMasking()
    with pytest.raises(nk.ConfigurationError, match="activation='energy'"):
        nk.CrossEntropy(network, 6, plugins=[masking])
    energy = nk.AdversarialNoisyMasking(activation="energy")
    nk.CrossEntropy(keras.models.clone_model(network), 6, plugins=[energy])
