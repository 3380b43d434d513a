import numpy as np
import pytest

from noisy_keras.labels.out_of_distribution import unstable_predictions
from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory

# Credible samples of class 0, what they say of the others; then three suspects
# labelled 0: predicted as class 1, as nothing in particular, and so again, but
# never seen.
CREDIBLE = [[0.7, 0.12, 0.09, 0.09]] * 9 + [[0.7, 0.3, 0.0, 0.0]]
STEADY = [[0.1, 0.8, 0.05, 0.05]]
WAVERING = [[0.1, 0.3, 0.3, 0.3]]


def history_of(rows, kind=PredictionHistory):
    rows = np.asarray(rows, np.float32)
    history = kind(len(rows) + 1, 4)
    history.add(np.arange(len(rows)), rows)
    return history


@pytest.mark.parametrize("kind", [PredictionHistory, LikelyHistory])
def test_a_suspect_that_is_taken_for_many_classes_is_unstable(kind):
    history = history_of(CREDIBLE + STEADY + WAVERING, kind)
    clean = np.array([0.9] * 10 + [0.1] * 3)
    found = unstable_predictions(history, np.zeros(13, int), clean)
    # Three of four credible samples give their likeliest other class 0.4 of
    # the rest or less; the wavering one gives it a third, the steady one 8 / 9.
    np.testing.assert_array_equal(np.flatnonzero(found), [11])


def test_credible_labels_are_never_unstable():
    history = history_of(CREDIBLE + STEADY + WAVERING)
    found = unstable_predictions(history, np.zeros(13, int), np.full(13, 0.9))
    assert not found.any()
    assert not unstable_predictions(
        history, np.zeros(13, int), np.zeros(13)
    ).any()


def test_a_majority_of_the_rest_is_stable_whatever_others_do():
    # Credible samples are all mistaken for class 1 a little.
    credible = [[0.7, 0.3, 0.0, 0.0]] * 10
    above, below = [0.1, 0.468, 0.216, 0.216], [0.1, 0.44, 0.23, 0.23]
    history = history_of([*credible, above, below])
    clean = np.array([0.9] * 10 + [0.1] * 3)
    found = unstable_predictions(history, np.zeros(13, int), clean)
    np.testing.assert_array_equal(np.flatnonzero(found), [11])


def test_no_sample_is_unstable_before_predictions_are_stable():
    # Credible labels have the most, but less than two thirds.
    credible = [[0.64, 0.12, 0.12, 0.12]] * 10
    history = history_of(credible + STEADY + WAVERING)
    clean = np.array([0.9] * 10 + [0.1] * 3)
    assert not unstable_predictions(history, np.zeros(13, int), clean).any()


def test_of_two_classes_none_is_unstable():
    history = PredictionHistory(4, 2)
    rows = [[0.9, 0.1], [0.8, 0.2], [0.5, 0.5], [0.4, 0.6]]
    history.add(np.arange(4), np.asarray(rows, np.float32))
    clean = np.array([0.9, 0.9, 0.1, 0.1])
    assert not unstable_predictions(history, np.zeros(4, int), clean).any()
