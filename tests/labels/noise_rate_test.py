import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import estimate
from noisy_keras.labels import noise_rate


def predictions(count, classes, certainty, spread=1.5, seed=0):
    """True classes, and predictions that are right but for hard images.

    Args:
        count: int, number of images.
        classes: int, number of classes.
        certainty: float, by how much the logit of the true class is higher.
        spread: float, standard deviation of all logits.
    """
    random = np.random.RandomState(seed)
    true = random.randint(0, classes, count)
    logits = random.normal(0.0, spread, (count, classes))
    logits[np.arange(count), true] += certainty
    rows = np.exp(logits - logits.max(axis=1, keepdims=True))
    return true, (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def history_of(rows):
    history = nk.PredictionHistory(*rows.shape)
    history.assign(3.0 * rows)
    return history


def flipped(true, rate, classes, seed=1):
    random = np.random.RandomState(seed)
    wrong = random.uniform(size=len(true)) < rate
    other = (true + random.randint(1, classes, len(true))) % classes
    return np.where(wrong, other, true)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("certainty, spread", [(8.0, 1.5), (2.0, 1.0)])
def test_random_labels_are_counted_however_hard_the_images_are(
    rate, certainty, spread
):
    true, rows = predictions(4000, 10, certainty, spread)
    labels = flipped(true, rate, 10)
    found = noise_rate.estimate_rate(history_of(rows), labels, 10)
    assert found.random == pytest.approx(rate, abs=0.05)
    assert found.low <= rate + 0.01 and found.high >= rate - 0.01
    assert found.low <= found.certain <= found.rate <= found.high
    right = np.mean(rows.argmax(axis=1) == true)
    # Where a small error of the rate matters, it is careful.
    assert 0.5 * right <= found.accuracy <= right + 0.02


def test_an_error_of_the_network_is_no_noise_but_a_confusion_it_knows_is():
    true, hard = predictions(4000, 10, 2.0, 1.0)
    found = noise_rate.estimate_rate(history_of(hard), true, 10)
    # It contradicts a third of the labels, all of which are right.
    assert found.contradicted > 0.2 and found.certain < 0.02
    assert found.rate < 0.5 * found.contradicted
    # Predictions that leave two classes, of which the label is the second.
    sharp = np.full((4000, 10), 1e-4, np.float32)
    rows = np.arange(4000)
    sharp[rows, true] = 0.6
    sharp[rows, (true + 1) % 10] = 0.4
    labels = np.where(rows < 1600, (true + 1) % 10, true)
    found = noise_rate.estimate_rate(history_of(sharp), labels, 10)
    assert found.certain == pytest.approx(0.4, abs=0.02)
    assert found.rate == pytest.approx(0.4, abs=0.02)


def test_a_history_of_the_likeliest_classes_gives_the_same_rate():
    true, rows = predictions(500, 10, 4.0)
    labels = flipped(true, 0.3, 10)
    whole = noise_rate.estimate_rate(history_of(rows), labels, 10)
    likely = nk.LikelyHistory(500, 10, kept=10)
    likely.add(np.arange(500), rows)
    found = noise_rate.estimate_rate(likely, labels, 10)
    for name in ("rate", "certain", "random", "contradicted"):
        expected = getattr(whole, name)
        assert getattr(found, name) == pytest.approx(expected, abs=1e-3)


def test_samples_without_predictions_are_left_out():
    true, rows = predictions(400, 4, 8.0)
    labels = flipped(true, 0.5, 4)
    rows[200:] = 0.0
    history = history_of(rows)
    found = noise_rate.estimate_rate(history, labels, 4)
    half = noise_rate.estimate_rate(history_of(rows[:200]), labels[:200], 4)
    assert found.contradicted == half.contradicted
    assert not noise_rate.contradicted(history, labels)[200:].any()
    nothing = noise_rate.estimate_rate(nk.PredictionHistory(3, 2), [0, 1, 0], 2)
    assert (nothing.rate, nothing.low, nothing.high) == (0.0, 0.0, 1.0)


def test_two_classes_are_sharp_where_predictions_are_sure():
    true, rows = predictions(300, 2, 6.0)
    labels = flipped(true, 0.3, 2)
    assert noise_rate.sharpness(history_of(rows), 2) > 0.9
    found = noise_rate.estimate_rate(history_of(rows), labels, 2)
    assert found.certain == found.contradicted
    assert found.certain == pytest.approx(0.3, abs=0.05)
    unsure = 0.7 * rows + 0.3 * (1.0 - rows)
    assert noise_rate.sharpness(history_of(unsure), 2) < 0.5


def test_sharpness_by_hand():
    # All classes get 0.1: 0.4 and 0.2 of the other 0.6 are the first two's.
    rows = np.array([[0.5, 0.3, 0.1, 0.1]], np.float32)
    assert noise_rate.sharpness(history_of(rows), 4) == pytest.approx(1.0)
    rows = np.array([[0.4, 0.3, 0.3, 0.0, 0.0, 0.0]], np.float32)
    assert noise_rate.sharpness(history_of(rows), 6) == pytest.approx(0.7)


def test_the_estimate_has_an_interval_and_names_the_confusion():
    true, rows = predictions(1000, 4, 8.0)
    labels = true.copy()
    labels[(true == 1) & (np.arange(1000) % 2 == 0)] = 2
    found = noise_rate.estimate_from_history(history_of(rows), labels, 4)
    low, high = found.interval
    assert low <= np.mean(labels != true) <= high
    wrong = found.joint * (1.0 - np.eye(4))
    assert np.unravel_index(wrong.argmax(), (4, 4)) == (2, 1)


def test_the_interval_is_wilsons_and_a_tenth_of_the_rate():
    # Wilson's interval of 10 of 100 at two standard errors, by hand:
    # (0.1 + 0.02 -+ 2 sqrt(0.0009 + 0.0001)) / 1.04.
    low, high = estimate.rate_interval(0.1, 100)
    error = 2.0 * np.sqrt(0.001)
    assert low == pytest.approx((0.12 - error) / 1.04 - 0.01)
    assert high == pytest.approx((0.12 + error) / 1.04 + 0.01)
    low, high = estimate.rate_interval(0.0, 96)
    assert low == 0.0 and high == pytest.approx(0.04)
