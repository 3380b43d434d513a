import json

import numpy as np
import pytest

import noisy_keras as nk

LABELS = np.random.RandomState(7).randint(0, 3, 6000)
FOREIGN = np.random.RandomState(8).randint(0, 4, 5000)
MATRIX = np.array([[8, 0, 1], [1, 0, 1], [1, 3, 1], [0, 1, 1]])


def test_uniform_choice_is_distinct_and_exact():
    generator = nk.data.OpenSetNoise(0.5, seed=1)
    rows, index = generator.choose(LABELS, FOREIGN)
    assert len(rows) == len(set(rows)) == len(index) == len(set(index)) == 3000
    assert rows.dtype == index.dtype == np.int64
    assert generator.realized_rate == 0.5
    np.testing.assert_array_equal(generator.transition, np.eye(3))
    expected = np.bincount(LABELS[rows]) / np.bincount(LABELS)
    np.testing.assert_allclose(generator.foreign_share, expected)
    # Only the number of foreign images is needed.
    again = nk.data.OpenSetNoise(0.5, seed=1).choose(LABELS, len(FOREIGN))
    np.testing.assert_array_equal(again[0], rows)
    np.testing.assert_array_equal(again[1], index)


def test_foreign_classes_follow_the_column_of_the_label():
    generator = nk.data.OpenSetNoise(0.5, False, MATRIX, seed=2)
    rows, index = generator.choose(LABELS, FOREIGN)
    for c, expected in enumerate((MATRIX / MATRIX.sum(axis=0)).T):
        shown = FOREIGN[index[LABELS[rows] == c]]
        shares = np.bincount(shown, minlength=4) / len(shown)
        deviation = np.sqrt(expected * (1 - expected) / len(shown))
        assert np.all(np.abs(shares - expected) <= 5 * deviation + 1e-4)
    assert generator.describe()["convention"] == "matrix"


def test_images_are_used_evenly_and_again_only_once_all_were():
    foreign = np.array([0] * 7 + [1] * 10000)
    matrix = [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    generator = nk.data.OpenSetNoise(0.5, False, matrix, seed=2)
    _, index = generator.choose(LABELS, foreign)
    uses = np.bincount(index, minlength=len(foreign))
    assert np.ptp(uses[:7]) <= 1 and uses[:7].min() > 100
    assert uses[7:].max() == 1
    # Each pass over the images has another order.
    few = index[index < 7]
    assert sorted(few[:7]) == sorted(few[7:14]) == [*range(7)]
    assert list(few[:7]) != list(few[7:14])


def test_classes_without_images_are_never_drawn():
    generator = nk.data.OpenSetNoise(0.5, False, MATRIX, seed=2)
    _, index = generator.choose(LABELS, [1, 1, 3])
    assert set(index) == {0, 1, 2}


@pytest.mark.parametrize(
    ("generator", "foreign", "expected"),
    [
        (nk.data.OpenSetNoise(0.5, seed=1), 9, [7, 5, 3, 0, 8, 4]),
        (
            nk.data.OpenSetNoise(
                0.5, False, [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 5]], seed=1
            ),
            [0, 0, 1, 1, 1, 2],
            [3, 5, 0, 2, 4, 4],
        ),
    ],
)
def test_a_choice_is_the_same_for_ever(generator, foreign, expected):
    rows, index = generator.choose(np.arange(12) % 4, foreign)
    assert list(rows) == [2, 3, 4, 10, 1, 6]
    assert list(index) == expected


def test_a_source_shows_foreign_images():
    images = np.full((40, 8, 8, 3), 10, np.uint8)
    labels = np.arange(40) % 4
    clean = nk.data.from_arrays(images, labels)
    pictures = np.arange(100, 150, dtype=np.uint8)[:, None, None, None]
    foreign = nk.data.from_arrays(
        np.tile(pictures, (1, 8, 8, 3)), np.arange(50) % 5
    )
    generator = nk.data.OpenSetNoise(0.25, seed=4)
    source = generator.apply_to(clean, foreign)
    rows, index = generator.choose(labels, 50)
    np.testing.assert_array_equal(source.labels, labels)
    np.testing.assert_array_equal(np.flatnonzero(source.foreign), np.sort(rows))
    np.testing.assert_array_equal(source.foreign, source.true_labels == -1)
    shown = np.asarray(source.fetch(np.arange(40)))[:, 0, 0, 0]
    np.testing.assert_array_equal(shown[rows], 100 + index)
    assert set(shown[~source.foreign]) == {10}
    assert source.noise == generator.describe()
    assert json.loads(json.dumps(source.noise))["realized_rate"] == 0.25
    assert clean.foreign is None and clean.true_labels is None


def test_wrong_labels_and_foreign_images_mix():
    images = np.zeros((400, 4, 4, 3), np.uint8)
    labels = np.arange(400) % 4
    clean = nk.data.from_arrays(images, labels)
    flips = nk.data.SymmetricNoise(0.5, convention="exclude_true")
    foreign = nk.data.OpenSetNoise(0.25, seed=3)
    source = foreign.apply_to(clean.with_noise(flips), clean)
    right = source.true_labels == labels
    assert np.sum(source.true_labels == -1) == np.sum(~right) == 100
    assert source.noise["type"] == "open_set"
    assert source.noise["before"]["type"] == "symmetric"
    # In reverse order, foreign rows stay foreign, regardless of their label.
    source = foreign.apply_to(clean, clean).with_noise(flips)
    assert np.sum(source.true_labels == -1) == source.foreign.sum() == 100
    assert source.noise["before"]["type"] == "open_set"


def test_bad_arguments_are_reported():
    with pytest.raises(ValueError, match=r"`rate` in \[0, 1\)"):
        nk.data.OpenSetNoise(1.0)
    with pytest.raises(ValueError, match="Received: uniform=False, no matrix"):
        nk.data.OpenSetNoise(0.5, uniform=False)
    with pytest.raises(ValueError, match="Received: uniform=True, a matrix"):
        nk.data.OpenSetNoise(0.5, matrix=MATRIX)
    with pytest.raises(ValueError, match=r"shape \[O, K\]"):
        nk.data.OpenSetNoise(0.5, False, MATRIX[0])
    uniform = nk.data.OpenSetNoise(0.5)
    for name in ("transition", "realized_rate", "foreign_share"):
        with pytest.raises(ValueError, match="call `choose` or"):
            getattr(uniform, name)
    with pytest.raises(ValueError, match="at least 3000 foreign images"):
        uniform.choose(LABELS, 2999)
    matrix = nk.data.OpenSetNoise(0.5, False, MATRIX)
    with pytest.raises(ValueError, match="classes of the foreign images"):
        matrix.choose(LABELS, 5000)
    with pytest.raises(ValueError, match="`foreign labels` in"):
        matrix.choose(LABELS, FOREIGN + 1)
    with pytest.raises(ValueError, match=r"shape \[O, 5\]"):
        matrix.choose(LABELS, FOREIGN, 5)
    images = np.zeros((8, 4, 4, 3), np.uint8)
    source = nk.data.from_arrays(images, np.arange(8) % 2)
    with pytest.raises(ValueError, match="instead of `source.with_noise`"):
        source.with_noise(uniform)
