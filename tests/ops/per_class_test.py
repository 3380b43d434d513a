import numpy as np
import pytest

from noisy_keras.ops import per_class


def test_a_rare_class_that_is_never_predicted_halves_balanced_accuracy():
    labels = np.array([0] * 98 + [1] * 2)
    found = per_class.class_figures(np.zeros(100, int), labels, 2)
    assert found.recall.tolist() == [1.0, 0.0]
    assert found.balanced_accuracy == 0.5
    assert found.f1.tolist() == pytest.approx([2 * 98 / 198, 0.0])
    assert found.macro_f1 == pytest.approx(98 / 198)
    assert np.isnan(found.precision[1])
    assert found.confusion.tolist() == [[98, 0], [2, 0]]


def test_classes_without_samples_are_left_out_of_means():
    found = per_class.class_figures([0, 2, 2], [0, 2, 0], 3)
    assert found.recall[0] == 0.5 and found.recall[2] == 1.0
    assert np.isnan(found.recall[1]) and np.isnan(found.f1[1])
    assert found.balanced_accuracy == 0.75
    assert found.macro_f1 == pytest.approx(2 / 3)


def test_a_matrix_is_kept_of_few_classes_alone():
    count = per_class.MOST_OF_MATRIX
    labels = np.arange(count)
    kept = per_class.class_figures(labels, labels, count).confusion
    assert kept.shape == (count, count)
    assert per_class.class_figures(labels, labels, count + 1).confusion is None


@pytest.mark.parametrize("labels", [[], [0], [[0, 1]]])
def test_other_shapes_are_refused(labels):
    with pytest.raises(ValueError, match="at least one"):
        per_class.class_figures([0, 1] if len(labels) else [], labels, 2)
