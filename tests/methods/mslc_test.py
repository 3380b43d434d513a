import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import losses
from noisy_keras.testing import toy
from tests.methods import meta_learner_tests
from tests.methods.meta_learner_tests import MetaLearnerTests
from tests.methods.meta_weight_net_test import weigh


class TestMSLC(MetaLearnerTests):
    # Trusted sets are taken by the base class: `TestMLC` shows how.
    test_mixed_precision_trains = None
    test_a_class_without_trusted_samples_is_named = None
    test_a_trusted_set_of_other_images_is_refused = None
    test_a_trusted_set_as_arrays = None

    phases = ("correct", "train")
    # Of the base class: `TestIEG` has them.
    test_true_labels_reach_no_batch = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None

    def build(self, source):
        return nk.MSLC(toy.network(), source.num_samples, correct_from=3)

    def past_warmup(self):
        return 4


def model_of(source, **options):
    model = nk.MSLC(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.3), run_eagerly=True)
    return model


def targets_by_hand(model, given, logits, before, hard):
    """Targets, written out."""
    now = tf.nn.softmax(logits)
    if hard:
        before, now = [
            tf.constant(np.eye(4)[np.argmax(p, axis=1)], tf.float32)
            for p in (before, now)
        ]
    constant = tf.stop_gradient(logits)
    beta = weigh(model.label_trust, losses.cross_entropy(given, constant))
    gamma = weigh(model.memory_trust, losses.cross_entropy(before, constant))
    beta, gamma = beta[:, None], gamma[:, None]
    predicted = gamma * before + (1.0 - gamma) * tf.stop_gradient(now)
    return beta * given + (1.0 - beta) * predicted


@pytest.mark.parametrize("hard", [False, True])
def test_its_gradient_is_that_through_the_step(hard):
    source = toy.source(32)
    model = model_of(source, hard_predictions=hard)
    data = meta_learner_tests.batch_of(model, source)
    before = tf.nn.softmax(tf.random.stateless_normal([8, 4], [1, 2]) * 2.0)
    model.last_predictions.write(data["index"], before)
    before = model.last_predictions.read(data["index"])
    images = tf.cast(data["images"], tf.float32)
    seen = {}

    def loss(theta):
        logits = model.forward(theta, images)
        targets = targets_by_hand(model, data["target"], logits, before, hard)
        seen["logits"] = logits
        return tf.reduce_mean(losses.cross_entropy(targets, logits))

    expected = meta_learner_tests.nested_gradients(
        model, loss, (data["trusted_images"], data["trusted_target"])
    )
    found = meta_learner_tests.gradients_taken(model, model._correct, data)
    meta_learner_tests.assert_close(found, expected)
    # What is noted is of the trained networks.
    logits = seen["logits"]
    targets = targets_by_hand(model, data["target"], logits, before, hard)
    index, label = data["index"].numpy(), data["label"].numpy()
    np.testing.assert_allclose(
        model.kept.numpy()[index, 0],
        targets.numpy()[np.arange(8), label],
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        model.last_predictions.numpy()[index],
        tf.nn.softmax(logits),
        atol=1e-3,
    )


def test_without_a_last_prediction_that_of_now_counts():
    source = toy.source(32)
    model = model_of(source, correct_from=0)
    data = meta_learner_tests.batch_of(model, source)
    logits = tf.random.stateless_normal([8, 4], [3, 4])
    now = tf.nn.softmax(logits)
    expected = targets_by_hand(model, data["target"], logits, now, False)
    np.testing.assert_allclose(
        model._targets(data, logits)(), expected, rtol=1e-5, atol=1e-6
    )


def test_before_labels_are_corrected_it_is_cross_entropy():
    source = toy.source(32)
    model = model_of(source, correct_from=1)
    plain = nk.CrossEntropy(toy.network(), source.num_samples)
    plain.compile(nk.MomentumSGD(0.3), run_eagerly=True)
    plain.networks[0].set_weights(model.networks[0].get_weights())
    trusted = toy.pictures(8, seed=5)
    options = {"batch_size": 16, "verbose": 0}
    learner = [p.numpy() for p in model.learner.parameters]
    mine = model.fit(source, trusted=trusted, epochs=1, **options)
    other = plain.fit(source, epochs=1, **options)
    np.testing.assert_allclose(
        mine.history["loss"], other.history["loss"], rtol=1e-5
    )
    for unmeasured in ("loss_corrected", "probe_loss", "mean_trust"):
        assert np.isnan(mine.history[unmeasured]).all()
    for old, new in zip(learner, model.learner.parameters, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    np.testing.assert_allclose(
        model.last_predictions.numpy(),
        model.prediction_history.numpy(),
        atol=1e-3,
    )
    assert (model.kept.numpy() == -1.0).all()
    later = model.fit(source, initial_epoch=1, epochs=2, **options).history
    assert (model.kept.numpy() >= 0.0).all()
    assert np.isnan(later["loss_labeled"]).all()
    assert np.isfinite(later["probe_loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correct_from": -1}, "`correct_from` to be a whole number"),
        ({"hidden": 0}, "`hidden`"),
        ({"hard_predictions": 2}, "True or False"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.MSLC(toy.network(), 8, **options)
