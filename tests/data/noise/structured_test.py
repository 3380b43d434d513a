import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.selection import similar_classes

LABELS = np.random.RandomState(7).randint(0, 10, 20000)
FINE = np.random.RandomState(8).randint(0, 100, 20000)
# The pairs that Meta-Weight-Net's code gives for 10 classes.
MWNET = [6, 9, 6, 0, 0, 1, 8, 6, 2, 4]


def within(realized, expected, count):
    """Checks that shares are within five standard deviations of binomials."""
    deviation = np.sqrt(expected * (1 - expected) / count)
    return np.all(np.abs(realized - expected) < 5 * deviation)


def test_blocks_of_five_indices_are_circular():
    successors = similar_classes.block_successors()
    assert sorted(successors) == sorted(successors.values()) == [*range(100)]
    assert [successors[c] for c in (0, 1, 4, 5, 99)] == [1, 2, 0, 6, 95]
    generator = nk.data.AsymmetricNoise(
        0.4, seed=1, convention="matrix", mapping="cifar100_blocks"
    )
    noisy = generator.apply(FINE, 100)
    changed = noisy != FINE
    assert within(changed.mean(), 0.4, len(FINE))
    assert np.all(noisy[changed] == [successors[c] for c in FINE[changed]])


def test_superclass_random_draws_from_the_five_of_a_coarse_class():
    generator = nk.data.AsymmetricNoise(
        0.8, seed=1, convention="c2d_superclass_random"
    )
    noisy = generator.apply(FINE, 100)
    # The true class is one of the five.
    assert within(generator.realized_rate, 0.8 * 0.8, len(FINE))
    coarse = np.array(similar_classes._CIFAR100_COARSE.split(), int)
    np.testing.assert_array_equal(coarse[noisy], coarse[FINE])
    # Apple becomes mushroom, orange, pear and sweet pepper equally often.
    apples = generator.transition[0, [51, 53, 57, 83]]
    assert within(apples, 0.8 / 5, np.sum(FINE == 0))


def test_superclass_random_follows_circles_of_any_length():
    generator = nk.data.AsymmetricNoise(
        0.9, 2, "c2d_superclass_random", mapping={0: 1, 1: 0, 2: 3, 3: 4, 4: 2}
    )
    labels = np.arange(12000) % 6
    generator.apply(labels, 6)
    expected = np.zeros((6, 6))
    expected[:2, :2] = 0.9 / 2
    expected[2:5, 2:5] = 0.9 / 3
    expected[range(5), range(5)] += 0.1
    expected[5, 5] = 1.0
    assert np.all(np.abs(generator.transition - expected) < 0.06)
    np.testing.assert_array_equal(generator.transition > 0, expected > 0)


def test_superclass_random_needs_a_circular_mapping():
    generator = nk.data.AsymmetricNoise(0.5, 0, "c2d_superclass_random")
    with pytest.raises(ValueError, match="circular `mapping`"):
        generator.apply(LABELS, 10)


def test_mwnet_flip_moves_each_class_to_one_other():
    generator = nk.data.PairFlipNoise(0.4, seed=5, convention="mwnet_flip")
    noisy = generator.apply(LABELS, 10)
    changed = noisy != LABELS
    assert within(changed.mean(), 0.4, len(LABELS))
    assert np.all(noisy[changed] == np.array(MWNET)[LABELS[changed]])


def test_mwnet_flip2_moves_each_class_to_two_others_alike():
    generator = nk.data.PairFlipNoise(0.4, seed=5, convention="mwnet_flip2")
    generator.apply(LABELS, 10)
    matrix = generator.transition
    np.testing.assert_array_equal(np.sum(matrix > 0, axis=1), 3)
    wrong = np.where(np.eye(10, dtype=bool), 0.0, matrix)
    assert list(np.flatnonzero(wrong[0])) == [3, 9]
    assert list(np.flatnonzero(wrong[9])) == [4, 5]
    shares = wrong[wrong > 0].reshape(10, 2)
    assert within(shares, 0.2, np.bincount(LABELS)[:, None])
    with pytest.raises(ValueError, match="at least 3 classes"):
        generator.apply(LABELS % 2, 2)


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        (
            nk.data.PairFlipNoise(0.45, 1, "mwnet_flip"),
            [0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 3],
        ),
        (
            nk.data.PairFlipNoise(0.45, 1, "mwnet_flip2"),
            [0, 2, 0, 2, 0, 1, 0, 2, 0, 1, 2, 3],
        ),
    ],
)
def test_labels_are_the_same_for_ever(generator, expected):
    assert list(generator.apply(np.arange(12) % 4, 4)) == expected
    assert list(generator.apply(np.arange(12) % 4, 4)) == expected


def test_labels_of_coarse_classes_are_the_same_for_ever():
    generator = nk.data.AsymmetricNoise(0.8, 1, "c2d_superclass_random")
    assert list(generator.apply(np.arange(0, 100, 7), 100)) == [
        53, 6, 24, 19, 9, 35, 88, 60, 47, 75, 82, 77, 84, 32, 46,
    ]  # fmt: skip


def test_a_source_says_which_of_its_classes_look_alike():
    noise = nk.data.AsymmetricNoise(0.9, convention="per_class")
    source = nk.data.load("digits", noise=noise)
    assert source.noise["mapping"] == "digits"
    wrong = source.labels[source.true_labels == 7]
    assert set(wrong) == {7, 1}
