import numpy as np
import pytest

from noisy_keras.serving import calibration


def test_the_temperature_of_two_classes_is_the_log_odds():
    # Three in four are right at a logit difference of 4: T = 4 / log 3.
    logits = np.tile([[4.0, 0.0]], (400, 1))
    labels = np.arange(400) % 4 == 3
    found = calibration.calibrate(logits, labels)
    assert found.temperature == pytest.approx(4 / np.log(3), rel=1e-9)
    # Confidence 0.982 for an accuracy of 0.75.
    assert found.before["ece"] == pytest.approx(1 / (1 + np.exp(-4)) - 0.75)
    assert found.after["nll"] < found.before["nll"]


def test_scaling_corrects_overconfidence():
    random = np.random.RandomState(0)
    logits = random.normal(size=(8000, 5))
    chances = calibration.softmax(logits)
    labels = (chances.cumsum(1) < random.uniform(size=(8000, 1))).sum(1)
    found = calibration.calibrate(3.0 * logits, labels)
    assert found.temperature == pytest.approx(3.0, rel=0.08)
    assert found.after["ece"] < 0.03 < 0.2 < found.before["ece"]
    assert found == calibration.calibrate(3.0 * logits, labels)
    calm = calibration.calibrate(logits, labels)
    assert calm.temperature == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("count", "margin", "message"),
    [(99, 1.0, "99 samples, of which 100"), (200, 9.0, "sharper predictions")],
)
def test_calibration_is_skipped_with_a_reason(count, margin, message):
    logits = np.tile([[margin, 0.0]], (count, 1))
    found = calibration.calibrate(logits, np.zeros(count, int))
    assert found.temperature == 1.0
    assert message in found.skipped
    assert found.after is None


def test_predictions_worse_than_chance_are_not_scaled():
    logits = np.tile([[9.0, 0.0]], (200, 1))
    found = calibration.calibrate(logits, np.ones(200, int))
    assert found.temperature == 1.0
    assert "uninformative" in found.skipped


def noisy(count, rate, sharpness, seed=0):
    """Logits that are right by their softmax of `logits / sharpness`."""
    random = np.random.RandomState(seed)
    logits = 2.0 * random.normal(size=(count, 3))
    chances = calibration.softmax(logits)
    true = (chances.cumsum(1) < random.uniform(size=(count, 1))).sum(1)
    flipped = random.uniform(size=count) < rate
    labels = np.where(flipped, (true + random.randint(1, 3, count)) % 3, true)
    transition = np.full((3, 3), rate / 2)
    np.fill_diagonal(transition, 1.0 - rate)
    return sharpness * logits, labels, transition


def test_noise_of_the_labels_does_not_flatten_predictions():
    logits, labels, transition = noisy(6000, 0.4, sharpness=2.0)
    flat = calibration.calibrate(logits, labels)
    found = calibration.calibrate(logits, labels, transition)
    assert flat.temperature > 3.0
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    assert found.noise_corrected and not flat.noise_corrected
    assert found.after["ece"] < found.before["ece"]


def test_predictions_that_are_calibrated_are_left_alone():
    logits, labels, _ = noisy(300, 0.0, sharpness=1.0, seed=2)
    found = calibration.calibrate(logits, labels)
    assert found.temperature == 1.0 and found.after is None
    assert "no better" in found.skipped and found.before["ece"] > 0.0


def test_a_transition_that_is_nearly_singular_is_not_used():
    logits, labels, _ = noisy(600, 0.4, sharpness=2.0)
    even = np.full((3, 3), 1 / 3)
    assert calibration.calibrate(logits, labels, even) == (
        calibration.calibrate(logits, labels)
    )
