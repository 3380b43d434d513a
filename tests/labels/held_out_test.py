"""Held-out labels, judged by predictions; by hand, and on drawn examples."""

import numpy as np
import pytest

from noisy_keras.labels import held_out


def symmetric(rate, count):
    others = (1.0 - np.eye(count)) / (count - 1)
    return (1.0 - rate) * np.eye(count) + rate * others


def drawn(count=300, classes=5, signal=4.0, rate=0.3, seed=0):
    """True classes, given labels and predicted probabilities."""
    random = np.random.RandomState(seed)
    true = random.randint(0, classes, count)
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), true] += signal
    probabilities = np.exp(2.0 * logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    wrong = random.uniform(size=count) < rate
    others = (true + random.randint(1, classes, count)) % classes
    return true, np.where(wrong, others, true), probabilities


def test_the_posterior_is_that_of_bayes(monkeypatch):
    # Where nothing is fitted, this is arithmetic.
    monkeypatch.setattr(held_out, "_fit", lambda *_: (1.0, 0.2))
    monkeypatch.setattr(held_out, "is_guessing", lambda *_: False)
    found = held_out.judge_held_out(
        np.array([[0.9, 0.1], [0.5, 0.5]]),
        np.array([1, 1]),
        symmetric(0.2, 2),
    )
    # 0.1 x 0.8 for the given label, 0.9 x 0.2 for the other one.
    expected = [0.08 / (0.08 + 0.18), 0.8]
    np.testing.assert_allclose(found.clean_probability, expected, rtol=1e-6)
    assert found.suggested.tolist() == [0, 1]
    np.testing.assert_allclose(found.confidence, [0.18 / 0.26, 0.8], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.2, 0.4])
@pytest.mark.parametrize("learnt", [False, True])
def test_wrong_labels_are_found_and_replaced(rate, learnt):
    true, given, predicted = drawn(rate=rate)
    transition = symmetric(rate, 5)
    if learnt:
        # A network that has learnt the noise is unsure of everything.
        predicted = predicted @ transition
    found = held_out.judge_held_out(predicted, given, transition)
    wrong, called = given != true, found.clean_probability < 0.5
    assert np.mean(wrong[called]) > 0.9 and np.mean(called[wrong]) > 0.9
    assert found.rate == pytest.approx(np.mean(wrong), abs=0.08)
    sure = called & (found.confidence >= 0.8)
    assert sure.sum() > 0.4 * wrong.sum()
    assert np.mean((found.suggested == true)[sure]) > 0.95


def test_held_out_labels_may_be_better_than_those_of_training():
    _, given, predicted = drawn(rate=0.0)
    found = held_out.judge_held_out(predicted, given, symmetric(0.4, 5))
    assert found.rate < 0.05
    assert np.mean(found.clean_probability < 0.5) < 0.02


def test_without_noise_in_training_no_suggestion_is_sure():
    # The network is wrong on a fifth, and sure of itself.
    _, given, predicted = drawn(signal=1.5, rate=0.0)
    assert 0.1 < np.mean(predicted.argmax(axis=1) != given) < 0.5
    found = held_out.judge_held_out(predicted, given, np.eye(5))
    called = found.clean_probability < 0.5
    assert np.mean(called) < 0.05
    assert found.temperature > 1.0


def test_a_network_that_knows_nothing_calls_nothing_wrong():
    _, given, predicted = drawn(signal=0.0, rate=0.3)
    found = held_out.judge_held_out(predicted, given, symmetric(0.6, 5))
    assert (found.clean_probability >= 0.5).all()
    np.testing.assert_array_equal(found.suggested, given)


def test_confusions_of_training_are_what_is_suggested():
    # Predictions cannot tell 1 from 2; training has shown 1 labelled as 0.
    predicted = np.tile([[0.02, 0.49, 0.49]], (40, 1))
    sure = 0.94 * np.eye(3)[np.repeat([0, 1, 2], 40)] + 0.02
    given = np.concatenate([[0], np.repeat([1, 2], 20)[:39]])
    transition = np.array([[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.0, 0.0, 1.0]])
    found = held_out.judge_held_out(
        np.concatenate([predicted, sure]),
        np.concatenate([given, np.repeat([0, 1, 2], 40)]),
        transition,
    )
    assert found.suggested[0] == 1 and found.clean_probability[0] < 0.5


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_handful_of_samples_is_judged_too(count):
    _, given, predicted = drawn(count)
    found = held_out.judge_held_out(predicted, given, symmetric(0.3, 5))
    for values in (found.clean_probability, found.confidence):
        assert ((values >= 0.0) & (values <= 1.0)).all()
    # Zeros and ones, as of a saturated softmax, are no trouble.
    hard = np.eye(5)[predicted.argmax(axis=1)]
    found = held_out.judge_held_out(hard, given, symmetric(0.3, 5))
    assert np.isfinite(found.clean_probability).all()


def test_the_transition_is_counted_by_clean_probability():
    found = held_out.transition_of(
        clean_probability=np.array([1.0, 0.25, 0.4, 0.9]),
        labels=np.array([0, 1, 1, 2]),
        suggested=np.array([0, 0, 1, 2]),
        num_classes=4,
    )
    # Of class 0: one sample, and three quarters of one that is given as 1.
    np.testing.assert_allclose(found[0], [1 / 1.75, 0.75 / 1.75, 0, 0])
    # A suspect label without another class says nothing of confusions.
    np.testing.assert_allclose(found[1:], np.eye(4)[1:])


def test_guessing_is_what_agrees_by_chance_alone():
    labels = np.repeat([0, 1], 50)
    # Two standard errors of a half are 0.1 of 100.
    for right, guessed in ((59, True), (61, False)):
        predicted = labels.copy()
        wrong = np.arange(100 - right)
        # As many of either class, so that chance stays a half.
        wrong = np.where(wrong % 2, wrong // 2, 50 + wrong // 2)
        predicted[wrong] = 1 - predicted[wrong]
        assert held_out.is_guessing(predicted, labels) == guessed
    # The most frequent class alone is a guess; finding the rare one is not.
    labels = np.repeat([0, 1], [90, 10])
    assert held_out.is_guessing(np.zeros(100, int), labels)
    predicted = labels.copy()
    predicted[:10] = 1
    assert not held_out.is_guessing(predicted, labels)
