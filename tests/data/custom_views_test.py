"""Keras layers and functions wherever a view's name is accepted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data import augment
from noisy_keras.data.augment import CustomView
from noisy_keras.testing import toy


@keras.saving.register_keras_serializable(package="tests")
def brighter(images, seed):
    draw = tf.random.stateless_uniform([tf.shape(images)[0]], seed, 0, 50)
    images = tf.cast(images, tf.float32) + draw[:, None, None, None]
    return tf.clip_by_value(images, 0.0, 255.0)


def unregistered(images, seed):
    return brighter(images, seed)


def layers():
    return keras.Sequential(
        [
            keras.layers.RandomTranslation(0.2, 0.2, seed=1),
            keras.layers.RandomBrightness(0.3, seed=2),
        ]
    )


def seen(view, seed=(1, 2), copies=1, count=6):
    source = toy.source(count)
    images = source.fetch_with_margin(np.arange(count))
    return source.view(view)(images, tf.constant(seed), copies).numpy()


def test_a_function_gets_images_and_the_seed():
    images = toy.source(6).fetch(np.arange(6))
    expected = brighter(images, tf.constant([1, 2]))
    np.testing.assert_array_equal(seen(brighter), expected)
    assert seen(brighter).dtype == np.float32
    assert (seen(brighter) != seen(brighter, seed=(1, 3))).any()


def test_copies_of_an_image_differ():
    first, second = np.split(seen(brighter, copies=2), 2)
    assert (first != second).any()
    first, second = np.split(seen(layers(), copies=2), 2)
    assert (first != second).any()


def test_a_layer_is_seeded_by_the_step_alone():
    view = layers()
    first = seen(view)
    np.testing.assert_array_equal(seen(view), first)
    assert (seen(view, seed=(1, 3)) != first).any()
    # The layers do not have the same state: another order, other images.
    fresh = layers()
    seen(fresh, seed=(8, 8))
    np.testing.assert_array_equal(seen(fresh), first)


def test_layers_are_in_training_mode():
    unchanged = toy.source(6).fetch(np.arange(6)).numpy()
    assert (seen(keras.layers.RandomFlip("horizontal")) != unchanged).any()
    dropped = seen(keras.layers.Dropout(0.5))
    assert np.mean(dropped == 0.0) > 0.3


def test_a_layer_of_bytes_keeps_bytes():
    flip = keras.layers.RandomFlip("vertical", dtype="uint8")
    assert seen(flip).dtype == np.uint8


def test_layers_with_weights_are_built_outside_of_the_pipeline():
    class Scaled(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(
                shape=(shape[-1],), initializer="ones", name="scale"
            )

        def call(self, images):
            return 0.5 * self.scale * images

    source, view = toy.source(8), Scaled()
    plan = nk.OneRoundPlan(
        nk.CrossEntropy(toy.network(), source, view=view), source, 4
    )
    for batch in plan(0)[0].dataset():
        index = batch["train"]["index"]
        np.testing.assert_allclose(
            batch["train"]["images"],
            0.5 * source.fetch(index).numpy(),
        )


def test_a_view_gets_the_middle_of_images_with_a_margin():
    view = augment.make_view(
        lambda images, seed: images, augment.Augmentation(), 255.0, (4, 4)
    )
    images = tf.reshape(tf.range(2 * 6 * 6), [2, 6, 6, 1])
    np.testing.assert_array_equal(
        view(tf.cast(images, tf.uint8), tf.constant([0, 0])),
        images[:, 1:5, 1:5],
    )


def test_a_view_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match="keep the shape of the images"):
        seen(lambda images, seed: images[:, ::2])


@pytest.mark.parametrize("value", ["no_such_view", 3, None])
def test_what_is_no_view_is_refused(value):
    with pytest.raises(ValueError, match="a Keras layer, or a function"):
        nk.CrossEntropy(toy.network(), 8, view=value)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (nk.CrossEntropy, ("view",)),
        (nk.DivideMix, ("warmup_view", "guess_view", "train_view")),
        (nk.JointOptim, ("view",)),
        (nk.PseudoLabeling, ("view",)),
        (nk.IEG, ("view", "strong_view")),
        (nk.EG, ("view", "strong_view")),
        (nk.L2R, ("view",)),
        (nk.MetaWeightNet, ("view",)),
        (nk.MLC, ("view",)),
        (nk.MSLC, ("view",)),
        (nk.SimCLR, ("view",)),
        (nk.MoCo, ("view",)),
    ],
)
def test_every_method_takes_them_and_saves_them(method, options):
    given = {name: brighter for name in options}
    given[options[0]] = layers()
    model = method(toy.network(), 8, **given)
    loaded = method.from_config(model.get_config())
    assert loaded.settings == model.settings
    assert isinstance(getattr(loaded, options[0]), CustomView)
    # They are no part of the model.
    assert len(loaded.variables) == len(method(toy.network(), 8).variables)


def test_a_run_sees_the_same_images_when_it_resumes():
    source = toy.source(16)
    batches = []
    for first_step in (0, 2):
        model = nk.CrossEntropy(toy.network(), source, view=layers())
        [one] = model.make_plan(source, 4, seed=5)(epoch=3)
        [last] = list(one.dataset(first_step))[-1].values()
        batches.append(last["images"].numpy())
    np.testing.assert_array_equal(*batches)


def test_a_function_that_is_not_registered_trains_but_is_not_saved(tmp_path):
    source = toy.source(16)
    model = nk.CrossEntropy(toy.network(), source, view=unregistered)
    model.compile(nk.MomentumSGD(0.05))
    history = model.fit(source, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    with pytest.raises(ValueError, match="`view` that can be saved"):
        model.save(tmp_path / "model.keras")


@pytest.mark.large
def test_dividemix_trains_on_layers(tmp_path):
    source = toy.source(32)
    plugin = nk.AdversarialNoisyMasking(extra_view=layers(), extra_views=1)
    model = nk.DivideMix(
        toy.network(),
        source,
        warmup_epochs=1,
        guess_view=layers(),
        train_view=brighter,
        plugins=[plugin],
    )
    model.compile(nk.MomentumSGD(0.05))
    history = model.fit(source, epochs=3, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.plugins[0].extra_view, CustomView)
