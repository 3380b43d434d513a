"""Predictions without a sample's own label, against refitting by hand."""

import numpy as np
import pytest

from noisy_keras.labels import evidence

RANDOM = np.random.default_rng(3)


def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[labels]


def test_each_sample_is_predicted_by_a_classifier_fitted_to_the_others():
    features = RANDOM.normal(size=(12, 3)).astype(np.float32)
    labels = RANDOM.integers(0, 2, 12)
    targets = one_hot(labels, 2)
    linear = evidence.Linear(lambda i: features[i], 12)
    moments = (
        linear._vectors.T
        @ linear._rows(np.arange(12)).T
        @ targets.astype(np.float64)
    )
    found = linear._scores(np.arange(12), targets, moments, 0.1)
    # By hand: standardised columns and a constant, one sample left out.
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    rows = np.concatenate([scaled, np.ones((12, 1))], axis=1)
    penalty = 0.1 * np.trace(rows.T @ rows) / 4
    for left_out in range(12):
        kept = np.arange(12) != left_out
        matrix = rows[kept].T @ rows[kept]
        # The penalty stays that of all samples.
        weights = np.linalg.solve(
            matrix + penalty * np.eye(4), rows[kept].T @ targets[kept]
        )
        np.testing.assert_allclose(
            found[left_out], rows[left_out] @ weights, atol=1e-5
        )


def test_a_linear_classifier_does_not_see_the_own_label():
    features = RANDOM.normal(size=(60, 4)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int64)
    changed = labels.copy()
    changed[7] = 1 - changed[7]
    linear = evidence.Linear(lambda i: features[i], 60)
    before, after = (
        linear.predict(one_hot(some, 2))[7] for some in (labels, changed)
    )
    # Penalty and factor may change a little; the side does not.
    assert before.argmax() == after.argmax() == labels[7]


def test_more_features_than_samples_do_not_fail():
    features = RANDOM.normal(size=(20, 50)).astype(np.float32)
    labels = np.repeat([0, 1], 10)
    features[:, 0] += 8.0 * labels
    found = evidence.Linear(lambda i: features[i], 20).predict(
        one_hot(labels, 2)
    )
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)


def test_features_of_too_many_columns_have_no_linear_classifier():
    wide = np.zeros((2, 5000), np.float32)
    assert not evidence.Linear.suits(lambda i: wide[i])
    assert evidence.Linear.suits(lambda i: wide[i, :64])


def test_neighbours_vote_without_the_sample_itself():
    # Two groups of four at right angles; their members are equal.
    features = np.repeat([[1.0, 0.0], [0.0, 1.0]], 4, axis=0)
    labels = np.array([1, 0, 0, 0, 1, 1, 1, 1])
    votes = evidence.Neighbors(
        lambda i: features[i], 8, num_classes=2, scale="plain"
    )
    assert votes.neighbors == 2
    found = votes.predict(one_hot(labels, 2))
    # Two votes of its group, which has three zeros beside it, and one for both.
    np.testing.assert_allclose(found[0], [(2 + 0.5) / 3, 0.5 / 3], rtol=1e-5)
    few = votes.nearest(1)
    np.testing.assert_allclose(
        few.predict(one_hot(labels, 2))[4], [0.25, 0.75], rtol=1e-5
    )


@pytest.mark.parametrize("scale", ["standardized", "plain"])
def test_scales_change_which_samples_are_near(scale):
    # The first column has large numbers and tells nothing.
    features = np.stack(
        [
            RANDOM.normal(100.0, 100.0, 200),
            np.repeat([-1.0, 1.0], 100),
        ],
        axis=1,
    )
    labels = np.repeat([0, 1], 100)
    votes = evidence.Neighbors(lambda i: features[i], 200, 2, scale)
    right = np.mean(votes.predict(one_hot(labels, 2)).argmax(axis=1) == labels)
    assert right > 0.99 if scale == "standardized" else right < 1.0


def test_pooled_predictions_are_the_geometric_mean():
    first, second = np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])
    root = np.sqrt(np.array([0.45, 0.05]))
    np.testing.assert_allclose(
        evidence.pooled([first, second])[0], root / root.sum(), rtol=1e-5
    )
    assert evidence.pooled([first]) is first
