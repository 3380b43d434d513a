import numpy as np
import pytest

from noisy_keras.labels import selection


def test_hits_are_those_of_plain_agreement_without_a_transition():
    found = selection.hits([0, 1, 2], [0, 2, 2])
    np.testing.assert_array_equal(found, [1.0, 0.0, 1.0])


def test_a_systematic_mistake_is_corrected_for():
    # 40 % of class 0 is labelled 1.
    transition = np.array([[0.6, 0.4], [0.0, 1.0]])
    random = np.random.RandomState(0)
    true = random.randint(0, 2, 20_000)
    flip = (true == 0) & (random.uniform(size=len(true)) < 0.4)
    labels = np.where(flip, 1, true)
    # One network is right on 90 %; another always says 1.
    right = np.where(random.uniform(size=len(true)) < 0.9, true, 1 - true)
    wrong = np.ones(len(true), int)
    plain = [np.mean(p == labels) for p in (right, wrong)]
    fair = [
        selection.hits(p, labels, selection.scores(transition)).mean()
        for p in (right, wrong)
    ]
    truth = [np.mean(p == true) for p in (right, wrong)]
    np.testing.assert_allclose(fair, truth, atol=0.02)
    # As they agree with the noisy labels, they are nearly equal.
    assert plain[0] - plain[1] < 0.05 and fair[0] - fair[1] > 0.35


def test_the_scores_invert_the_transition_exactly():
    transition = np.array([[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.3, 0.1, 0.6]])
    scores = selection.scores(transition)
    np.testing.assert_allclose(transition @ scores, np.eye(3), atol=1e-12)
    found = selection.hits([2, 0], [1, 2], scores)
    np.testing.assert_array_equal(found, [scores[1, 2], scores[2, 0]])


def test_what_cannot_be_inverted_corrects_nothing():
    assert selection.scores(np.full((2, 2), 0.5)) is None
    assert selection.scores(None) is None


def test_two_samples_prove_nothing():
    assert not selection.is_better(np.ones(2), np.zeros(2))
    assert selection.is_better(np.ones(5), np.zeros(5))


@pytest.mark.parametrize("ahead, expected", [(0, False), (3, False), (8, True)])
def test_better_is_what_chance_does_not_explain(ahead, expected):
    first, second = np.zeros(100), np.zeros(100)
    first[:ahead] = 1.0  # The error is sqrt(p (1 - p) / 100).
    assert selection.is_better(first, second) == expected
    assert not selection.is_better(second, first)
