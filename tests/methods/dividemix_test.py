import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.division import LossHistory
from noisy_keras.ops import random
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestDivideMix(MethodTests):
    epochs = 8
    phases = ("warmup_0", "warmup_1", "mixmatch_0", "mixmatch_1")
    large = (
        "test_xla_gives_the_same_losses",
        "test_a_saved_model_goes_on_as_if_never_saved",
    )
    # `TestSANM` has them, with this method for a host.
    test_one_trace_per_phase_however_the_epochs_change = None
    test_two_replicas_train_with_equal_tables = None
    test_true_labels_reach_no_batch = None
    test_mixed_precision_trains = None

    def build(self, source):
        return nk.DivideMix(
            toy.network(),
            source.num_samples,
            warmup_epochs=1,
            unlabeled_weight=5.0,
        )


def model_of(source, **options):
    options.setdefault("warmup_epochs", 0)
    model = nk.DivideMix(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.01))
    return model


def test_the_second_network_starts_elsewhere():
    model = model_of(toy.source(32))
    first, second = (n.trainable_variables[0].numpy() for n in model.networks)
    assert np.abs(first - second).max() > 0.01


@pytest.mark.large
def test_labels_of_any_numbers_train_alike():
    """Labels from 0, from 1 and with gaps are the same classes."""
    made = toy.source(64)
    images = made.fetch(np.arange(64)).numpy()
    results = []
    for names in (range(4), range(1, 5), (57, 88, 101, 240)):
        names = np.array(names)
        source = nk.data.from_arrays(
            images, names[made.labels], true_labels=names[made.true_labels]
        )
        keras.utils.set_random_seed(0)
        model = model_of(source, warmup_epochs=1)
        model.fit(source, epochs=3, batch_size=16, verbose=0)
        audit = model.label_audit(source)
        predicted = model.predict(source, verbose=0)
        results.append((audit.clean_probability, predicted))
    assert np.ptp(results[0][0]) > 0.1
    for found in results[1:]:
        for one, other in zip(results[0], found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_two_networks_of_ones_own_are_taken_as_they_are():
    pair = [toy.network(), toy.network()]
    assert nk.DivideMix(pair, 8).networks[1] is pair[1]
    with pytest.raises(ValueError, match="a list of 2. Received: 3"):
        nk.DivideMix([*pair, toy.network()], 8)


def test_each_network_is_dealt_what_its_peer_calls_clean():
    source = toy.source(32)
    model = model_of(source)
    clean = np.zeros((32, 2), np.float32)
    clean[:10, 0] = 0.9  # By the losses of network 0: for network 1.
    clean[:4, 1] = 0.9
    model.clean_probability.assign(clean)
    rounds = model.make_plan(source, 4)(3)
    for one, labeled in zip(rounds, (4, 10), strict=True):
        assert set(np.unique(one.samples["labeled"])) == set(range(labeled))
        assert set(np.unique(one.samples["unlabeled"])) <= set(
            range(labeled, 32)
        )
        assert one.steps == -(-labeled // 4)
    assert [one.phase for one in rounds] == ["mixmatch_0", "mixmatch_1"]


def uneven(source):
    """The source with 24 of 32 labels of one class, and 8 of another."""
    return source.relabel(np.repeat([0, 1], [24, 8]))


def test_balanced_epochs_have_as_many_samples_of_each_class():
    source = uneven(toy.source(32))
    model = model_of(source, sampling="balanced", warmup_epochs=1)
    plan = model.make_plan(source, 4, steps_per_epoch=3)
    for one in plan(0):
        index = one.samples["index"]
        assert index.shape == (3, 8)  # Batches of the warm-up are double.
        np.testing.assert_array_equal(
            np.bincount(source.labels[index.ravel()]), [12, 12]
        )
    # Both networks divide the same samples, in an order of their own.
    clean = np.zeros((32, 2), np.float32)
    clean[::2] = 0.9
    model.clean_probability.assign(clean)
    rounds = plan(1)
    for one in rounds:
        shown = one.samples["labeled"].ravel()
        assert (shown % 2 == 0).all()
        assert (one.samples["unlabeled"] % 2 == 1).all()
    first, second = (set(one.samples["labeled"].ravel()) for one in rounds)
    assert first == second
    # 12 samples of an epoch: 6 of each class, some of each side.
    everything = plan._samples(1, 4)
    np.testing.assert_array_equal(
        np.bincount(source.labels[everything]), [6, 6]
    )
    other = model.make_plan(source, 4, steps_per_epoch=3)
    np.testing.assert_array_equal(other._samples(1, 4), everything)
    assert set(plan._samples(2, 4)) != set(everything)


def test_only_the_samples_of_a_bounded_balanced_epoch_are_divided():
    source = uneven(toy.source(32))
    model = model_of(source, sampling="balanced")
    model.clean_probability.assign(np.full((32, 2), 0.25))
    plan = model.make_plan(source, 4, steps_per_epoch=3)
    plan.begin_epoch(0)
    divided = np.unique(plan._samples(0, 4))
    others = np.setdiff1d(np.arange(32), divided)
    assert len(divided) < 32 and len(others) > 0
    np.testing.assert_array_equal(
        model.label_history.epochs(), np.isin(np.arange(32), divided)
    )
    losses = model.loss_table.numpy()
    assert (losses[others] == -1.0).all() and (losses[divided] >= 0.0).all()
    # Normalised among those that are divided.
    np.testing.assert_allclose(losses[divided].min(axis=0), 0.0)
    np.testing.assert_allclose(losses[divided].max(axis=0), 1.0)
    clean = model.clean_probability.numpy()
    assert (clean[others] == 0.25).all()
    assert (clean[divided] != 0.25).any()
    # All are divided where an epoch has no bound.
    model.make_plan(source, 4).begin_epoch(1)
    assert (model.loss_table.numpy() >= 0.0).all()


def test_balanced_epochs_train():
    source = uneven(toy.source(32))
    model = model_of(source, sampling="balanced", warmup_epochs=1)
    history = model.fit(
        source, epochs=3, batch_size=4, steps_per_epoch=2, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all()
    assert model.get_config()["sampling"] == "balanced"


@pytest.mark.parametrize("clean", [0.0, 1.0])
def test_an_epoch_whose_division_leaves_one_side_empty_goes_on(clean):
    source = toy.source(32)
    model = model_of(source, unlabeled_weight=1.0, rampup_epochs=0)
    model.co_divide = lambda source: model.clean_probability.assign(
        np.full((32, 2), clean, np.float32)
    )
    history = model.fit(source, epochs=2, batch_size=8, verbose=0).history
    empty, full = "loss_labeled", "loss_unlabeled"
    if clean:
        empty, full = full, empty
    assert history[empty] == [0.0, 0.0]
    assert min(history[full]) > 0.0 and np.isfinite(history["loss"]).all()


def test_the_unlabelled_weight_ramps_up_within_epochs():
    source = toy.source(32)
    model = model_of(
        source, warmup_epochs=2, rampup_epochs=4, unlabeled_weight=8.0
    )
    clean = np.repeat([[1.0, 1.0], [0.0, 0.0]], 16, axis=0)
    model.clean_probability.assign(clean)
    plan = model.make_plan(source, 4)
    first, later = (plan(epoch)[0] for epoch in (2, 5))
    np.testing.assert_allclose(
        first.settings["unlabeled_weight"], 8 * np.arange(4) / 4 / 4
    )
    np.testing.assert_allclose(
        later.settings["unlabeled_weight"], 8 * (3 + np.arange(4) / 4) / 4
    )


def test_one_step_by_hand():
    """The losses of a step with frozen, constant networks."""
    source = toy.source(8)
    model = model_of(
        source,
        unlabeled_weight=2.0,
        rampup_epochs=0,
        guess_view="none",
        temperature=0.5,
    )
    biases = ([1.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0])
    for network, bias in zip(model.networks, biases, strict=True):
        kernel, offset = network.get_layer("logits").weights
        kernel.assign(kernel * 0)
        offset.assign(bias)
    clean = np.repeat([[0.8, 0.8], [0.1, 0.1]], 4, axis=0)
    model.clean_probability.assign(clean)
    model.optimizer.learning_rate = 0.0
    one = model.make_plan(source, 4, seed=1)(0)[0]
    batch = next(iter(one.dataset()))
    logs = tf.function(model.train_step)(batch)

    def sharpen(p):
        return p**2 / (p**2).sum(axis=1, keepdims=True)

    p0, p1 = (np.exp(b) / np.exp(b).sum() for b in biases)
    given = np.eye(4)[source.labels[batch["mixmatch_0"]["labeled"]["index"]]]
    t_x = sharpen(0.8 * given + 0.2 * p0)
    t_u = sharpen(np.tile((p0 + p1) / 2, (4, 1)))
    pool = np.concatenate([t_x, t_x, t_u, t_u])
    fields = batch["mixmatch_0"]
    order = random.permutation(16, random.fold_in(fields["seed"][0], 0))
    ratio = float(fields["mix_ratio"][0])
    assert 0.5 <= ratio <= 1.0
    mixed = ratio * pool + (1 - ratio) * pool[order.numpy()]
    expected = {
        "loss_labeled": -(mixed[:8] @ np.log(p0)).mean(),
        "loss_unlabeled": 2.0 * np.mean((mixed[8:] - p0) ** 2),
        "penalty": np.sum(0.25 * np.log(0.25 / p0)),
    }
    expected["loss"] = sum(expected.values())
    for name, value in expected.items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-4), name


@pytest.mark.large
def test_unlabelled_samples_can_be_left_out():
    source = toy.source(32)
    model = model_of(source, mix_unlabeled=False)
    history = model.fit(source, epochs=1, batch_size=8, verbose=0).history
    assert np.isnan(history["loss_unlabeled"]).all()
    assert history["loss_labeled"][0] > 0.0


@pytest.mark.large
def test_separate_guesses_and_other_views_train():
    source = toy.source(32)
    model = model_of(
        source,
        separate_guesses=True,
        train_view="autoaugment",
        warmup_epochs=1,
        warmup_view="jitter",
        warmup_clip_norm=1.0,
        warmup_penalty=True,
    )
    history = model.fit(source, epochs=2, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    # The penalty of the warm-up is a negative entropy.
    assert history["penalty"][0] < 0.0


def test_division_keeps_the_last_one_when_losses_have_collapsed():
    divide = LossDivision()
    low = np.random.RandomState(0).normal(0.1, 0.03, 80)
    spread = np.concatenate([low, np.ones(20)])
    loss = np.stack([spread, np.full(100, 0.5)], axis=1)
    previous = np.full((100, 2), 0.7, np.float32)
    clean = divide(loss, previous)
    assert (clean[:80, 0] > 0.9).all() and (clean[80:, 0] < 0.1).all()
    np.testing.assert_array_equal(clean[:, 1], previous[:, 1])


def test_history_is_the_mean_of_the_last_normalised_losses():
    history = LossHistory(
        nk.SampleTable(2, 2 * 3, initial_value=-1.0), length=3
    )
    steps = [np.array([[0.0, 4.0], [2.0, 0.0]]) * f for f in (1, 3, 1, 1)]
    steps[2] = steps[2][::-1]
    np.testing.assert_allclose(history.push(steps[0]), [[0, 1], [1, 0]])
    np.testing.assert_allclose(history.push(steps[1]), [[0, 1], [1, 0]])
    kept = history.table.numpy()
    np.testing.assert_allclose(
        history.peek(steps[2]), [[1 / 3, 2 / 3], [2 / 3, 1 / 3]], rtol=1e-6
    )
    np.testing.assert_array_equal(history.table.numpy(), kept)
    history.push(steps[2])
    # The first of four has dropped out.
    np.testing.assert_allclose(
        history.push(steps[3]), [[1 / 3, 2 / 3], [2 / 3, 1 / 3]], rtol=1e-6
    )


def test_history_is_kept_of_those_that_were_measured():
    history = LossHistory(
        nk.SampleTable(3, 1 * 2, initial_value=-1.0), length=2
    )
    history.push(np.array([[0.0], [2.0], [4.0]]))
    found = history.push(np.array([[1.0], [3.0]]), np.array([2, 0]))
    # The third sample had 1 and now 0, the first had 0 and now 1.
    np.testing.assert_allclose(found, [[0.5], [0.5]])
    np.testing.assert_allclose(
        history.table.numpy(), [[1.0, 0.0], [0.5, -1.0], [0.0, 1.0]]
    )


def test_diverged_networks_are_told():
    source = toy.source(32)
    model = model_of(source)
    kernel = model.networks[1].get_layer("logits").kernel
    kernel.assign(kernel * np.nan)
    with pytest.raises(FloatingPointError, match="on 32 of 32 samples"):
        model.fit(source, epochs=1, batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, r"`temperature` in \(0, 1\]"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"clean_threshold": 1.0}, r"`clean_threshold` in \(0, 1\)"),
        ({"unlabeled_weight": -1.0}, "a number of at least 0"),
        ({"num_views": 0}, "`num_views` to be a whole number of at least 1"),
        ({"num_views": 1.5}, "num_views=1.5"),
        ({"mix_alpha": 0.0}, "`mix_alpha` in"),
        ({"guess_view": "strong"}, "`guess_view` to be one of"),
        ({"warmup_epochs": -1}, "a whole number of at least 0"),
        ({"mix_unlabeled": "yes"}, "True or False"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.DivideMix(toy.network(), 8, **options)


def test_some_settings_change_between_epochs():
    model = nk.DivideMix(toy.network(), 8)
    model.change(unlabeled_weight=3, clean_threshold=0.6)
    assert model.unlabeled_weight == 3.0
    assert model.get_config()["clean_threshold"] == 0.6
    with pytest.raises(ValueError, match="Received: temperature"):
        model.change(temperature=0.2)
    with pytest.raises(ValueError, match="clean_threshold=2"):
        model.change(clean_threshold=2)
