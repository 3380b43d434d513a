import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods.bases import semi_supervised
from noisy_keras.networks.weight_average import WeightAverage
from noisy_keras.ops import meta
from noisy_keras.ops import random
from noisy_keras.testing import TrustedMethodTests
from noisy_keras.testing import toy


class TestIEG(TrustedMethodTests):
    learning_rate = 0.05
    epochs = 30

    def build(self, source):
        # A policy that shears turns one of the toy's classes into another.
        return nk.IEG(
            toy.network(),
            source.num_samples,
            strong_view="weak",
            consistency_weight=5.0,
            average_decay=0.9,
        )


def model_of(source, **options):
    options.setdefault("strong_view", "weak")
    model = nk.IEG(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.03, weight_decay=1e-2))
    model.trusted = toy.trusted()
    return model


def batch_of(model, source, size=16):
    """A batch of the second epoch."""
    [one] = model.make_plan(source, size)(1)
    batch = next(iter(one.dataset()))["train"]
    return {k: tf.convert_to_tensor(v) for k, v in batch.items()}


def test_sixteen_bits_leave_the_meta_step_exact(monkeypatch):
    source = toy.source(64, rate=0.5)
    weights, found = toy.network().get_weights(), []
    derivative_along = meta.derivative_along

    def watched(*args):
        found.append(derivative_along(*args))
        return found[-1]

    monkeypatch.setattr(meta, "derivative_along", watched)
    for policy in ("float32", "mixed_bfloat16"):
        keras.mixed_precision.set_global_policy(policy)
        model = model_of(source, lookahead_through_pseudo_labels=True)
        model.networks[0].set_weights(weights)
        model._train(batch_of(model, source, 32))
    exact, mixed = (f.numpy() for f in found)
    size = np.abs(exact).max(axis=0)
    np.testing.assert_allclose(mixed / size, exact / size, atol=2e-3)


def test_losses_by_hand():
    model = model_of(toy.source(16))
    labels = tf.one_hot([0, 1], 4)
    pseudo = tf.one_hot([2, 1], 4)
    logits = tf.math.log([[0.1, 0.2, 0.4, 0.3], [0.25, 0.5, 0.125, 0.125]])
    values = model._supervised(
        labels, pseudo, logits, tf.constant([0.5, 0.0]), tf.constant([0.0, 1.0])
    )
    # 0.5 * 0.5 * -(0.9 log 0.1 + 0.1 log 0.4)
    assert float(values["loss_weighted"]) == pytest.approx(0.54098869)
    # 0.5 * mean(-log 0.4, -log 0.5)
    assert float(values["loss_relabeled"]) == pytest.approx(0.40235948)


def test_no_useful_sample_leaves_the_weighted_loss_out():
    model = model_of(toy.source(16))
    logits = tf.zeros([2, 4])
    target = tf.one_hot([0, 1], 4)
    values = model._supervised(
        target, target, logits, tf.zeros([2]), tf.ones([2])
    )
    assert float(values["loss_weighted"]) == 0.0
    assert float(values["loss_relabeled"]) > 0.0


def test_pseudo_labels_by_hand():
    model = model_of(toy.source(16), logit_normalization=False)
    weak = tf.math.log([[0.6, 0.2, 0.1, 0.1]])
    strong = tf.math.log([[0.2, 0.4, 0.3, 0.1]])
    # The mean is (.4, .3, .2, .1); squared and normalised, / .30.
    np.testing.assert_allclose(
        semi_supervised.pseudo_labels(model, weak, strong),
        [[16 / 30, 9 / 30, 4 / 30, 1 / 30]],
        rtol=1e-5,
    )


def test_mixed_losses_by_hand():
    source = toy.source(16)
    model = model_of(source, unlabeled_weight=3.0)
    data = batch_of(model, source, 4)
    kernel = tf.random.stateless_normal([3, 4], [1, 2]) / 50.0
    model.forward = lambda theta, x: tf.reduce_mean(x, axis=[1, 2]) @ theta[0]
    weak, strong, trusted = semi_supervised.images(data)
    pseudo = tf.nn.softmax(tf.random.stateless_normal([4, 4], [3, 4]))
    found = semi_supervised.mixed_losses(
        model,
        [kernel],
        (trusted, weak, strong),
        (data["trusted_target"], pseudo),
        data,
    )
    seed = data["seed"][0]
    u = random.uniform(
        [12], random.fold_in(seed, semi_supervised._RATIOS)
    ).numpy()
    partner = random.permutation(
        12, random.fold_in(seed, semi_supervised._PARTNERS)
    ).numpy()
    drawn = random.uniform([4], random.fold_in(seed, semi_supervised._DRAWN))
    drawn = np.floor(4.0 * drawn.numpy()).astype(int)
    known = data["trusted_target"].numpy()[drawn]
    pool = np.concatenate([trusted.numpy()[drawn], weak, strong])
    targets = np.concatenate([known, pseudo, pseudo])
    ratio = np.maximum(u**2 / 2.0, 1.0 - u**2 / 2.0)[:, None]
    means = pool.mean(axis=(1, 2))
    logits = (ratio * means + (1.0 - ratio) * means[partner]) @ kernel.numpy()
    targets = ratio * targets + (1.0 - ratio) * targets[partner]
    each = []
    for rows in np.split(np.arange(12), 3):
        z = logits[rows] / np.sqrt(np.mean(logits[rows] ** 2) + 1e-8)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        each.append(-(targets[rows] * log_p).sum(axis=1).mean())
    assert float(found["loss_trusted"]) == pytest.approx(each[0], rel=1e-4)
    wanted = 3.0 * np.mean(each[1:])
    assert float(found["loss_unlabeled"]) == pytest.approx(wanted, rel=1e-4)


def test_mixup_draws_nothing_that_the_views_drew():
    source = toy.source(64)
    model = model_of(source)
    data = batch_of(model, source)
    u = np.sqrt(2.0 * (1.0 - semi_supervised._ratios(model, data, 48).numpy()))
    policy = random.fold_in(data["seed"][0], 2)
    policy = random.uniform([16, 5], policy).numpy().ravel()[:48]
    assert np.abs(u - policy).max() > 0.1


def test_the_weak_view_leads():
    weak, strong = tf.constant([[2.0, 0.0]]), tf.constant([[0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch([weak, strong])
        value = semi_supervised.divergence(weak, strong)
    # p = sigmoid(2); log 2 minus its entropy.
    p = 1.0 / (1.0 + np.exp(-2.0))
    entropy = -p * np.log(p) - (1.0 - p) * np.log(1.0 - p)
    assert float(value) == pytest.approx(np.log(2.0) - entropy, rel=1e-5)
    slopes = tape.gradient(value, [weak, strong])
    assert slopes[0] is None
    np.testing.assert_allclose(slopes[1], [[0.5 - p, p - 0.5]], rtol=1e-5)


def test_mixup_ratios_of_the_released_code():
    source = toy.source(64)
    model = model_of(source)
    data = batch_of(model, source)
    u = random.uniform(
        [48], random.fold_in(data["seed"][0], semi_supervised._RATIOS)
    )
    ratios = semi_supervised._ratios(model, data, 48).numpy()
    np.testing.assert_allclose(ratios, 1.0 - u**2 / 2.0, rtol=1e-6)
    assert np.unique(ratios).size == 48


def test_mixup_ratios_of_the_beta_distribution(monkeypatch):
    source = toy.source(64)
    model = model_of(source, exact_beta=True, mix_alpha=2.0)
    # Of four steps, each of three ratios for each of 16 samples.
    dealt = model.make_plan(source, 16).step_settings(1)["mix_ratio"]
    assert dealt.shape == (4, 48)
    assert (dealt >= 0.5).all() and (dealt <= 1.0).all()
    # E max(l, 1 - l) for l of Beta(2, 2).
    assert dealt.mean() == pytest.approx(11 / 16, abs=0.04)
    data = batch_of(model, source)
    every = data["mix_ratio"][0]
    np.testing.assert_array_equal(
        semi_supervised._ratios(model, data, 48), every[:48]
    )
    # Each replica takes its own.
    monkeypatch.setattr(semi_supervised.distribution, "replica_id", lambda: 1)
    np.testing.assert_array_equal(
        semi_supervised._ratios(model, data, 24), every[24:48]
    )


def test_the_average_follows_slowly():
    network = toy.network()
    average = WeightAverage(network, 0.5)
    before = network.get_weights()
    for variable in network.trainable_variables:
        variable.assign_add(tf.ones_like(variable))
    average.update(network, 0)  # d = 1 / 10
    mine, trained = average.network, network
    for old, new, start in zip(
        mine.weights, trained.weights, before, strict=True
    ):
        if new.trainable:
            np.testing.assert_allclose(old, start + 0.9, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(old, new)
    average.update(network, 1000)  # d = 0.5, at most
    for old, new, start in zip(
        mine.weights, trained.weights, before, strict=True
    ):
        if new.trainable:
            np.testing.assert_allclose(old, start + 0.95, rtol=1e-5, atol=1e-6)
    assert mine.trainable_variables == []


@pytest.mark.large
def test_other_optimizers_need_a_plain_lookahead():
    source = toy.source(64)
    model = nk.IEG(toy.network(), 64)
    with pytest.raises(ValueError, match="nk.MomentumSGD.*Received: Adam"):
        model.compile(keras.optimizers.Adam(1e-3))
    model = nk.IEG(
        toy.network(), 64, momentum_lookahead=False, strong_view="weak"
    )
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit(
        source, trusted=toy.trusted(), batch_size=16, epochs=1, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()


def test_a_clipped_step_is_another():
    for clip in ("clipnorm", "global_clipnorm", "clipvalue"):
        sgd = nk.MomentumSGD(0.05, **{clip: 0.1})
        model = nk.IEG(toy.network(), 64)
        with pytest.raises(ValueError, match=f"not clip.*Received: {clip}=0.1"):
            model.compile(sgd)
        plain = nk.IEG(toy.network(), 64, momentum_lookahead=False)
        plain.compile(nk.MomentumSGD(0.05, **{clip: 0.1}))


def test_an_optimizer_of_scaled_gradients_is_told():
    # It is a `MomentumSGD` too, but its step is another.
    model = nk.IEG(toy.network(), 64, strong_view="weak")
    with pytest.raises(ValueError, match="Received: LARS"):
        model.compile(nk.LARS(0.1))


def test_current_rate_as_step_size():
    model = model_of(toy.source(64), step_size=None)
    model.compile(
        nk.MomentumSGD(keras.optimizers.schedules.CosineDecay(0.05, 10))
    )
    theta = model.parameters()
    slopes = [tf.ones_like(w) for w in theta]
    for step, rate in ((0, 0.05), (5, 0.025)):
        model.optimizer.iterations.assign(step)
        ahead = model.look_ahead(theta, slopes)
        for w, new in zip(theta, ahead, strict=True):
            np.testing.assert_allclose(new, w - rate, atol=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_look_ahead_is_the_optimizers_own_step(nesterov):
    model = model_of(toy.source(64), step_size=None)
    sgd = nk.MomentumSGD(0.05, 0.8, weight_decay=0.1, nesterov=nesterov)
    model.compile(sgd)
    variables = model.networks[0].trainable_variables
    for step in (1.0, 2.0):
        slopes = [step * tf.ones_like(v) for v in variables]
        ahead = model.look_ahead(model.parameters(), slopes)
        sgd.apply(slopes, variables)
        for variable, new in zip(variables, ahead, strict=True):
            np.testing.assert_allclose(new, variable, rtol=1e-5, atol=1e-6)


def test_without_relabelling_no_label_is_kept_or_not():
    source = toy.source(64)
    model = model_of(source, relabel=False)
    model._train(batch_of(model, source))
    assert (model.kept.numpy() == -1.0).all()
    assert (model.sample_weight.numpy() >= 0.0).any()


def test_pictures_are_read_once_a_step(monkeypatch):
    source = toy.source(16)
    model = model_of(source)
    plan = model.make_plan(source, 8)
    read = []
    monkeypatch.setattr(
        source,
        "fetch_with_margin",
        lambda index: read.append(index) or source.fetch(index),
    )
    seeds = []
    for view in ("_view", "_strong_view"):
        monkeypatch.setattr(
            plan,
            view,
            lambda images, seed: seeds.append(tuple(seed.numpy())) or images,
        )
    row = {name: tf.range(8) for name in ("index", "trusted")}
    fields = plan.make_batch({**row, "seed": tf.constant([1, 2])})
    assert len(read) == 1
    # The same pictures, each view by its own numbers.
    np.testing.assert_array_equal(fields["strong"], fields["images"])
    assert len(set(seeds)) == 2


def test_bad_settings_are_told():
    for options, message in (
        ({"temperature": 0.0}, "temperature"),
        ({"label_weight": 1.5}, "label_weight"),
        ({"strong_view": "strong"}, "strong_view"),
        ({"step_size": 0.0}, "step_size"),
    ):
        with pytest.raises(ValueError, match=message):
            nk.IEG(toy.network(), 16, **options)
    model = model_of(toy.source(64))
    with pytest.raises(ValueError, match="a source or .images, labels."):
        model.fit(toy.source(64), trusted="all", epochs=1)
