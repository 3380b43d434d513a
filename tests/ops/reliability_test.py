import numpy as np
import pytest

from noisy_keras import analysis


def test_reliability_of_hand_made_predictions():
    probabilities = [
        [0.95, 0.05],  # Sure, and right.
        [0.85, 0.15],  # Sure, and wrong.
        [0.40, 0.60],  # Unsure, and right.
        [0.55, 0.45],  # Unsure, and right.
    ]
    found = analysis.reliability(probabilities, [0, 1, 1, 0], bins=5)
    np.testing.assert_array_equal(found.count, [0, 0, 2, 0, 2])
    np.testing.assert_allclose(
        found.confidence, [np.nan, np.nan, 0.575, np.nan, 0.9]
    )
    np.testing.assert_allclose(
        found.accuracy, [np.nan, np.nan, 1.0, np.nan, 0.5]
    )
    # 2/4 * |1 - 0.575| + 2/4 * |0.5 - 0.9|
    assert found.expected_calibration_error == pytest.approx(0.4125)
    assert found.maximum_calibration_error == pytest.approx(0.425)
    assert analysis.expected_calibration_error(
        probabilities, [0, 1, 1, 0], bins=5
    ) == pytest.approx(0.4125)


def test_a_bin_holds_its_upper_edge():
    found = analysis.reliability([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2)
    np.testing.assert_array_equal(found.count, [1, 1])


def test_error_is_zero_when_confidence_is_accuracy():
    probabilities = np.tile([0.75, 0.25], (8, 1))
    labels = [0, 0, 0, 0, 0, 0, 1, 1]
    assert analysis.expected_calibration_error(
        probabilities, labels
    ) == pytest.approx(0.0, abs=1e-12)


def test_error_does_not_depend_on_the_order_of_classes_or_samples():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([0.5] * 7, 200)
    labels = random.integers(0, 7, 200)
    classes, samples = random.permutation(7), random.permutation(200)
    moved = np.argsort(classes)[labels][samples]
    assert analysis.expected_calibration_error(
        probabilities[:, classes][samples], moved
    ) == pytest.approx(
        analysis.expected_calibration_error(probabilities, labels)
    )


@pytest.mark.parametrize(
    "probabilities, labels, bins, message",
    [
        (np.zeros([0, 3]), np.zeros(0, int), 15, "at least one sample"),
        ([[0.5, 0.5]], [0, 1], 15, r"probabilities \[N, K\] and labels \[N\]"),
        ([[0.5, 0.5]], [0], 0, "at least one bin"),
        ([[2.0, -1.0]], [0], 15, "at least 0 and their sum 1"),
        ([[np.nan, 0.5]], [0], 15, "at least 0 and their sum 1"),
        ([[3.0, 0.5]], [0], 15, "at least 0 and their sum 1"),
        ([[0.5, 0.5]], [2], 15, r"integer labels in \[0, 2\)"),
        ([[0.5, 0.5]], [0.5], 15, r"integer labels in \[0, 2\)"),
    ],
)
def test_invalid_predictions_raise(probabilities, labels, bins, message):
    with pytest.raises(ValueError, match=message):
        analysis.reliability(probabilities, labels, bins)


def test_reliability_from_confidence_alone_is_the_same():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([0.5] * 4, 100)
    labels = random.integers(0, 4, 100)
    right = probabilities.argmax(axis=1) == labels
    one = analysis.reliability(probabilities, labels, bins=7)
    other = analysis.reliability_of_confidence(
        probabilities.max(axis=1), right, bins=7
    )
    np.testing.assert_array_equal(one.count, other.count)
    assert one.expected_calibration_error == other.expected_calibration_error


@pytest.mark.parametrize(
    "confidence, right, bins, message",
    [
        ([0.5], [True, False], 3, "of one shape"),
        ([], [], 3, "at least one sample"),
        ([0.5], [True], 0, "one bin"),
        ([1.5], [True], 3, r"confidence in \[0, 1\]"),
        ([np.nan], [True], 3, r"confidence in \[0, 1\]"),
    ],
)
def test_invalid_confidences_raise(confidence, right, bins, message):
    with pytest.raises(ValueError, match=message):
        analysis.reliability_of_confidence(confidence, right, bins)


def test_the_error_is_the_mean_gap_over_bins():
    # Two bins: 0.95 with 1 of 2 right, 0.55 with 2 of 2 right.
    probabilities = [[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.55, 0.45]]
    found = analysis.expected_calibration_error(probabilities, [0, 1, 0, 0])
    assert found == pytest.approx((2 * 0.45 + 2 * 0.45) / 4)
    assert analysis.expected_calibration_error([[1.0, 0.0]], [0]) == 0.0
