import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import random
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestPseudoLabeling(MethodTests):
    epochs = 12
    phases = ("train",)
    large = ("test_xla_gives_the_same_losses",)

    def build(self, source):
        return nk.PseudoLabeling(toy.network(), source.num_samples)


@pytest.mark.large
class TestDivided(MethodTests):
    """With the wrong labels taken away."""

    epochs = 12
    phases = ("train",)
    # The step is that of `TestPseudoLabeling`.
    test_one_trace_per_phase_however_the_epochs_change = None
    test_xla_gives_the_same_losses = None
    test_mixed_precision_trains = None
    test_a_source_that_does_not_fit_is_refused = None
    # The division here is made from the truth.
    test_true_labels_reach_no_batch = None

    def build(self, source):
        model = nk.PseudoLabeling(toy.network(), source.num_samples)
        model.divide(source, source.labels == source.true_labels)
        return model


def model_of(source, **options):
    model = nk.PseudoLabeling(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.05))
    return model


def test_one_step_by_hand():
    source = toy.source(8)
    model = model_of(source)
    kernel, bias = model.networks[0].get_layer("logits").weights
    kernel.assign(kernel * 0)
    bias.assign([1.0, 0.0, 0.0, 2.0])
    model.optimizer.learning_rate = 0.0
    [one] = model.make_plan(source, 8, seed=1)(0)
    fields = next(iter(one.dataset()))["train"]
    logs = tf.function(model.train_step)({"train": fields})
    p = np.exp([1.0, 0.0, 0.0, 2.0]) / np.exp([1.0, 0.0, 0.0, 2.0]).sum()
    order = random.permutation(8, random.fold_in(fields["seed"][0], 0))
    ratio = float(fields["mix_ratio"][0])
    given = np.eye(4)[fields["label"]]
    mixed = ratio * given + (1 - ratio) * given[order.numpy()]
    expected = {
        "loss_labeled": -(mixed @ np.log(p)).mean(),
        "prior": 0.8 * -np.log(p).mean(),
        "entropy": 0.4 * -(p * np.log(p)).sum(),
    }
    expected["loss"] = sum(expected.values())
    for name, value in expected.items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-4), name
    np.testing.assert_allclose(
        model.predictions.numpy(), np.tile(p, (8, 1)), rtol=1e-4
    )


def test_given_labels_stay_and_others_follow_the_predictions():
    source = toy.source(40)
    model = model_of(source, random_share=0.25)
    labeled = np.arange(40) < 20
    guesses = np.full((40, 4), [0.7, 0.1, 0.1, 0.1])
    model.divide(source, labeled, guesses)
    start = model.soft_labels.numpy()
    np.testing.assert_array_equal(start[:20], np.eye(4)[source.labels[:20]])
    uniform = (start[20:] == 0.25).all(axis=1)
    assert uniform.sum() == 5
    np.testing.assert_allclose(
        start[20:][~uniform], guesses[20:][~uniform], rtol=1e-6
    )
    # One sample is seen by no step.
    seen = np.random.RandomState(0).dirichlet(np.ones(4), 40)
    seen[39] = 0.0
    model.predictions.assign(seen)
    model.refresh(np.random.RandomState(1))
    new = model.soft_labels.numpy()
    np.testing.assert_array_equal(new[:20], start[:20])
    uniform = (new[20:] == 0.25).all(axis=1)
    assert uniform.sum() >= 5
    expected = np.where(seen.any(axis=1)[:, None], seen, start)[20:]
    np.testing.assert_allclose(
        new[20:][~uniform], expected[~uniform], rtol=1e-6
    )


def test_without_guesses_the_others_start_at_random_classes():
    source = toy.source(40)
    model = model_of(source)
    model.divide(source, np.arange(40) < 20)
    others = model.soft_labels.numpy()[20:]
    assert set(np.unique(others)) == {0.0, 1.0}
    assert len(np.unique(others.argmax(axis=1))) > 1
    np.testing.assert_array_equal(
        model.estimate_clean_probability(source), np.arange(40) < 20
    )


def test_without_division_nothing_is_relabelled():
    source = toy.source(32)
    model = model_of(source)
    model.fit(source, epochs=3, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.soft_labels.numpy(), np.eye(4)[source.labels]
    )
    assert model.estimate_clean_probability(source) is None


def test_soft_labels_of_a_source_are_kept():
    source = toy.source(32)
    soft = np.full((32, 4), 0.25, np.float32)
    model = model_of(source)
    model.fit(source.relabel(soft), epochs=1, batch_size=16, verbose=0)
    np.testing.assert_array_equal(model.soft_labels.numpy(), soft)


def test_a_new_division_forgets_old_predictions():
    source = toy.source(32)
    model = model_of(source, random_share=0.0)
    labeled = np.arange(32) < 16
    model.divide(source, labeled)
    model.fit(source, epochs=2, batch_size=16, verbose=0)
    guesses = np.full((32, 4), [0.7, 0.1, 0.1, 0.1])
    model.divide(source, labeled, guesses)
    model.fit(source, epochs=1, batch_size=16, verbose=0)
    np.testing.assert_allclose(
        model.soft_labels.numpy()[16:], guesses[16:], rtol=1e-6
    )


def test_other_labels_than_divided_begin_anew():
    source = toy.source(32)
    model = model_of(source)
    model.divide(source, np.arange(32) < 16)
    other = source.relabel((source.labels + 1) % 4)
    model.fit(other, epochs=1, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.soft_labels.numpy(), np.eye(4)[other.labels]
    )
    assert not model.divided


def test_the_audit_keeps_what_it_was_told_where_all_are_labelled():
    source = toy.source(32)
    model = model_of(source)
    clean = np.linspace(0.6, 1.0, 32)
    model.divide(source, np.ones(32, bool), clean_probability=clean)
    model.fit(source, epochs=1, batch_size=16, verbose=0)
    audit = model.label_audit(source)
    np.testing.assert_allclose(audit.clean_probability, clean, rtol=1e-6)


def test_bad_divisions_and_settings_are_told():
    source = toy.source(8)
    model = model_of(source)
    with pytest.raises(ValueError, match=r"shape \(7,\)"):
        model.divide(source, np.ones(7))
    with pytest.raises(ValueError, match="True somewhere.*0 True"):
        model.divide(source, np.zeros(8))
    half = np.arange(8) < 4
    for guesses, message in (
        (np.ones(4) / 4, r"of shape \[N, 4\]"),
        (np.ones((4, 4)) / 4, "8 samples, 4 guesses"),
        (np.full((8, 4), np.nan), "sum to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            model.divide(source, half, guesses)
    with pytest.raises(ValueError, match=r"in \[0, 1\]. Received.*to 7"):
        model.divide(source, half, clean_probability=np.full(8, 7.0))
    with pytest.raises(ValueError, match="samples as the model was built for"):
        model.divide(toy.source(4), half[:4])
    with pytest.raises(ValueError, match="`random_share` in"):
        nk.PseudoLabeling(toy.network(), 8, random_share=1.0)
    with pytest.raises(ValueError, match="`mix_alpha` in"):
        nk.PseudoLabeling(toy.network(), 8, mix_alpha=0)
