"""Views of features: noise and dropout, of the strength they say."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.utils.errors import ConfigurationError

SEED = tf.constant([3, 4], tf.int32)


@pytest.fixture(scope="module")
def source():
    values = np.random.RandomState(0).normal(size=(2000, 2)) * [1.0, 100.0]
    return nk.data.from_features(values + [0.0, 5.0], np.arange(2000) % 2)


def test_no_view_changes_nothing(source):
    rows = source.fetch(np.arange(10))
    np.testing.assert_array_equal(source.view("none")(rows, SEED), rows)
    assert source.view("none")(rows, SEED, 3).shape == (30, 2)


def test_weak_noise_is_in_units_of_each_column(source):
    rows = source.fetch(np.arange(2000))
    changed = source.view("weak")(rows, SEED) - rows
    expected = 0.1 * np.asarray(source.pixel_std)
    np.testing.assert_allclose(np.std(changed, axis=0), expected, rtol=0.05)
    slight = source.view("slight")(rows, SEED) - rows
    np.testing.assert_allclose(np.std(slight, axis=0), expected / 2, rtol=0.05)


def test_dropped_coordinates_get_the_mean_of_their_column(source):
    source = source.with_augmentation(strong_noise=0.0, strong_dropout=0.25)
    rows = source.fetch(np.arange(2000))
    changed = source.view("randaugment")(rows, SEED).numpy()
    dropped = changed != rows.numpy()
    assert np.allclose(dropped.mean(axis=0), 0.25, atol=0.03)
    means = np.broadcast_to(np.float32(source.pixel_mean), changed.shape)
    np.testing.assert_array_equal(changed[dropped], means[dropped])


def test_views_follow_from_the_seed_and_copies_differ(source):
    rows = source.fetch(np.arange(4))
    view = source.view("autoaugment_cutout")
    first = view(rows, SEED, 2).numpy()
    np.testing.assert_array_equal(first, view(rows, SEED, 2))
    assert not np.array_equal(first[:4], first[4:])
    assert not np.array_equal(first, view(rows, SEED + 1, 2))


def test_every_view_but_simclrs_exists(source):
    rows = source.fetch([0])
    for name in set(nk.data.VIEWS) - {"simclr"}:
        assert source.view(name)(rows, SEED).shape == (1, 2), name
    with pytest.raises(ConfigurationError, match="'simclr', which needs"):
        source.view("simclr")


def test_layers_and_functions_are_views(source):
    rows = source.fetch([0, 1])
    doubled = source.view(lambda x, seed: 2.0 * x)
    np.testing.assert_allclose(doubled(rows, SEED), 2.0 * rows)
    layer = source.view(keras.layers.GaussianDropout(0.5))
    np.testing.assert_array_equal(layer(rows, SEED), layer(rows, SEED))


@pytest.mark.parametrize("name", ["noise", "strong_dropout"])
def test_strengths_out_of_range_are_refused(name):
    with pytest.raises(ConfigurationError, match=f"`{name}` in"):
        nk.data.FeatureAugmentation(**{name: -0.1})
