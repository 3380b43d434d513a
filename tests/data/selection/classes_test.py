"""Sources of some of the classes."""

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.selection import similar_classes
from noisy_keras.data.sources.mixed_source import MixedSource

NAMES = ("ant", "bee", "cow", "dog")


def shades(count):
    """Makes a source of images whose pixels are their position."""
    numbers = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.tile(numbers, (1, 4, 4, 1))


def source(labels, true_labels=None):
    return nk.data.from_arrays(
        shades(len(labels)),
        np.asarray(labels),
        true_labels=true_labels,
        class_names=NAMES,
        name="zoo",
    )


def shown(some):
    """Returns the positions that a source's images show."""
    images = some.fetch(np.arange(some.num_samples)).numpy()
    return images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    "classes",
    [["dog", "ant"], [3, 0], ("3", 0), np.array([3, 0]), ["dog", np.int64(0)]],
)
def test_classes_are_numbered_in_the_order_given(classes):
    full = source([0, 1, 2, 3, 3, 0])
    part = full.of_classes(classes)
    assert part.class_names == ("dog", "ant") and part.num_classes == 2
    assert list(part.labels) == [1, 0, 0, 1]
    assert part.labels.dtype == np.int32 and not part.labels.flags.writeable
    assert part.true_labels is None and part.foreign is None
    assert list(part.ids) == list(full.ids[[0, 3, 4, 5]])
    assert shown(part) == [0, 3, 4, 5]
    np.testing.assert_array_equal(
        part.fetch_targets([0, 1]), [[0.0, 1.0], [1.0, 0.0]]
    )
    assert part.name == "zoo"
    assert full.of_classes([0, 1], name="two").name == "two"
    # The full source is unchanged.
    assert full.class_names == NAMES and full.num_samples == 6


def test_a_name_that_is_a_number_is_a_name():
    full = nk.data.from_arrays(
        shades(3), [0, 1, 2], class_names=["2", "1", "0"]
    )
    assert full.of_classes(["2", "1"]).labels.tolist() == [0, 1]
    assert full.of_classes([2, "1"]).class_names == ("0", "1")


def test_the_true_class_decides_and_the_given_one_has_to_stay():
    #       kept   kept   unknown  given is out   true is out   both are out
    given = [0, 1, 3, 1, 2, 0, 2]
    truth = [0, 3, -1, -1, 0, 2, 2]
    part = source(given, truth).of_classes(["dog", "bee", "ant"])
    assert shown(part) == [0, 1, 2, 3]
    assert list(part.labels) == [2, 1, 0, 1]
    assert list(part.true_labels) == [2, 0, -1, -1]
    assert part.true_labels.dtype == np.int32


def test_soft_labels_keep_their_proportions():
    soft = np.array([[0.5, 0.2, 0.0, 0.3], [0.1, 0.1, 0.7, 0.1]])
    part = source([0, 0]).relabel(soft).of_classes([3, 0])
    assert part.num_samples == 1
    np.testing.assert_allclose(
        part.fetch_targets([0]), [[0.375, 0.625]], rtol=1e-6
    )
    assert list(part.labels) == [1]


def test_noise_and_foreign_rows_stay_with_their_labels():
    clean = source([0, 1, 2, 3] * 5)
    other = nk.data.from_arrays(100 + shades(12), np.arange(12) % 2)
    mixed = nk.data.OpenSetNoise(0.5, seed=2).apply_to(clean, other)
    part = mixed.of_classes([2, 1])
    rows = np.flatnonzero((clean.labels == 1) | (clean.labels == 2))
    np.testing.assert_array_equal(part.foreign, mixed.foreign[rows])
    assert part.foreign.any() and not part.foreign.all()
    np.testing.assert_array_equal(part.true_labels == -1, part.foreign)
    assert shown(part) == [shown(mixed)[row] for row in rows]
    assert list(part.foreign_ids) == list(mixed.foreign_ids[rows])
    assert part.noise == mixed.noise
    again = part.resized(8).of_classes([1, 0])
    assert list(again.labels) == list(1 - part.labels)


def test_sources_mix_with_pictures_of_classes_left_out():
    full = source([0, 1, 2, 3] * 5)
    train = full.of_classes(["ant", "dog"])
    # Images of ants are replaced by cows, those of dogs by bees.
    noise = nk.data.OpenSetNoise(0.5, False, [[1, 0], [0, 1]], seed=1)
    mixed = noise.apply_to(train, full.of_classes(["cow", "bee"]))
    assert mixed.foreign.sum() == 5
    pairs = zip(mixed.labels, np.array(shown(mixed)) % 4, strict=True)
    foreign = {p for p, f in zip(pairs, mixed.foreign, strict=True) if f}
    assert foreign == {(0, 2), (1, 1)}


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("dog", "Expected a list of classes, .*Received: 'dog'"),
        ([], "Expected a list of classes"),
        (["dog"], "at least 2 classes. Received: 1"),
        (["dog", "bee", "dog"], "`classes` that differ. Received: 'dog' twice"),
        (["dog", 3], "`classes` that differ. Received: 'dog' twice"),
        (["dog", "bea"], r"of zoo: ant, bee, .* \[0, 4\).*'bea'.*mean 'bee'"),
        (["dog", 4], "Received: 4"),
        (["dog", -1], "Received: -1"),
        (["dog", "-1"], "Received: '-1'"),
        (["dog", True], "Received: True"),
        (["dog", 1.0], "Received: 1.0"),
        (["ant", "cow"], "samples of the classes ant, cow in zoo.*: none"),
    ],
)
def test_invalid_classes_are_reported(classes, message):
    with pytest.raises(ValueError, match=message):
        source([1, 3, 3]).of_classes(classes)


@pytest.mark.parametrize(
    ("mapping", "count", "kept", "left"),
    [
        # bird -> airplane, deer -> horse; truck and dog lose theirs.
        ("cifar10", 10, [2, 0, 9, 5, 4, 7], {0: 1, 4: 5}),
        (None, 10, [2, 0, 9, 5, 4, 7], {0: 1, 4: 5}),
        ("digits", 10, [1, 2, 7], {1: 2, 2: 0}),
        ("digits", 10, [0, 1, 2], {}),
        # 0 -> 1 -> 2 -> 3 -> 0 without 1 and 2.
        ({0: 1, 1: 2, 2: 3, 3: 0, 4: 5, 5: 4}, 6, [0, 3, 4], {0: 1, 1: 0}),
        ({0: 1}, 3, [1, 0], {1: 0}),
        ({0: 1}, 3, [0, 2], {}),
        ({}, 10, [0, 1], {}),
        (None, 4, [0, 1], {}),
    ],
)
def test_look_alikes_that_are_left(mapping, count, kept, left):
    assert similar_classes.among(mapping, count, kept) == left


def test_asymmetric_noise_is_between_the_classes_that_are_left():
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    full = nk.data.from_arrays(
        shades(200), np.arange(200) % 10, class_names=names.split()
    )
    part = full.of_classes(["dog", "bird", "airplane", "ship"])
    noisy = part.with_noise(nk.data.AsymmetricNoise(0.99, 1, "matrix"))
    changed = noisy.labels != noisy.true_labels
    assert set(noisy.true_labels[changed]) == {1}
    assert set(noisy.labels[changed]) == {2}
    assert noisy.noise["mapping"] == {"1": 2}
    alone = full.of_classes(["dog", "ship"])
    with pytest.raises(ValueError, match="none is known for 2 classes"):
        alone.with_noise(nk.data.AsymmetricNoise(0.5))
    # Ten classes of CIFAR-100 are not those of CIFAR-10.
    hundred = nk.data.from_arrays(shades(200), np.arange(200) % 100)
    tenth = hundred.of_classes(range(10))
    # Bee and beetle are insects; the other coarse classes have one class each.
    assert tenth.look_alikes == {6: 7, 7: 6}


def test_ids_of_foreign_pictures():
    other = nk.data.from_arrays(shades(4), [0, 1, 0, 1], ids="pqrs")
    third = nk.data.from_arrays(shades(2), [0, 1], ids="xy")
    once = MixedSource(source([0, 1, 2, 3]), other, [3, 1], [0, 2])
    assert list(once.foreign_ids) == ["", "r", "", "p"]
    assert list(once.subset([3, 0]).foreign_ids) == ["p", ""]
    twice = MixedSource(once.subset([3, 0, 1]), third, [0], [1])
    assert list(twice.foreign_ids) == ["y", "", "r"]
