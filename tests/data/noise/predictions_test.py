import numpy as np
import pytest

import noisy_keras as nk

COUNT = 20000
RANDOM = np.random.RandomState(3)
# A network that is mostly right and mostly confident.
LABELS = RANDOM.randint(0, 5, COUNT)
LOGITS = RANDOM.normal(size=(COUNT, 5)) + 3.0 * np.eye(5)[LABELS]
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
RANKED = np.argsort(-SOFTMAX, axis=1)
KINDS = ["I", "II", "III"]


@pytest.mark.parametrize(
    ("kind", "factor", "expected"),
    [
        # D = 0.4: 1 - (0.5 - 0.5 * 0.16), 0.064, (0.064 + 0.16 + 0.4) / 3.
        ("I", 1.0, 0.58),
        ("I", 2.0, 0.29),
        ("II", 1.0, 0.064),
        ("II", 0.1, 0.64),
        ("III", 1.0, 0.208),
        ("III", 0.208, 1.0),
        ("III", 0.1, 1.0),
    ],
)
def test_the_top_class_is_kept_with_its_probability(kind, factor, expected):
    rows = np.tile([0.1, 0.6, 0.2, 0.1], (COUNT, 1))
    generator = nk.data.PolynomialMarginNoise(0.3, kind, factor, seed=1)
    noisy = generator.apply(np.zeros(COUNT, int), 4, rows)
    assert set(noisy) <= {1, 2}
    deviation = np.sqrt(expected * (1 - expected) / COUNT)
    assert abs(np.mean(noisy == 1) - expected) <= 5 * deviation


def test_type_one_keeps_half_where_two_classes_are_alike():
    rows = np.tile([0.4, 0.4, 0.2], (COUNT, 1))
    generator = nk.data.PolynomialMarginNoise(0.5, "I", 1.0)
    noisy = generator.apply(np.zeros(COUNT, int), 3, rows)
    assert abs(np.mean(noisy == 0) - 0.5) < 5 * np.sqrt(0.25 / COUNT)
    # The others always give the second class.
    for kind in ("II", "III"):
        generator = nk.data.PolynomialMarginNoise(0.5, kind, 1.0)
        assert set(generator.apply(np.zeros(COUNT, int), 3, rows)) == {1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [0.35, 0.7])
def test_the_factor_is_computed_from_the_rate(kind, rate):
    generator = nk.data.PolynomialMarginNoise(rate, kind, seed=2)
    noisy = generator.apply(LABELS, 5, SOFTMAX)
    assert abs(np.mean(noisy != LABELS) - rate) <= 1.5 / COUNT
    assert generator.realized_rate == pytest.approx(np.mean(noisy != LABELS))
    assert np.all((noisy == RANKED[:, 0]) | (noisy == RANKED[:, 1]))
    described = generator.describe()
    assert described["convention"] == kind
    again = nk.data.PolynomialMarginNoise(
        rate, kind, described["factor"], seed=2
    )
    np.testing.assert_array_equal(again.apply(LABELS, 5, SOFTMAX), noisy)
    # Another seed needs about the same factor.
    other = nk.data.PolynomialMarginNoise(rate, kind, seed=3)
    other.apply(LABELS, 5, SOFTMAX)
    assert other.used_factor == pytest.approx(generator.used_factor, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_unsure_samples_flip_more(kind):
    generator = nk.data.PolynomialMarginNoise(0.35, kind, seed=2)
    second = generator.apply(LABELS, 5, SOFTMAX) == RANKED[:, 1]
    sorted_rows = np.sort(SOFTMAX, axis=1)
    order = np.argsort(sorted_rows[:, -1] - sorted_rows[:, -2])
    shares = [part.mean() for part in np.array_split(second[order], 4)]
    assert shares == sorted(shares, reverse=True)


def test_rates_out_of_reach_are_reported():
    # The top class is wrong for three of four; the second class is right for
    # one.
    rows = np.tile([0.6, 0.3, 0.1], (4, 1))
    for rate in (0.0, 0.9):
        generator = nk.data.PolynomialMarginNoise(rate, "I")
        with pytest.raises(
            ValueError, match=r"`rate` in \[0.5000, 0.7500\], .* type I "
        ):
            generator.apply([0, 0, 1, 2], 3, rows)
    # The ends of the range are reached, also where the second class is better.
    for labels in ([0, 0, 1, 2], [1, 1, 0, 2]):
        for rate in (0.5, 0.75):
            generator = nk.data.PolynomialMarginNoise(rate, "I")
            generator.apply(labels, 3, rows)
            assert generator.realized_rate == rate


@pytest.mark.parametrize(
    ("kind", "fixed", "expected"),
    [
        ("I", 1.2, [1, 2, 2, 0, 0, 2, 2, 2, 3, 2, 3, 3]),
        ("II", 1.2, [0, 2, 3, 1, 1, 0, 3, 3, 0, 2, 1, 3]),
        ("III", 1.2, [0, 2, 2, 1, 1, 0, 2, 3, 0, 2, 1, 3]),
        ("I", None, [0, 2, 2, 0, 0, 2, 2, 2, 0, 2, 1, 3]),
        ("II", None, [0, 0, 2, 0, 0, 0, 2, 3, 0, 2, 3, 3]),
        ("III", None, [0, 0, 2, 0, 0, 0, 2, 3, 0, 2, 3, 3]),
    ],
)
def test_labels_are_the_same_for_ever(kind, fixed, expected):
    random = np.random.RandomState(0)
    random.randint(0, 256, (12, 4, 4, 3))
    rows = random.dirichlet(np.ones(4), 12)
    generator = nk.data.PolynomialMarginNoise(0.5, kind, fixed, seed=1)
    assert list(generator.apply(rows.argmax(axis=1), 4, rows)) == expected


def test_noise_of_predictions_is_measured():
    labels = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    predicted = np.array([0, 1, 1, 1, 2, 2, 0, 1])
    generator = nk.data.PredictedNoise()
    assert generator.rate is None
    np.testing.assert_array_equal(
        generator.apply(labels, predictions=predicted), predicted
    )
    assert generator.rate == generator.realized_rate == 3 / 8
    np.testing.assert_array_equal(
        generator.transition, [[0.5, 0.5, 0], [0, 1, 0], [0.25, 0.25, 0.5]]
    )
    assert generator.describe()["rate"] == 0.375
    soft = np.eye(3)[predicted] * 0.4 + 0.2
    np.testing.assert_array_equal(
        generator.apply(labels, predictions=soft), predicted
    )


def test_a_source_accepts_predictions():
    images = np.zeros((12, 8, 8, 3), np.uint8)
    labels = np.arange(12) % 4
    clean = nk.data.from_arrays(images, labels)
    source = clean.with_noise(
        nk.data.PredictedNoise(), predictions=np.roll(labels, 1)
    )
    np.testing.assert_array_equal(source.labels, np.roll(labels, 1))
    np.testing.assert_array_equal(source.true_labels, labels)
    assert source.noise["rate"] == 1.0
    rows = np.full((12, 4), 0.1) + 0.6 * np.eye(4)[labels]
    source = clean.with_noise(
        nk.data.PolynomialMarginNoise(0.5), probabilities=rows
    )
    assert np.mean(source.labels != labels) == 0.5


def test_noise_on_noise_keeps_the_truth_and_tells_both():
    images = np.zeros((40, 8, 8, 3), np.uint8)
    labels = np.arange(40) % 4
    first = nk.data.PairFlipNoise(0.4, seed=1)
    source = nk.data.from_arrays(images, labels).with_noise(first)
    hybrid = source.with_noise(nk.data.SymmetricNoise(0.3, seed=2))
    np.testing.assert_array_equal(hybrid.true_labels, labels)
    assert hybrid.noise["type"] == "symmetric"
    assert hybrid.noise["before"] == source.noise


def test_bad_arguments_are_reported():
    with pytest.raises(ValueError, match="`kind` to be one of"):
        nk.data.PolynomialMarginNoise(0.5, "IV")
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="`factor` above 0"):
            nk.data.PolynomialMarginNoise(0.5, "I", factor)
    generator = nk.data.PolynomialMarginNoise(0.5)
    with pytest.raises(ValueError, match="Expected `probabilities`"):
        generator.apply(LABELS, 5)
    with pytest.raises(ValueError, match="sum to 1"):
        generator.apply(LABELS, 5, LOGITS)
    with pytest.raises(ValueError, match="20000 labels, 7 probabilities"):
        generator.apply(LABELS, 5, SOFTMAX[:7])
    generator = nk.data.PredictedNoise()
    with pytest.raises(ValueError, match="Expected `predictions`"):
        generator.apply([0, 1])
    with pytest.raises(ValueError, match="`predictions` in"):
        generator.apply([0, 1], 2, [0, 2])
    with pytest.raises(ValueError, match="2 labels, 3 predictions"):
        generator.apply([0, 1], 2, [0, 1, 1])
    with pytest.raises(ValueError, match=r"shape \[N, 3\]"):
        generator.apply([0, 1], 3, np.eye(2))
