import numpy as np
import pytest
from sklearn import mixture

from noisy_keras.mixtures import GaussianMixture


def two_parts(count=50000, seed=0):
    random = np.random.RandomState(seed)
    low = random.normal(0.1, 0.05, int(0.7 * count))
    high = random.normal(0.7, 0.1, count - len(low))
    return np.concatenate([low, high]).astype(np.float32)


def test_agrees_with_scikit_learn():
    values = two_parts()
    ours = GaussianMixture().fit(values)
    theirs = mixture.GaussianMixture(
        2, max_iter=10, tol=1e-2, reg_covar=5e-4
    ).fit(values[:, None])
    order = np.argsort(theirs.means_[:, 0])
    np.testing.assert_allclose(ours.means, theirs.means_[order, 0], rtol=1e-4)
    np.testing.assert_allclose(
        ours.variances, theirs.covariances_[order, 0, 0], rtol=1e-4
    )
    np.testing.assert_allclose(ours.weights, theirs.weights_[order], rtol=1e-4)
    np.testing.assert_allclose(
        ours.posterior(values[::100]),
        theirs.predict_proba(values[::100, None])[:, order],
        atol=1e-4,
    )


def test_finds_the_parts_and_where_they_cross():
    fitted = GaussianMixture().fit(two_parts())
    np.testing.assert_allclose(fitted.weights, [0.7, 0.3], atol=0.01)
    grid = np.linspace(0.1, 0.7, 601)
    crossing = grid[np.argmin(fitted.clean_probability(grid) > 0.5)]
    assert crossing == pytest.approx(0.32, abs=0.02)


def test_the_first_component_has_the_lower_mean():
    values = two_parts()
    fitted = GaussianMixture().fit(1.0 - values)
    assert fitted.means[0] < fitted.means[1]
    assert fitted.clean_probability(np.array([0.0, 1.0])).round() == (
        pytest.approx([1.0, 0.0])
    )


def test_variance_is_bounded_from_below():
    fitted = GaussianMixture().fit(np.array([0.0] * 50 + [1.0] * 50))
    np.testing.assert_allclose(fitted.variances, 5e-4, rtol=1e-3)


def test_constant_values_are_reported_as_collapsed():
    fitted = GaussianMixture().fit(np.full(100, 0.3))
    assert fitted.collapsed
    assert np.isfinite(fitted.posterior(np.array([0.0, 0.3, 1.0]))).all()
    assert not GaussianMixture().fit(two_parts(500)).collapsed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0.1, np.nan, 0.2]), "1 of 3 are NaN"),
        (np.array([0.1, np.inf]), "1 of 2 are NaN or infinite"),
        (np.array([0.1]), "at least 2 values"),
        (np.ones((3, 2)), "rank 1"),
    ],
)
def test_bad_values_raise(values, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture().fit(values)


def test_a_posterior_needs_a_fit():
    with pytest.raises(ValueError, match="call `fit` first"):
        GaussianMixture().posterior(np.zeros(3))
