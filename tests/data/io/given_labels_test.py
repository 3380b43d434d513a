"""Labels mean the same in every form."""

import numpy as np
import pytest

from noisy_keras.data.io import given_labels

NAMES = ("cat", "dog", "owl")
LABELS = np.array([2, 0, 1, 1])
HOT = np.eye(3)[LABELS]


@pytest.mark.parametrize(
    "form",
    [
        LABELS,
        LABELS.tolist(),
        LABELS.astype(np.uint8),
        LABELS[:, None],
        LABELS.astype(float),
        LABELS.astype(object),
        HOT,
        HOT.astype(bool),
        np.array(NAMES)[LABELS],
        np.array(NAMES)[LABELS][:, None],
        np.array(NAMES, object)[LABELS],
        np.array(NAMES, "S")[LABELS],
        [name.encode() for name in np.array(NAMES)[LABELS].tolist()],
    ],
)
def test_forms_mean_the_same(form):
    found = given_labels.read(form, NAMES)
    assert found.labels.tolist() == [2, 0, 1, 1] and found.soft is None
    assert found.labels.dtype == np.int32 and not found.labels.flags.writeable


def test_distributions_are_soft_labels():
    soft = 0.7 * HOT + 0.1
    found = given_labels.read(soft, NAMES)
    np.testing.assert_allclose(found.soft, soft, rtol=1e-6)
    assert found.labels.tolist() == LABELS.tolist()
    with pytest.raises(ValueError, match="one class per sample.*4 soft rows"):
        given_labels.read(soft, NAMES, soft_allowed=False)


def test_names_that_are_not_known_are_sorted():
    assert given_labels.read(["b", "a", "b"]).class_names == ("a", "b")
    assert given_labels.read(["b", "a", "b"]).labels.tolist() == [1, 0, 1]
    # As numbers, where all are: not "1", "10", "2".
    found = given_labels.read(["10", "2", "1"])
    assert found.class_names == ("1", "2", "10")
    assert given_labels.read(np.eye(4)[[1, 2]]).num_classes == 4


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3, 1, -1], r"in \[0, 3\).*2 outside: 3 at row 1, -1 at row 3"),
        ([0.0, np.nan, 1.5], r"integer `labels`.*nan at row 1, 1.5 at row 2"),
        ([0, None, 1], "integer `labels`.*nan at row 1"),
        (["cat", "cow"], "3 classes cat, dog, owl.*'cow' at row 1"),
        (["cat", " "], "a label in every row.*1 without: row 1"),
        (["cat", 3], "3 classes cat, dog, owl.*'3' at row 1"),
        (np.array(["cat", 2], object), "all names.*2 at row 1"),
        (np.eye(4), r"one column per class, of shape \[N, 3\].*\(4, 4\)"),
        (np.array([[1, 1, 0], [0, 1, 0]]), r"one-hot.*1 other rows.*at row 0"),
        (np.array([[0.5, 0.6, -0.1]]), "sum to 1.*first at row 0"),
        (np.array([[np.nan, 1, 0]]), "sum to 1.*first at row 0"),
        ([], r"shape \(0,\)"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        ([[0, 1], [2]], "one form"),
    ],
)
def test_what_is_no_label_is_told_with_its_row(labels, message):
    with pytest.raises(ValueError, match=message) as error:
        given_labels.read(labels, NAMES)
    assert "\n" not in str(error.value)


def test_names_must_be_as_many_as_the_classes_of_a_model():
    with pytest.raises(ValueError, match="3 classes of the model.*2 names"):
        given_labels.read(["a", "b"], num_classes=3)


def test_unknown_labels_where_they_are_allowed():
    found = given_labels.read([-1, 2.0], NAMES, unknown_allowed=True)
    assert found.labels.tolist() == [-1, 2]
