import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import noise

LABELS = np.random.RandomState(7).randint(0, 10, 20000)
LABEL_COUNT = len(LABELS)


def within(realized, expected, count=LABEL_COUNT):
    """Checks that a share is within five standard deviations of a binomial."""
    deviation = np.sqrt(expected * (1 - expected) / count)
    return abs(realized - expected) < 5 * deviation


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("dividemix", 0.5 * 0.9),
        ("exclude_true", 0.5),
        ("matrix_excl", 0.5),
        ("matrix_incl", 0.5 * 0.9),
        ("ieg", 0.5 * 0.9),
    ],
)
def test_symmetric_noise_realises_its_convention(convention, expected):
    generator = nk.data.SymmetricNoise(0.5, seed=3, convention=convention)
    noisy = generator.apply(LABELS, 10)
    assert within(np.mean(noisy != LABELS), expected)
    assert generator.realized_rate == pytest.approx(np.mean(noisy != LABELS))
    # Wrong labels are uniform over the other classes.
    matrix = generator.transition
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.diag(matrix), 1 - expected, atol=0.06)
    wrong = matrix[~np.eye(10, dtype=bool)]
    np.testing.assert_allclose(wrong, expected / 9, atol=0.03)


def test_exact_conventions_corrupt_an_exact_number():
    exact = nk.data.SymmetricNoise(0.5, convention="exclude_true")
    assert np.sum(exact.apply(LABELS, 10) != LABELS) == 10000
    # Truncated, as `int(rate * N)`.
    odd = nk.data.SymmetricNoise(0.5, convention="exclude_true")
    assert np.sum(odd.apply(LABELS[:101], 10) != LABELS[:101]) == 50


@pytest.mark.parametrize(
    ("convention", "share"),
    [("dividemix", None), ("matrix", 0.4), ("per_class", 0.4)],
)
def test_asymmetric_noise_maps_the_five_classes_of_cifar10(convention, share):
    generator = nk.data.AsymmetricNoise(0.4, seed=1, convention=convention)
    generator.apply(LABELS, 10)
    matrix = generator.transition
    mapping = {9: 1, 2: 0, 3: 5, 5: 3, 4: 7}
    for given in range(10):
        right = mapping.get(given)
        if right is None:
            assert matrix[given, given] == 1.0
        else:
            assert matrix[given, right] == pytest.approx(0.4, abs=0.06)
            assert matrix[given, given] + matrix[given, right] == (
                pytest.approx(1.0)
            )
            if convention == "per_class":
                assert matrix[given, right] == pytest.approx(share, abs=1e-3)
    assert generator.realized_rate == pytest.approx(0.2, abs=0.02)


def test_cifar100_maps_within_super_classes():
    successors = noise.superclass_successors()
    assert sorted(successors) == sorted(successors.values()) == [*range(100)]
    # Apple, mushroom, orange, pear, sweet pepper, apple.
    assert [successors[c] for c in (0, 51, 53, 57, 83)] == [51, 53, 57, 83, 0]
    labels = np.arange(1000) % 100
    generator = nk.data.AsymmetricNoise(0.3, convention="matrix")
    noisy = generator.apply(labels, 100)
    changed = noisy != labels
    assert 0.2 < changed.mean() < 0.4
    assert all(
        successors[a] == b
        for a, b in zip(labels[changed], noisy[changed], strict=True)
    )


def test_asymmetric_noise_takes_a_mapping_of_ones_own():
    generator = nk.data.AsymmetricNoise(0.9, mapping={0: 2})
    noisy = generator.apply(np.array([0] * 100 + [1] * 100 + [2] * 100), 3)
    assert set(noisy[:100]) == {0, 2} and set(noisy[100:200]) == {1}
    with pytest.raises(ValueError, match="none is known for 3 classes"):
        nk.data.AsymmetricNoise(0.4).apply([0, 1, 2], 3)
    with pytest.raises(ValueError, match="within"):
        nk.data.AsymmetricNoise(0.4, mapping={0: 9}).apply([0, 1, 2], 3)
    with pytest.raises(ValueError, match="one of"):
        nk.data.AsymmetricNoise(0.4, mapping="cifar11")


def test_pair_flip_moves_to_the_next_class():
    generator = nk.data.PairFlipNoise(0.45, seed=2)
    noisy = generator.apply(LABELS, 10)
    changed = noisy != LABELS
    assert within(changed.mean(), 0.45)
    assert np.all(noisy[changed] == (LABELS[changed] + 1) % 10)


@pytest.mark.parametrize("name", ["asymmetric", "pair_flip", "symmetric"])
def test_a_seed_is_a_labelling(name):
    make = noise.BY_NAME[name]
    first = make(0.4, seed=5).apply(LABELS, 10)
    np.testing.assert_array_equal(make(0.4, seed=5).apply(LABELS, 10), first)
    assert np.any(make(0.4, seed=6).apply(LABELS, 10) != first)
    assert first.dtype == np.int32
    np.testing.assert_array_equal(make(0.0).apply(LABELS, 10), LABELS)


def test_labels_are_the_same_for_ever():
    # The stream of NumPy's legacy generator never changes; a change here would
    # change published runs.
    labels = np.arange(12) % 4
    assert list(nk.data.SymmetricNoise(0.5, seed=1).apply(labels, 4)) == [
        0, 2, 2, 1, 2, 1, 1, 3, 0, 1, 0, 3,
    ]  # fmt: skip


def test_a_source_with_noise_knows_the_truth():
    images = np.zeros((40, 8, 8, 3), np.uint8)
    clean = nk.data.from_arrays(images, np.arange(40) % 4)
    source = clean.with_noise(nk.data.SymmetricNoise(0.5, seed=1))
    assert clean.true_labels is None
    np.testing.assert_array_equal(source.true_labels, clean.labels)
    wrong = np.mean(source.labels != source.true_labels)
    assert source.noise["realized_rate"] == pytest.approx(wrong)
    assert clean.with_noise(None) is clean


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan"), "x", None])
def test_rates_outside_are_reported(rate):
    with pytest.raises(ValueError, match=r"`rate` in \[0, 1\)"):
        nk.data.SymmetricNoise(rate)


def test_other_bad_arguments_are_reported():
    with pytest.raises(ValueError, match="one of .*exclude_true"):
        nk.data.SymmetricNoise(0.5, convention="uniform")
    with pytest.raises(ValueError, match="call `apply"):
        _ = nk.data.SymmetricNoise(0.5).transition
    with pytest.raises(ValueError, match="outside"):
        nk.data.SymmetricNoise(0.5).apply([0, 5], 3)
