"""Cross-entropy with any other Keras loss."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods.bases.keras_loss import KerasLoss
from noisy_keras.testing import toy

LOGITS = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]], np.float32)
TARGETS = np.array([[0.8, 0.1, 0.1], [0.0, 1.0, 0.0]], np.float32)
LABELS = np.array([0, 1], np.int32)
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


@keras.saving.register_keras_serializable(package="tests")
def squared(targets, predictions):
    return tf.reduce_sum((targets - predictions) ** 2, axis=1)


def unregistered(targets, predictions):
    return squared(targets, predictions)


def fitted(loss, epochs=1, **options):
    keras.utils.set_random_seed(3)
    model = nk.CrossEntropy(toy.network(), 32, loss=loss, **options)
    model.compile(nk.MomentumSGD(0.05))
    history = model.fit(
        toy.source(32), epochs=epochs, batch_size=8, verbose=0
    ).history
    return model, history


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (
            keras.losses.CategoricalCrossentropy(),
            -(TARGETS * np.log(P)).sum(axis=1).mean(),
        ),
        (
            keras.losses.CategoricalCrossentropy(from_logits=True),
            -(TARGETS * np.log(P)).sum(axis=1).mean(),
        ),
        (
            keras.losses.SparseCategoricalCrossentropy(),
            -np.log(P[[0, 1], LABELS]).mean(),
        ),
        (
            keras.losses.sparse_categorical_crossentropy,
            -np.log(P[[0, 1], LABELS]).mean(),
        ),
        (
            functools.partial(
                keras.losses.categorical_crossentropy, from_logits=True
            ),
            -(TARGETS * np.log(P)).sum(axis=1).mean(),
        ),
        (squared, ((TARGETS - P) ** 2).sum(axis=1).mean()),
        (
            lambda targets, p: tf.reduce_mean(tf.abs(targets - p)),
            np.abs(TARGETS - P).mean(),
        ),
    ],
)
def test_losses_get_what_they_expect_and_are_averaged(loss, expected):
    found = KerasLoss(loss)(TARGETS, LOGITS, LABELS)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_keras_cross_entropy_trains_as_the_default():
    default, expected = fitted(None)
    for loss in (
        keras.losses.CategoricalCrossentropy(from_logits=True),
        "sparse_categorical_crossentropy",
    ):
        model, history = fitted(loss)
        np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-4)
        np.testing.assert_allclose(
            model.get_weights()[0], default.get_weights()[0], atol=1e-4
        )


@pytest.mark.large
@pytest.mark.parametrize(
    "loss",
    [
        # It takes integer labels, though its name does not tell.
        keras.losses.CategoricalGeneralizedCrossEntropy(q=0.5),
        squared,
    ],
)
def test_other_losses_learn(loss):
    model, history = fitted(loss, epochs=12)
    assert history["loss"][-1] < history["loss"][0]
    images, labels = toy.pictures(32, seed=9)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.7


@pytest.mark.large
def test_two_replicas_take_the_mean_over_the_global_batch(two_replicas):
    one, _ = fitted(squared)
    with two_replicas.scope():
        two, _ = fitted(squared)
    # Batch statistics are of each replica, so weights differ a little.
    for mine, other in zip(
        one.networks[0].trainable_variables,
        two.networks[0].trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=0.05)


@pytest.mark.parametrize(
    "loss",
    [
        "kl_divergence",
        squared,
        keras.losses.CategoricalFocalCrossentropy(gamma=3.0),
    ],
)
def test_a_saved_loss_is_loaded(loss, tmp_path):
    model = nk.CrossEntropy(toy.network(), 32, loss=loss)
    model.compile()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.settings == model.settings
    value = loaded.settings["loss"](TARGETS, LOGITS)
    np.testing.assert_array_equal(value, KerasLoss.of(loss)(TARGETS, LOGITS))


def test_a_function_that_is_not_registered_is_refused_by_save(tmp_path):
    model, _ = fitted(lambda targets, p: squared(targets, p))
    with pytest.raises(ValueError, match="register_keras_serializable"):
        model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="`loss` that can be saved"):
        nk.CrossEntropy(toy.network(), 32, loss=unregistered).get_config()


def test_a_loss_of_which_keras_would_lose_an_argument_is_refused_by_save():
    loss = keras.losses.Huber(delta=0.3)
    found = keras.losses.Huber.from_config(loss.get_config())
    if found(TARGETS, P) == loss(TARGETS, P):
        pytest.skip("this Keras saves the argument")
    with pytest.raises(ValueError, match="arguments are lost"):
        nk.CrossEntropy(toy.network(), 32, loss=loss).get_config()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("no_such_loss", "name of a Keras loss"),
        (3.0, "name of a Keras loss"),
        (keras.losses.MeanSquaredError(reduction="sum"), "reduction='sum'"),
        (lambda targets: targets, "fails with TypeError"),
        (lambda targets, p: p["logits"], "fails with"),
    ],
)
def test_what_is_no_loss_is_refused(loss, message):
    with pytest.raises(ValueError, match=message) as raised:
        nk.CrossEntropy(toy.network(), 32, loss=loss)
    assert "\n" not in str(raised.value)


def test_sparse_losses_are_refused_beside_plugins():
    with pytest.raises(ValueError, match="takes integer labels"):
        nk.SANM(
            toy.network(),
            32,
            host="ce",
            loss="sparse_categorical_crossentropy",
        )
