import os

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from noisy_keras import mixtures
from noisy_keras.mixtures import BetaMixture

PARITY = os.path.join(os.path.dirname(__file__), "../parity/beta_mixture.npz")


@pytest.mark.parametrize("i", range(3))
def test_moments_agree_with_independent_numbers(i):
    with np.load(PARITY) as r:
        fitted = BetaMixture(estimator="moments").fit(r[f"values_{i}"])
        for mine, name in (
            (fitted.concentration1, "concentration1"),
            (fitted.concentration0, "concentration0"),
            (fitted.weights, "weights"),
            (fitted.posterior(r[f"query_{i}"]), "posterior"),
        ):
            np.testing.assert_allclose(
                mine, r[f"{name}_{i}"], rtol=1e-4, atol=1e-6, err_msg=name
            )


def sample(seed=0):
    random = np.random.RandomState(seed)
    low, high = random.beta(2, 12, 3000), random.beta(9, 3, 2000)
    return np.concatenate([low, high])


def log_likelihood(fitted, values):
    values = np.clip(values, 1e-4, 1 - 1e-4)
    density = sum(
        w * stats.beta.pdf(values, a, b)
        for w, a, b in zip(
            fitted.weights,
            fitted.concentration1,
            fitted.concentration0,
            strict=True,
        )
    )
    return np.log(density).mean()


def test_maximum_likelihood_never_falls_and_finds_the_parts():
    values = sample()
    rounds = [1, 2, 5, 10, 20, 50]
    fits = [BetaMixture(max_iterations=n).fit(values) for n in rounds]
    likelihood = [log_likelihood(f, values) for f in fits]
    assert np.all(np.diff(likelihood) > -1e-6)
    np.testing.assert_allclose(fits[-1].weights, [0.6, 0.4], atol=0.02)
    np.testing.assert_allclose(fits[-1].means, [2 / 14, 9 / 12], atol=0.01)


def test_maximum_likelihood_of_one_part_is_scipys():
    # With equal values in both halves each component fits half of them.
    values = np.random.RandomState(1).beta(3, 5, 4000)
    low = np.concatenate([values * 0.0 + 0.999, values])
    fitted = BetaMixture(max_iterations=50).fit(low)
    a, b, _, _ = stats.beta.fit(values, floc=0, fscale=1)
    assert fitted.concentration1[0] == pytest.approx(a, rel=0.02)
    assert fitted.concentration0[0] == pytest.approx(b, rel=0.02)


def test_component_order_and_clean_probability():
    fitted = BetaMixture().fit(sample())
    assert fitted.means[0] < fitted.means[1]
    clean = fitted.clean_probability(np.array([0.0, 0.1, 0.9, 1.0]))
    assert (clean[:2] > 0.9).all() and (clean[2:] < 0.1).all()


@pytest.mark.parametrize(
    "values",
    [
        np.full(50, 0.4),
        np.zeros(50),
        np.ones(50),
        np.array([0.0, 1.0] * 25),
    ],
)
@pytest.mark.parametrize("estimator", ["moments", "maximum_likelihood"])
def test_degenerate_values_stay_finite(values, estimator):
    fitted = BetaMixture(estimator=estimator).fit(values)
    assert np.isfinite(fitted.posterior(np.linspace(0, 1, 11))).all()
    assert np.isfinite(fitted.means).all()


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match="one of .*moments"):
        BetaMixture(estimator="moment")
    with pytest.raises(ValueError, match="at least 1"):
        BetaMixture(max_iterations=0)
    with pytest.raises(ValueError, match=r"between -0.5 and 2"):
        BetaMixture().fit(np.array([-0.5, 0.3, 2.0]))


def test_posteriors_compile():
    values = np.random.RandomState(0).beta(2.0, 5.0, 200).astype(np.float32)
    for mixture in (mixtures.BetaMixture(), mixtures.GaussianMixture()):
        mixture.fit(values)
        compiled = tf.function(mixture.clean_probability, jit_compile=True)
        np.testing.assert_allclose(
            compiled(values), mixture.clean_probability(values), atol=1e-5
        )


def test_a_weight_counts_as_so_many_values():
    values = sample()[:500]
    weights = np.arange(500) % 3
    weighted = BetaMixture().fit(values, weights)
    repeated = BetaMixture().fit(np.repeat(values, weights))
    for name in ("weights", "means", "concentration1", "concentration0"):
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(repeated, name), rtol=1e-5
        )


@pytest.mark.parametrize("mixture", [mixtures.GaussianMixture, BetaMixture])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"shape \(4,\), as `values`"),
        (-np.ones(4), "from -1 to -1"),
        (np.zeros(4), "from 0 to 0"),
        (np.full(4, np.nan), "some of them positive"),
    ],
)
def test_bad_weights_raise(mixture, weights, message):
    with pytest.raises(ValueError, match=message):
        mixture().fit(np.linspace(0.1, 0.9, 4), weights)


def test_gaussian_weights_count_as_so_many_values():
    values = sample()[:500]
    weights = np.arange(500) % 3
    weighted = mixtures.GaussianMixture().fit(values, weights)
    repeated = mixtures.GaussianMixture().fit(np.repeat(values, weights))
    np.testing.assert_allclose(weighted.means, repeated.means, rtol=1e-5)
    np.testing.assert_allclose(
        weighted.variances, repeated.variances, rtol=1e-5
    )


def moments_of_all(values, rounds):
    """The published EM on every single value, in NumPy and SciPy."""
    u = np.clip(values, 1e-4, 1 - 1e-4)
    a, b, w = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.full(2, 0.5)
    for _ in range(rounds):
        density = [stats.beta.pdf(u, a[k], b[k]) for k in range(2)]
        r = np.maximum(w[:, None] * density, 1e-12)
        r /= r.sum(axis=0)
        total = r.sum(axis=1)
        mean = r @ u / total
        var = (r * (u - mean[:, None]) ** 2).sum(axis=1) / total
        a = mean * (mean * (1 - mean) / var - 1)
        b, w = a * (1 - mean) / mean, total / total.sum()
    return w, a, b


def test_bins_stand_for_all_values():
    values = np.random.RandomState(3).beta([0.4, 5.0], [3.0, 0.6], (2000, 2))
    fitted = BetaMixture(estimator="moments").fit(values.ravel())
    for mine, whole in zip(
        (fitted.weights, fitted.concentration1, fitted.concentration0),
        moments_of_all(values.ravel(), 10),
        strict=True,
    ):
        np.testing.assert_allclose(mine, whole, rtol=1e-5)


@pytest.mark.parametrize("estimator", ["moments", "maximum_likelihood"])
def test_xla_compiles_the_whole_fit(estimator):
    values = np.clip(sample(), 1e-4, 1 - 1e-4)
    mixture = BetaMixture(estimator=estimator)
    compiled = tf.function(mixture.estimate, jit_compile=True)
    weights, (a, b), _ = compiled(values, np.ones_like(values))
    mixture.fit(values)
    np.testing.assert_allclose(weights, mixture.weights, rtol=1e-5)
    np.testing.assert_allclose(a, mixture.concentration1, rtol=1e-5)
    np.testing.assert_allclose(b, mixture.concentration0, rtol=1e-5)
