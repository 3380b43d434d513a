import numpy as np
import pytest
from scipy import stats

import noisy_keras as nk
from noisy_keras.data.noise import instance

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (4000, 4, 4, 3)).astype(np.uint8)
LABELS = np.arange(4000) % 4
FEW = np.random.RandomState(0).randint(0, 256, (12, 4, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.8])
def test_the_rate_is_the_mean_of_the_cut_normal(rate):
    generator = nk.data.InstanceNoise(rate, seed=3)
    noisy = generator.apply(LABELS, 4, IMAGES)
    ends = (0.0 - rate) / 0.1, (1.0 - rate) / 0.1
    mean = stats.truncnorm(*ends, loc=rate, scale=0.1).mean()
    deviation = np.sqrt(mean * (1 - mean) / len(LABELS))
    assert abs(generator.realized_rate - mean) < 5 * deviation
    assert generator.realized_rate == pytest.approx(np.mean(noisy != LABELS))
    np.testing.assert_allclose(generator.transition.sum(axis=1), 1.0)


def test_flip_rates_follow_the_cut_normal():
    random = np.random.RandomState(1)
    values = instance._truncated_normal(0.1, 20000, random)
    assert values.min() >= 0.0 and values.max() <= 1.0
    cut = stats.truncnorm(-1.0, 9.0, loc=0.1, scale=0.1)
    assert stats.kstest(values, cut.cdf).pvalue > 1e-6


def test_a_label_is_drawn_from_flip_times_softmax():
    # exp(0) : exp(ln 3) shares 0.4 as 0.1 and 0.3; the true class has 0.6.
    scores = np.tile([50.0, 0.0, np.log(3.0)], (6, 1))
    chance = np.array([0.0, 0.599, 0.601, 0.699, 0.701, 0.999])
    drawn = instance._flipped(scores, 0, np.full(6, 0.4), chance)
    assert list(drawn) == [0, 0, 1, 1, 2, 2]
    # With the true class in the middle, the order of classes is kept.
    scores = np.tile([0.0, 50.0, np.log(3.0)], (4, 1))
    chance = np.array([0.099, 0.101, 0.699, 0.701])
    drawn = instance._flipped(scores, 1, np.full(4, 0.4), chance)
    assert list(drawn) == [0, 1, 1, 2]


def test_labels_are_those_of_the_formula_row_by_row():
    images, labels = IMAGES[:200], LABELS[:200]
    random = np.random.RandomState(4)
    flip = instance._truncated_normal(0.5, 200, random)
    chance = random.uniform(size=200)
    weights = random.standard_normal((4, 48, 4))
    pixels = images.reshape(-1, 3) / 255.0
    pixels = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
    expected = []
    for i, x in enumerate(pixels.reshape(200, 48)):
        odds = np.exp(x @ weights[labels[i]])
        odds[labels[i]] = 0.0
        odds *= flip[i] / odds.sum()
        odds[labels[i]] = 1.0 - flip[i]
        expected.append(np.searchsorted(np.cumsum(odds), chance[i]))
    noisy = nk.data.InstanceNoise(0.5, seed=4).apply(labels, 4, images)
    assert list(noisy) == expected


def test_an_image_is_confused_with_one_class():
    picture = RANDOM.randint(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    images = np.repeat(picture, 300, axis=0)
    noisy = nk.data.InstanceNoise(0.5, seed=2).apply([0] * 600, 10, images)
    for part in (noisy[:300], noisy[300:]):
        wrong = part[part != 0]
        assert len(wrong) > 100
        assert np.mean(wrong == np.bincount(wrong).argmax()) > 0.95


def test_images_are_standardised():
    # Brightness and contrast do not matter.
    generator = nk.data.InstanceNoise(0.5, seed=2)
    dark = (IMAGES // 4 * 2).astype(np.float32)
    np.testing.assert_array_equal(
        generator.apply(LABELS, 4, dark),
        generator.apply(LABELS, 4, dark * 2 / 255.0),
    )
    np.testing.assert_allclose(
        instance._pixels(nk.data.from_arrays(IMAGES, LABELS), [0]).std(),
        1.0,
        atol=0.3,
    )


def test_a_source_is_read_in_batches(monkeypatch):
    source = nk.data.from_arrays(IMAGES, LABELS)
    generator = nk.data.InstanceNoise(0.4, seed=1)
    expected = generator.apply(LABELS, 4, IMAGES)
    fetch, counts = source.fetch, []

    def counted(rows):
        counts.append(len(rows))
        return fetch(rows)

    monkeypatch.setattr(source, "fetch", counted)
    monkeypatch.setattr(instance, "_BATCH_VALUES", 48 * 300)
    np.testing.assert_array_equal(generator.apply_to(source), expected)
    assert max(counts) == 300 and sum(counts) == 4000


def test_a_source_is_given_noise_of_its_own_images():
    clean = nk.data.from_arrays(IMAGES, LABELS)
    generator = nk.data.InstanceNoise(0.4, seed=1)
    source = clean.with_noise(generator)
    np.testing.assert_array_equal(
        source.labels, generator.apply(LABELS, 4, IMAGES)
    )
    np.testing.assert_array_equal(source.true_labels, LABELS)
    assert source.noise == {
        "type": "instance",
        "rate": 0.4,
        "convention": "part_dependent",
        "seed": 1,
        "realized_rate": pytest.approx(np.mean(source.labels != LABELS)),
    }


def test_a_seed_is_a_labelling():
    labels = np.arange(12) % 4
    generator = nk.data.InstanceNoise(0.5, seed=1)
    assert list(generator.apply(labels, 4, FEW)) == [
        0, 0, 2, 3, 0, 1, 3, 3, 0, 0, 1, 3,
    ]  # fmt: skip
    other = nk.data.InstanceNoise(0.5, seed=2)
    assert list(other.apply(labels, 4, FEW)) != list(
        generator.apply(labels, 4, FEW)
    )
    none = nk.data.InstanceNoise(0.0, seed=1)
    assert list(none.apply(labels, 4, FEW)) == list(labels)


def test_bad_arguments_are_reported():
    generator = nk.data.InstanceNoise(0.5)
    with pytest.raises(ValueError, match="Expected `images`"):
        generator.apply(LABELS, 4)
    with pytest.raises(ValueError, match="4000 labels, 12 images"):
        generator.apply(LABELS, 4, FEW)
    with pytest.raises(ValueError, match="rank 4"):
        generator.apply(LABELS, 4, FEW[0, 0])
    with pytest.raises(ValueError, match="one of .*part_dependent"):
        nk.data.InstanceNoise(0.5, convention="matrix")
