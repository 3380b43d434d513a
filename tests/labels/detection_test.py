import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.labels import detection
from noisy_keras.mixtures import BetaMixture


def losses(wrong=400, right=600, seed=0):
    """Losses of right labels, then of wrong ones, and which are which."""
    random = np.random.RandomState(seed)
    low = random.gamma(1.0, 0.15, right)
    high = np.maximum(random.normal(4.0, 1.0, wrong), 0.0)
    return np.r_[low, high], np.r_[np.zeros(right), np.ones(wrong)] > 0


def test_the_released_fit_is_reproduced():
    # The figures of an independent float64 implementation.
    random = np.random.RandomState(0)
    loss = np.r_[random.beta(2, 12, 30000), random.beta(9, 3, 20000)]
    found = detection.detect(loss.astype(np.float32), official=True)
    mixture = found.mixture
    np.testing.assert_allclose(
        mixture.concentration1, [1.3973, 1.9600], atol=1e-4
    )
    np.testing.assert_allclose(
        mixture.concentration0, [9.6672, 0.6877], atol=1e-4
    )
    np.testing.assert_allclose(mixture.weights, [0.5527, 0.4473], atol=1e-4)


def test_trimming_and_normalising_by_hand():
    loss = np.arange(101.0)  # The 5th percentile is 5, the 95th is 95.
    found = detection.detect(loss)
    assert found.high == 95.0 and found.low == pytest.approx(5.0, abs=2e-5)
    expected = np.clip((loss - 5.0) / 90.0, 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(found.measure, expected, atol=1e-6)


@pytest.mark.parametrize("official", [False, True])
def test_wrong_labels_are_found(official):
    loss, wrong = losses()
    found = detection.detect(loss, official)
    assert found.outcome == "fitted"
    called = found.clean_probability < 0.5
    assert np.mean(called == wrong) > (0.95 if official else 0.99)


@pytest.mark.parametrize("seed", range(5))
def test_a_higher_loss_never_makes_a_label_more_credible(seed):
    random = np.random.RandomState(seed)
    share = random.uniform(0.1, 0.9)
    loss, _ = losses(int(1000 * share), int(1000 * (1 - share)), seed)
    order = np.argsort(loss)
    noisy = 1.0 - detection.detect(loss).clean_probability[order]
    assert (np.diff(noisy) >= -1e-6).all()


@pytest.mark.parametrize(
    ("concentration1", "concentration0", "turn"),
    [
        # The upper one is broad and flat: it rises again at the lower end.
        ([20.0, 0.6], [60.0, 0.6], 19.4 / (19.4 + 59.4)),
        # It is narrow, within the lower: it falls again at the upper end.
        ([1.0, 6.0], [1.5, 4.0], 5.0 / 7.5),
    ],
)
def test_a_posterior_is_held_beyond_its_turn(
    concentration1, concentration0, turn
):
    u = np.linspace(0.001, 0.999, 999)
    shapes = [
        tf.constant(c, tf.float64) for c in (concentration1, concentration0)
    ]
    weights = tf.constant([0.5, 0.5], tf.float64)
    mixture = BetaMixture()
    means = mixture.component_means(shapes).numpy()
    assert means[1] > means[0]
    raw = mixture.upper(weights, shapes, u).numpy()
    held = mixture.upper(
        weights, shapes, detection._held_at_turn(tf.constant(u), *shapes)
    ).numpy()
    assert (np.diff(raw) < -1e-6).any()
    assert (np.diff(held) >= -1e-12).all()
    assert held[-1] - held[0] > 0.5
    same = u > turn if concentration1[1] < 1.0 else u < turn
    np.testing.assert_allclose(held[same], raw[same])
    extreme = raw.min() if concentration1[1] < 1.0 else raw.max()
    np.testing.assert_allclose(held[~same], extreme, rtol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_wrong_labels_of_any_loss_leave_right_ones_alone(seed):
    random = np.random.RandomState(seed)
    right, wrong = random.normal(1.5, 0.12, 500), random.uniform(0.02, 5, 500)
    noisy = 1.0 - detection.detect(np.r_[right, wrong]).clean_probability
    assert np.mean(noisy[:500] > 0.5) < 0.5


def called_wrong(loss):
    found = detection.detect(loss)
    assert np.isfinite(found.clean_probability).all()
    return found.outcome, np.mean(found.clean_probability < 0.5)


def test_outcomes_without_two_kinds_of_labels():
    right, _ = losses(0, 2000)
    outcome, share = called_wrong(right)
    assert outcome == "fitted" and share < 0.3  # The tail looks wrong.
    wrong, _ = losses(2000, 0)
    outcome, share = called_wrong(wrong)
    assert outcome == "fitted" and 0.3 < share < 0.7
    assert called_wrong(np.full(100, 0.3)) == ("constant", 0.0)
    assert called_wrong(np.linspace(0.0, 5e-4, 100)) == ("constant", 0.0)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 6e-6, 5e-4])
def test_nearly_all_labels_learnt_by_heart(spread):
    # Both percentiles are of learnt labels; the few others still stand out.
    learnt = np.linspace(0.0, spread, 970)
    loss = np.r_[learnt, np.linspace(0.5, 3.0, 30)]
    outcome, share = called_wrong(loss)
    assert outcome == "fitted" and share == pytest.approx(0.03)


def test_infinite_losses_count_as_the_highest():
    loss, wrong = losses()
    broken = np.where(loss > 4.5, np.inf, loss)
    found = detection.detect(broken)
    assert np.isfinite(found.high)
    assert np.mean((found.clean_probability < 0.5) == wrong) > 0.99


def test_a_component_of_no_weight_is_none(monkeypatch):
    loss, _ = losses()
    for weights, outcome, noisy in (
        ([0.995, 0.005], "no_noise", 0.0),
        ([0.005, 0.995], "all_noise", 1.0),
    ):

        class Emptied(BetaMixture):
            def estimate(self, values, counts, weights=weights):
                found = super().estimate(values, counts)
                return tf.constant(weights, tf.float64), *found[1:]

        graph = detection.graph(tf.constant(loss), Emptied())
        assert list(detection.OUTCOMES)[int(graph["outcome"])] == outcome
        assert (graph["noisy"].numpy() == noisy).all()


@pytest.mark.parametrize("official", [False, True])
def test_xla_compiles_the_whole_detection(official):
    loss, _ = losses()
    estimator = "moments" if official else "maximum_likelihood"
    mixture = BetaMixture(estimator=estimator)
    compiled = tf.function(
        lambda x: detection.graph(x, mixture, official)["noisy"],
        jit_compile=True,
    )
    np.testing.assert_allclose(
        compiled(loss),
        1.0 - detection.detect(loss, official).clean_probability,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (np.zeros((3, 2)), r"shape \(3, 2\)"),
        ([1.0], "N >= 2"),
        ([1.0, np.nan, 2.0], "1 NaN and 0 infinite of 3"),
        ([np.inf, np.inf], "2 infinite of 2"),
    ],
)
def test_bad_losses_are_told(loss, message):
    with pytest.raises(ValueError, match=message):
        detection.detect(loss)


def test_the_deprecated_polarity_works_with_a_warning():
    found = detection.detect(np.linspace(0.0, 1.0, 50) ** 4)
    with pytest.warns(DeprecationWarning, match="clean_probability"):
        noisy = found.noisy_probability
    np.testing.assert_array_equal(noisy, 1.0 - found.clean_probability)
