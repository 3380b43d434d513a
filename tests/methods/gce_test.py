import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods import gce
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestGCE(MethodTests):
    """Truncated, which does all that the plain loss does, and more."""

    epochs = 8
    phases = ("train",)
    large = (
        "test_xla_gives_the_same_losses",
        "test_two_replicas_train_with_equal_tables",
        "test_true_labels_reach_no_batch",
    )
    # As cross-entropy's, whose step differs in the loss alone.
    test_mixed_precision_trains = None

    def build(self, source):
        return nk.GCE(
            toy.network(),
            source,
            truncation=0.3,
            prune_from=5,
            prune_every=2,
        )


# Probabilities 0.8 and 0.2, 0.5 and 0.5.
LOGITS = np.log([[0.8, 0.2], [0.8, 0.2], [0.5, 0.5]]).astype(np.float32)
TARGETS = np.array([[1, 0], [0, 1], [1, 0]], np.float32)


def test_the_loss_by_hand():
    loss = gce.generalized_cross_entropy(TARGETS, LOGITS, 0.5)
    expected = 2.0 * (1.0 - np.sqrt([0.8, 0.2, 0.5]))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_its_limits_are_cross_entropy_and_half_of_the_absolute_error():
    small = gce.generalized_cross_entropy(TARGETS, LOGITS, 1e-4)
    np.testing.assert_allclose(small, -np.log([0.8, 0.2, 0.5]), rtol=1e-3)
    error = gce.generalized_cross_entropy(TARGETS, LOGITS, 1.0)
    absolute = np.abs(TARGETS - np.exp(LOGITS)).sum(axis=1)
    np.testing.assert_allclose(error, absolute / 2, rtol=1e-5)


def test_its_gradient_is_that_of_cross_entropy_times_p_to_the_q():
    logits = tf.constant(LOGITS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        loss = gce.generalized_cross_entropy(TARGETS, logits, 0.7)
        plain = tf.nn.softmax_cross_entropy_with_logits(TARGETS, logits)
    weight = np.array([0.8, 0.2, 0.5])[:, None] ** 0.7
    np.testing.assert_allclose(
        tape.gradient(loss, logits),
        weight * tape.gradient(plain, logits),
        rtol=1e-4,
        atol=1e-6,
    )


def test_an_impossible_label_gives_a_finite_loss_without_a_gradient():
    logits = tf.constant([[200.0, -200.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = gce.generalized_cross_entropy([[0.0, 1.0]], logits, 0.7)
    np.testing.assert_allclose(loss, [1.0 / 0.7], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, logits), 0.0, atol=1e-6)


def test_samples_of_improbable_labels_are_left_out_when_it_is_time():
    source = toy.source(64, rate=0.3)
    model = nk.GCE(
        toy.network(), source, truncation=0.3, prune_from=4, prune_every=3
    )
    model.compile(nk.MomentumSGD(0.05))
    chosen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            chosen.append(model.selected.numpy()[:, 0])

    model.fit(source, batch_size=16, epochs=7, callbacks=[Watch()], verbose=0)
    assert np.all(chosen[:4])
    assert 0 < chosen[4].sum() < 64
    # Not again before three more epochs.
    np.testing.assert_array_equal(chosen[4], chosen[6])
    model.prune(source)
    probability = model.predict(source, verbose=0)
    given = probability[np.arange(64), source.labels]
    np.testing.assert_array_equal(model.selected.numpy()[:, 0], given > 0.3)


def test_a_choice_of_no_sample_is_not_made():
    source = toy.source(16)
    model = nk.GCE(toy.network(), source, truncation=0.99)
    before = np.arange(16)[:, None] % 2
    model.selected.assign(before)
    model.prune(source)
    np.testing.assert_array_equal(model.selected.numpy(), before)


def test_what_is_left_out_moves_no_weight():
    source = toy.source(16)
    model = nk.GCE(toy.network(), source, truncation=0.5, prune_from=99)
    model.compile(nk.MomentumSGD(0.05))
    model.selected.assign(np.zeros((16, 1)))
    before = [w.numpy() for w in model.trainable_variables]
    logs = model.fit(source, epochs=1, verbose=0).history
    for old, new in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    constant = (1.0 - 0.5**0.7) / 0.7
    assert logs["loss"][0] == pytest.approx(constant, rel=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"q": 0.0}, {"q": 1.5}, {"truncation": 1.0}, {"prune_every": 0}]
)
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(nk.ConfigurationError, match=next(iter(wrong))):
        nk.GCE(toy.network(), 8, **wrong)
