import numpy as np
import pytest

import noisy_keras as nk

LABELS = np.random.RandomState(7).randint(0, 4, 20000)
MATRIX = np.array(
    [[90, 9, 1, 0], [0, 90, 5, 5], [20, 20, 50, 10], [0, 0, 0, 9]]
)


def test_wrong_labels_follow_the_row_of_the_true_one():
    generator = nk.data.ConfusionNoise(0.4, MATRIX, seed=3)
    noisy = generator.apply(LABELS)
    assert np.sum(noisy != LABELS) == 8000
    assert generator.realized_rate == pytest.approx(0.4)
    matrix = generator.transition
    expected = np.array(
        [
            [0.6, 0.36, 0.04, 0.0],
            [0.0, 0.6, 0.2, 0.2],
            [0.16, 0.16, 0.6, 0.08],
            # Never confused: only the floor remains, equal for all.
            [0.4 / 3, 0.4 / 3, 0.4 / 3, 0.6],
        ]
    )
    deviation = np.sqrt(
        expected * (1 - expected) / np.bincount(LABELS)[:, None]
    )
    assert np.all(np.abs(matrix - expected) <= 5 * deviation + 1e-4)


def test_shares_do_as_well_as_counts():
    # Except for the floor, which is added to both.
    rows = MATRIX / MATRIX.sum(axis=1, keepdims=True)
    shares = nk.data.ConfusionNoise(0.4, rows, seed=3).apply(LABELS, 4)
    counts = nk.data.ConfusionNoise(0.4, MATRIX, seed=3).apply(LABELS, 4)
    assert np.mean(shares != counts) < 1e-3


def test_a_seed_is_a_labelling():
    matrix = [[9, 1, 0, 0], [0, 9, 1, 0], [2, 2, 9, 0], [0, 0, 0, 9]]
    generator = nk.data.ConfusionNoise(0.5, matrix, 1)
    labels = np.arange(12) % 4
    assert list(generator.apply(labels)) == [
        0, 2, 0, 1, 1, 1, 1, 3, 0, 1, 1, 3,
    ]  # fmt: skip
    other = nk.data.ConfusionNoise(0.5, matrix, 2)
    assert list(other.apply(labels)) != list(generator.apply(labels))
    np.testing.assert_array_equal(generator.matrix, matrix)


def test_a_source_takes_it():
    images = np.zeros((40, 8, 8, 3), np.uint8)
    clean = nk.data.from_arrays(images, np.arange(40) % 4)
    source = clean.with_noise(nk.data.ConfusionNoise(0.5, MATRIX))
    assert np.sum(source.labels != source.true_labels) == 20
    assert source.noise["type"] == "confusion"


def test_bad_arguments_are_reported():
    with pytest.raises(ValueError, match=r"shape \[K, K\]"):
        nk.data.ConfusionNoise(0.5, MATRIX[:3])
    with pytest.raises(ValueError, match="not negative"):
        nk.data.ConfusionNoise(0.5, -MATRIX)
    with pytest.raises(ValueError, match="not negative"):
        nk.data.ConfusionNoise(0.5, np.where(MATRIX == 5, np.nan, MATRIX))
    with pytest.raises(ValueError, match=r"shape \[5, 5\]"):
        nk.data.ConfusionNoise(0.5, MATRIX).apply(LABELS, 5)
    with pytest.raises(ValueError, match="outside"):
        nk.data.ConfusionNoise(0.5, MATRIX).apply(LABELS + 1)
