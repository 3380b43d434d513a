import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data import batches
from noisy_keras.data.sources.array_source import ArraySource
from noisy_keras.data.sources.mixed_source import MixedSource
from tests import toy

IMAGES, LABELS = toy.pictures(20)
OTHERS = np.random.RandomState(5).randint(0, 256, (6, 16, 16, 3))
OTHERS = OTHERS.astype(np.uint8)
ROWS, INDEX = [3, 0, 17], [5, 2, 2]


class Margin(ArraySource):
    """A source with a margin of two pixels for crops."""

    def fetch_with_margin(self, index):
        return tf.pad(self.fetch(index), [[0, 0], [2, 2], [2, 2], [0, 0]])


def mixed(others=OTHERS, **options):
    source = nk.data.from_arrays(IMAGES, LABELS, **options)
    foreign = nk.data.from_arrays(others, np.arange(6) % 2)
    return MixedSource(source, foreign, ROWS, INDEX)


def expected():
    images = IMAGES.copy()
    images[ROWS] = OTHERS[INDEX]
    return images


def test_images_come_by_index_eagerly_and_in_tf_data():
    source = mixed()
    np.testing.assert_array_equal(source.fetch(np.arange(20)), expected())
    dataset = tf.data.Dataset.from_tensor_slices([[0, 5], [7, 17]])
    dataset = dataset.map(source.fetch)
    assert dataset.element_spec.shape == (2, 16, 16, 3)
    assert dataset.element_spec.dtype == tf.uint8
    fetched = np.concatenate(list(dataset.as_numpy_iterator()))
    np.testing.assert_array_equal(fetched, expected()[[0, 5, 7, 17]])
    rows = list(batches.ordered(source, 8).as_numpy_iterator())
    images = np.concatenate([row["image"] for row in rows])
    np.testing.assert_array_equal(images[:20], expected())


def test_rows_and_truth_are_marked():
    source = mixed()
    assert list(np.flatnonzero(source.foreign)) == [0, 3, 17]
    np.testing.assert_array_equal(source.labels, LABELS)
    truth = np.where(source.foreign, -1, LABELS)
    np.testing.assert_array_equal(source.true_labels, truth)
    # Known true labels are kept.
    source = mixed(true_labels=np.roll(LABELS, 1))
    truth = np.where(source.foreign, -1, np.roll(LABELS, 1))
    np.testing.assert_array_equal(source.true_labels, truth)


def test_settings_are_those_of_the_source():
    fixed = nk.data.Augmentation(crop_padding=0, horizontal_flip=False)
    options = {
        "augmentation": fixed,
        "ids": [f"id{i}" for i in range(20)],
        "pixel_mean": (0.1, 0.2, 0.3),
        "name": "own",
    }
    source, mix = (
        nk.data.from_arrays(IMAGES, LABELS, **options),
        mixed(**options),
    )
    for field in ("augmentation", "pixel_mean", "pixel_std", "name", "noise"):
        assert getattr(mix, field) == getattr(source, field)
    assert list(mix.ids) == list(source.ids)
    assert mix.paths is None
    soft = np.full((20, 4), 0.25)
    relabelled = MixedSource(source.relabel(soft), source, ROWS, INDEX)
    np.testing.assert_array_equal(relabelled.fetch_targets([0]), soft[:1])


def test_subsets_keep_their_rows():
    part = mixed().subset([17, 4, 0]).subset([2, 0])
    np.testing.assert_array_equal(part.fetch([0, 1]), expected()[[0, 17]])
    assert list(part.foreign) == [True, True]
    rest, held = mixed().hold_out(5, seed=1)
    assert rest.foreign.sum() + held.foreign.sum() == 3
    images = expected()[[int(i) for i in held.ids]]
    np.testing.assert_array_equal(held.fetch(np.arange(5)), images)


def test_foreign_rows_are_never_trusted():
    rest, trusted = mixed().split(trusted=3, seed=1)
    assert not trusted.foreign.any()
    assert rest.foreign.sum() == 3
    np.testing.assert_array_equal(trusted.labels, trusted.true_labels)


def test_other_sizes_channels_and_ranges_are_brought_in_line():
    large = np.repeat(np.repeat(OTHERS, 2, axis=1), 2, axis=2)
    source = mixed(large)
    assert source.fetch([0]).shape == (1, 16, 16, 3)
    shown = np.asarray(source.fetch([3])[0], int)
    # Without the border, where twice as many pixels are averaged.
    assert abs(shown.mean() - OTHERS[5].mean()) < 2.0
    np.testing.assert_array_equal(source.fetch([1])[0], IMAGES[1])
    grey = mixed(OTHERS[..., :1]).fetch(ROWS)
    np.testing.assert_array_equal(
        grey, np.repeat(OTHERS[INDEX][..., :1], 3, axis=-1)
    )
    # Floats in the unit interval are rounded to the original values.
    exact = mixed(OTHERS / 255.0).fetch(np.arange(20))
    assert exact.dtype == tf.uint8
    np.testing.assert_array_equal(exact, expected())


def test_floats_and_grey_sources_take_any_images():
    unit = nk.data.from_arrays(IMAGES / 255.0, LABELS)
    foreign = nk.data.from_arrays(OTHERS, np.arange(6) % 2)
    source = MixedSource(unit, foreign, ROWS, INDEX)
    assert source.fetch([0]).dtype == tf.float32
    np.testing.assert_allclose(
        source.fetch(ROWS), OTHERS[INDEX] / 255.0, atol=1e-6
    )
    grey = nk.data.from_arrays(IMAGES[..., 0], LABELS)
    source = MixedSource(grey, foreign, ROWS, INDEX)
    luminance = OTHERS[INDEX] @ [0.2989, 0.587, 0.114]
    assert np.max(np.abs(source.fetch(ROWS)[..., 0] - luminance)) <= 1.0


def test_views_have_the_margin_of_the_source():
    source = Margin(IMAGES, LABELS, "abcd")
    plain = nk.data.from_arrays(OTHERS, np.arange(6) % 2)
    mix = MixedSource(source, plain, ROWS, INDEX)
    assert mix.fetch([0, 1]).shape == (2, 16, 16, 3)
    large = np.asarray(mix.fetch_with_margin([0, 1]))
    assert large.shape == (2, 20, 20, 3)
    np.testing.assert_array_equal(large[1, 2:-2, 2:-2], IMAGES[1])
    # Foreign images fill the margin, so the border does not reveal them.
    assert large[1, :2].max() == 0 and large[0, :2].max() > 0
    # The margin of foreign images is cropped for sources without a margin.
    mix = MixedSource(plain, source, [0], [4])
    np.testing.assert_array_equal(mix.fetch([0])[0], IMAGES[4])


def test_resized_sources_keep_their_rows():
    small = mixed().subset([0, 1]).resized(8)
    assert small.image_shape == (8, 8, 3)
    shown = np.asarray(small.fetch([0, 1]), float).mean(axis=(1, 2, 3))
    pictures = expected()[:2].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, pictures, atol=2.0)


def test_sources_mix_again():
    twice = MixedSource(
        mixed(), nk.data.from_arrays(IMAGES, LABELS), [3, 4], [9, 8]
    )
    images = expected()
    images[[3, 4]] = IMAGES[[9, 8]]
    np.testing.assert_array_equal(twice.fetch(np.arange(20)), images)
    assert list(np.flatnonzero(twice.foreign)) == [0, 3, 4, 17]


def test_paths_are_those_of_the_images_shown():
    source = nk.data.from_arrays(IMAGES, LABELS, paths=["own.png"] * 20)
    plain = nk.data.from_arrays(OTHERS, np.arange(6) % 2)
    assert list(MixedSource(source, plain, [1], [0]).paths[:2]) == [
        "own.png",
        "",
    ]
    named = nk.data.from_arrays(
        OTHERS, np.arange(6) % 2, paths=[f"{i}.png" for i in range(6)]
    )
    mix = MixedSource(source, named, [1], [4])
    assert list(mix.paths[:2]) == ["own.png", "4.png"]
    # The attributes of the original sources do not change.
    assert set(source.paths) == {"own.png"}


@pytest.mark.parametrize(
    ("rows", "index", "message"),
    [
        ([1, 1], [0, 2], "distinct `rows`. Received: 1 repeated"),
        ([20], [0], r"`rows` to be integers \[n\] in \[0, 20\)"),
        ([1], [6], r"`index` to be integers \[n\] in \[0, 6\)"),
        ([-1], [0], "`rows` to be integers"),
        ([1.5], [0], "`rows` to be integers"),
        ([1, 2], [0], "2 rows, 1 index"),
    ],
)
def test_bad_positions_are_reported(rows, index, message):
    source = nk.data.from_arrays(IMAGES, LABELS)
    foreign = nk.data.from_arrays(OTHERS, np.arange(6) % 2)
    with pytest.raises(ValueError, match=message):
        MixedSource(source, foreign, rows, index)
