import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods import elr
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestELR(MethodTests):
    epochs = 8
    phases = ("train",)
    large = (
        "test_xla_gives_the_same_losses",
        "test_true_labels_reach_no_batch",
    )

    def build(self, source):
        return nk.ELR(toy.network(), source)


def test_the_penalty_by_hand():
    targets = np.full((2, 10), 0.1, np.float32)
    targets[0] = np.eye(10)[3]
    uniform = np.full((2, 10), 0.1, np.float32)
    penalty = elr.early_learning_penalty(targets, uniform)
    np.testing.assert_allclose(penalty, np.log([0.9, 0.9]), rtol=1e-6)
    agreed = elr.early_learning_penalty(targets[:1], targets[:1])
    # Bounded where both agree fully.
    np.testing.assert_allclose(agreed, np.log([1e-6]), rtol=1e-6)


def test_probabilities_are_clipped_as_in_the_released_code():
    p = elr.clipped_probabilities([[100.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(p[0], [1 - 1e-4, 1e-4, 1e-4], rtol=1e-6)
    np.testing.assert_allclose(p[1], 1.0 / 3.0, rtol=1e-6)


def test_the_penalty_pulls_towards_the_targets():
    logits = tf.zeros([1, 3])
    targets = tf.constant([[0.0, 0.6, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        p = elr.clipped_probabilities(logits)
        penalty = tf.reduce_sum(elr.early_learning_penalty(targets, p))
    [[first, second, third]] = tape.gradient(penalty, logits).numpy()
    # Descent raises the logit of the target's class and lowers the others. By
    # hand: -1 / (1 - 0.2) * 0.6 * (1/3 * 2/3, -1/3 * 1/3).
    np.testing.assert_allclose(second, -0.75 * 2 / 9, rtol=1e-5)
    np.testing.assert_allclose([first, third], 0.75 / 9, rtol=1e-5)


def test_targets_are_the_running_mean_of_predictions_before_each_step():
    source = toy.source(16)
    network = toy.network()
    model = nk.ELR(network, source, target_decay=0.75, view="none")
    # A rate so small that the network stays what it is.
    model.compile(nk.MomentumSGD(1e-12))
    network.trainable = True
    images = tf.cast(source.fetch(np.arange(16)), tf.float32)
    model.fit(source, batch_size=16, epochs=2, verbose=0)
    # Of one batch of all samples, in training mode.
    p = elr.clipped_probabilities(network(images, training=True)["logits"])
    share = p / tf.reduce_sum(p, axis=1, keepdims=True)
    # After two epochs: 0.75 * 0.25 + 0.25 of the prediction.
    np.testing.assert_allclose(
        model.targets.numpy(), 0.4375 * share, rtol=2e-3, atol=2e-4
    )


def test_without_its_term_it_is_cross_entropy():
    source = toy.source(32)
    histories, weights = [], None
    for model in (
        nk.ELR(toy.network(), source, regularization_weight=0.0),
        nk.CrossEntropy(toy.network(), source),
    ):
        weights = weights or model.networks[0].get_weights()
        model.networks[0].set_weights(weights)
        model.compile(nk.MomentumSGD(0.05))
        fitted = model.fit(source, batch_size=16, epochs=2, verbose=0)
        histories.append(fitted.history["loss_labeled"])
    np.testing.assert_allclose(*histories, rtol=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"target_decay": 1.0}, {"regularization_weight": -1.0}]
)
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(nk.ConfigurationError, match=next(iter(wrong))):
        nk.ELR(toy.network(), 8, **wrong)
