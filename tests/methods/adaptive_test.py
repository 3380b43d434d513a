"""DivideMix and SANM where evidence decides when the division begins."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.bases import adaptive_plan
from noisy_keras.methods.bases import correction
from noisy_keras.methods.bases.adaptive_plan import strength
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestAdaptiveDivideMix(MethodTests):
    epochs = 8
    phases = ("mixmatch_0", "mixmatch_1", "warmup_0")
    large = ("test_a_saved_model_goes_on_as_if_never_saved",)
    # The steps are those of `TestDivideMix` and `TestSANM`.
    test_xla_gives_the_same_losses = None
    test_two_replicas_train_with_equal_tables = None
    test_true_labels_reach_no_batch = None
    test_mixed_precision_trains = None
    test_a_source_that_does_not_fit_is_refused = None

    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch):
        """The toy problem is learnt in fewer epochs than real ones."""
        monkeypatch.setattr(adaptive_plan, "LEAST_EPOCHS", 2)
        monkeypatch.setattr(adaptive_plan, "_LEAST_PLAIN", 1)
        monkeypatch.setattr(adaptive_plan, "_LEAST_RATE", -1.0)
        monkeypatch.setattr(adaptive_plan, "_SETTLED_RATE", 1.0)
        monkeypatch.setattr(correction, "_RANDOM", 2.0)
        monkeypatch.setattr(correction, "LEAST_ACCURACY", 0.0)
        monkeypatch.setattr(adaptive_plan, "EARLIEST", 0.0)

    def build(self, source):
        return nk.DivideMix(
            toy.network(), source.num_samples, warmup_epochs="auto"
        )


def fitted(epochs, rate=0.3, cls=nk.DivideMix, **options):
    source = toy.source(128, rate=rate)
    model = cls(
        toy.network(), source.num_samples, warmup_epochs="auto", **options
    )
    model.compile(nk.MomentumSGD(0.05))
    history = model.fit(source, epochs=epochs, batch_size=16, verbose=0)
    return model, source, history.history


def test_few_epochs_are_spent_plainly_on_one_network():
    model, source, _ = fitted(10)
    assert "10 epochs are too few for a division" in model.decisions[0].text
    assert "estimated noise" in model.decisions[1].text
    assert len(model.decisions) == 2
    # The second is the first, so that the model predicts alike.
    for first, second in zip(*(n.weights for n in model.networks), strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())
    wrong = source.labels != source.true_labels
    doubted = model.clean_probability.numpy()[:, 0] < 0.5
    assert np.mean(wrong[doubted]) > 0.9 and np.mean(doubted[wrong]) > 0.7


def test_doubted_labels_are_mixed_with_the_history():
    source = toy.source(8)
    model = nk.DivideMix(toy.network(), 8, warmup_epochs="auto")
    clean = np.array([1.0, 0.5, 0.25, 0.0, 0.2, 1.0, 1.0, 1.0])
    model.clean_probability.assign(np.stack([clean, clean], axis=1))
    model.prediction_history.add([0, 1, 2, 3], np.full((4, 4), 0.25))
    index = np.arange(5)
    given = np.eye(4, dtype=np.float32)[source.labels[:5]]
    found = correction.corrected(model, index, given).numpy()
    np.testing.assert_array_equal(found[:2], given[:2])
    np.testing.assert_allclose(found[2], 0.25 * given[2] + 0.75 * 0.25)
    np.testing.assert_allclose(found[3], np.full(4, 0.25))
    # There is nothing yet to mix the last with.
    np.testing.assert_array_equal(found[4], given[4])


def test_right_labels_are_never_divided():
    model, _, _ = fitted(adaptive_plan.LEAST_EPOCHS, rate=0.0)
    texts = [d.text for d in model.decisions]
    assert not any(text.startswith("division begins") for text in texts)
    # The epoch after which no division begins any more.
    last = round(adaptive_plan.LATEST * adaptive_plan.LEAST_EPOCHS)
    assert model.decisions[-1].epoch == last
    assert texts[-1].startswith("no division: 0.")


def test_random_labels_are_left_alone():
    source = toy.source(64)
    model = nk.DivideMix(toy.network(), 64, warmup_epochs="auto")
    model.compile()
    plan = model.make_plan(source, 16)
    random = np.random.RandomState(0)
    for epoch in range(1, 7):
        # What has nothing to do with the labels is predicted, with certainty.
        guessed = random.permutation(source.labels)
        if epoch == 1:
            rows = 0.97 * np.eye(4)[guessed] + 0.01 * random.uniform(
                size=(64, 4)
            )
            model.prediction_history.add(np.arange(64), rows)
        plan.begin_epoch(epoch)
    assert (model.clean_probability.numpy() == 1.0).all()
    [decision] = model.decisions
    assert decision.epoch == 4
    assert decision.text.endswith("random labels: none is corrected")


@pytest.mark.large
def test_sanm_divides_when_its_host_does():
    model, source, history = fitted(
        adaptive_plan.LEAST_EPOCHS, rate=0.45, cls=nk.SANM, host="dividemix"
    )
    texts = [d.text for d in model.decisions]
    assert any(text.startswith("division begins") for text in texts)
    assert np.isfinite(history["loss_unlabeled"][-1])
    wrong = source.labels != source.true_labels
    called = model.label_audit(source).clean_probability < 0.5
    assert np.mean(called == wrong) > 0.9


def test_the_weight_of_pseudo_labels_follows_the_noise():
    assert strength(0.2, 1 / 9, 10) == 0.0
    assert strength(0.35, 1 / 9, 10) == pytest.approx(0.5)
    assert strength(0.8, 1 / 9, 10) == 1.0
    assert strength(0.8, 1.0, 10) == 0.0
    # Half way between spread and concentrated mistakes.
    assert strength(0.8, 5 / 9, 10) == pytest.approx(0.5)


def test_another_word_is_refused():
    with pytest.raises(
        ValueError, match="a number or 'auto'. Received: 'soon'"
    ):
        nk.DivideMix(toy.network(), 8, warmup_epochs="soon")


def test_settings_are_saved(tmp_path):
    model, source, _ = fitted(5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.warmup_epochs == "auto" and loaded.warmup_batch_factor == 1
    np.testing.assert_array_equal(
        loaded.adaptive_state.numpy(), model.adaptive_state.numpy()
    )
    np.testing.assert_array_equal(
        loaded.label_audit(source).clean_probability,
        model.label_audit(source).clean_probability,
    )
