"""A step of IEG against its equations, written out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods.bases import semi_supervised
from noisy_keras.ops import losses
from noisy_keras.ops import meta
from noisy_keras.testing import toy
from tests.methods.ieg_test import batch_of
from tests.methods.ieg_test import model_of


def by_nested_tapes(model, data):
    """Weights and label choices by the equations, written out."""
    network, sgd = model.networks[0], model.optimizer
    theta = model.parameters()
    weak, strong, probe = semi_supervised.images(data)
    count = weak.shape[0]
    omega = tf.fill([count], 1.0 / count)
    trust = tf.fill([count], model.label_weight)
    decay = sgd.coupled_weight_decay
    with tf.GradientTape() as outer:
        outer.watch([omega, trust])
        with tf.GradientTape() as inner:
            inner.watch(theta)
            z = model.exact_forward(theta, weak)
            g = semi_supervised.pseudo_labels(
                model, z, model.exact_forward(theta, strong)
            )
            if not model.lookahead_through_pseudo_labels:
                g = tf.stop_gradient(g)
            share = trust[:, None]
            target = share * data["target"] + (1.0 - share) * g
            loss = tf.reduce_sum(omega * losses.cross_entropy(target, z))
        slopes = inner.gradient(loss, theta)
        ahead = [
            w - 0.1 * (0.9 * m.value + s + decay * w)
            for w, m, s in zip(theta, sgd.momentum_buffer, slopes, strict=True)
        ]
        z = model.exact_forward(ahead, probe)
        loss = tf.reduce_mean(losses.cross_entropy(data["trusted_target"], z))
        loss += 0.5 * decay * sum(tf.reduce_sum(w * w) for w in ahead)
    assert network.trainable
    slopes = outer.gradient(loss, [omega, trust])
    return meta.sample_weights(slopes[0]), meta.keep_label(slopes[1])


@pytest.mark.parametrize("through", [False, True])
def test_the_meta_step_is_that_of_nested_tapes(through):
    source = toy.source(64, rate=0.5)
    model = model_of(source, lookahead_through_pseudo_labels=through)
    model.fit(source, trusted=toy.trusted(), batch_size=16, epochs=1, verbose=0)
    data = batch_of(model, source)
    found = {}
    supervised = model._supervised

    def watched(labels, pseudo, logits, weights, keep):
        found.update(weights=weights, keep=keep)
        return supervised(labels, pseudo, logits, weights, keep)

    expected = by_nested_tapes(model, data)
    network = model.networks[0]
    weak_alone = keras.models.clone_model(network)
    weak_alone.set_weights(network.get_weights())
    weak_alone(semi_supervised.images(data)[0], training=True)
    model._supervised = watched
    model._train(data)
    # Of all passes, one moves the statistics.
    for mine, other in zip(
        network.non_trainable_variables,
        weak_alone.non_trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-5)
    weights = found["weights"].numpy()
    assert 0.0 < (weights == 0.0).mean() < 1.0
    np.testing.assert_allclose(weights, expected[0], atol=1e-4 * weights.max())
    np.testing.assert_array_equal(found["keep"], expected[1])
    # What the step found is in the tables, an even share being 1.
    rows = model.sample_weight.read(data["index"]).numpy()
    np.testing.assert_allclose(rows[:, 0], 16.0 * weights, rtol=1e-5)
    np.testing.assert_array_equal(
        model.kept.read(data["index"])[:, 0], found["keep"]
    )


def assert_step_descends(model, data, total):
    """A step moves the network down the slope of a loss, as SGD does."""
    sgd, theta = model.optimizer, model.parameters()
    with tf.GradientTape() as tape:
        tape.watch(theta)
        loss = total(theta)
    rate, decay = float(sgd.learning_rate), sgd.coupled_weight_decay
    expected = [
        w - rate * (sgd.momentum * m.value + slope + decay * w)
        for w, m, slope in zip(
            theta,
            sgd.momentum_buffer,
            tape.gradient(loss, theta),
            strict=True,
        )
    ]
    model.reset_metrics()
    model._train(data)
    assert float(model._means["loss"].result()) == pytest.approx(
        float(loss), rel=1e-4
    )
    for before, after, wanted in zip(
        theta, model.parameters(), expected, strict=True
    ):
        moved = np.abs(wanted - before).max()
        assert moved > 1e-6
        np.testing.assert_allclose(after, wanted, atol=1e-3 * moved)


def kl_of_views(z_weak, z_strong):
    """Equation 7: KL of what the weak view says from the strong one's."""
    leading = tf.stop_gradient(tf.nn.softmax(z_weak))
    ratio = tf.math.log(leading) - tf.nn.log_softmax(z_strong)
    return tf.reduce_mean(tf.reduce_sum(leading * ratio, axis=1))


def guessed(model, theta, data):
    """What IEG and EG share, with k = 3.

    Returns:
        logits of the weak view, pseudo-labels, and the loss without labels.
    """
    weak, strong, trusted = semi_supervised.images(data)
    z_weak, z_strong = (model.forward(theta, x) for x in (weak, strong))
    g = tf.stop_gradient(semi_supervised.pseudo_labels(model, z_weak, z_strong))
    mixed = semi_supervised.mixed_losses(
        model,
        theta,
        (trusted, weak, strong),
        (data["trusted_target"], g),
        data,
    )
    # The second is times p already, which its own test is of.
    terms = mixed["loss_trusted"] + mixed["loss_unlabeled"]
    return z_weak, g, terms + 3.0 * kl_of_views(z_weak, z_strong)


@pytest.mark.parametrize("through", [False, True])
def test_a_step_descends_the_total_loss(through):
    """Equations 5 to 8; weights, choices and pseudo-labels are constants."""
    source = toy.source(64, rate=0.5)
    model = model_of(
        source,
        lookahead_through_pseudo_labels=through,
        unlabeled_weight=2.0,
        consistency_weight=3.0,
    )
    model.fit(source, trusted=toy.trusted(), batch_size=16, epochs=1, verbose=0)
    data = batch_of(model, source)
    weights, keep = by_nested_tapes(model, data)
    labels = data["target"]
    assert 0.0 < float(tf.reduce_mean(keep)) < 1.0

    def total(theta):
        z_weak, g, needs_no_label = guessed(model, theta, data)
        each = losses.cross_entropy(0.9 * labels + 0.1 * g, z_weak)
        weighted = tf.reduce_sum(weights * each)
        chosen = tf.where(keep[:, None] > 0.5, labels, g)
        relabeled = tf.reduce_mean(losses.cross_entropy(chosen, z_weak))
        return 0.5 * (weighted + relabeled) + needs_no_label

    assert_step_descends(model, data, total)


def test_a_step_of_eg_descends_what_needs_no_label():
    source = toy.source(64, rate=0.5)
    model = nk.EG(
        toy.network(),
        64,
        strong_view="weak",
        unlabeled_weight=2.0,
        consistency_weight=3.0,
    )
    model.compile(nk.MomentumSGD(0.03, weight_decay=1e-2))
    model.fit(source, trusted=toy.trusted(), batch_size=16, epochs=1, verbose=0)
    data = batch_of(model, source)

    def total(theta):
        return guessed(model, theta, data)[2]

    assert_step_descends(model, data, total)
