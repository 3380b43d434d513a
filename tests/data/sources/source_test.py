import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data.sources import array_source
from tests import toy

IMAGES, LABELS = toy.pictures(20)


def test_images_and_labels_come_by_index_eagerly_and_in_tf_data():
    source = nk.data.from_arrays(IMAGES, LABELS)
    np.testing.assert_array_equal(source.fetch([3, 1]), IMAGES[[3, 1]])
    dataset = tf.data.Dataset.from_tensor_slices([[0, 5], [7, 2]])
    fetched = list(dataset.map(source.fetch).as_numpy_iterator())
    np.testing.assert_array_equal(fetched[1], IMAGES[[7, 2]])
    assert dataset.map(source.fetch).element_spec.shape == (2, 16, 16, 3)
    np.testing.assert_array_equal(
        source.fetch_targets([1, 2]), np.eye(4)[[1, 2]]
    )


def test_facts_of_a_source():
    source = nk.data.from_arrays(
        IMAGES, LABELS, class_names=["a", "b", "c", "d", "e"]
    )
    assert (source.num_samples, source.num_classes) == (20, 5)
    assert source.image_shape == (16, 16, 3)
    assert len(set(source.ids)) == 20
    pixels = IMAGES.reshape(-1, 3) / 255.0
    np.testing.assert_allclose(source.pixel_mean, pixels.mean(axis=0))
    np.testing.assert_allclose(source.pixel_std, pixels.std(axis=0))


def test_float_images_in_the_unit_interval_keep_their_range():
    source = nk.data.from_arrays(IMAGES / 255.0, LABELS)
    assert source.pixel_scale == 1.0
    assert source.fetch([0]).dtype == tf.float32
    full = nk.data.from_arrays(IMAGES.astype(np.float32), LABELS)
    assert full.pixel_scale == 255.0
    np.testing.assert_allclose(source.pixel_mean, full.pixel_mean, rtol=1e-5)


def test_grey_images_get_a_channel():
    source = nk.data.from_arrays(IMAGES[..., 0], LABELS)
    assert source.image_shape == (16, 16, 1)


def test_a_source_cannot_be_changed():
    source = nk.data.from_arrays(IMAGES, LABELS)
    with pytest.raises(ValueError):
        source.labels[0] = 1


def test_relabel_makes_another_source():
    source = nk.data.from_arrays(IMAGES, LABELS, true_labels=LABELS)
    other = source.relabel(np.roll(LABELS, 1))
    assert list(source.labels) == list(LABELS)
    assert list(other.labels) == list(np.roll(LABELS, 1))
    assert list(other.true_labels) == list(LABELS)


def test_relabel_with_distributions():
    source = nk.data.from_arrays(IMAGES, LABELS)
    soft = np.full((20, 4), 0.1, np.float32)
    soft[:, 2] = 0.7
    other = source.relabel(soft)
    assert set(other.labels) == {2}
    np.testing.assert_allclose(other.fetch_targets([0])[0], soft[0], rtol=1e-6)
    assert other.subset([1, 2]).soft_labels.shape == (2, 4)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((20, 4), 0.5), "sum to 1. Received: 20 other rows"),
        (np.full((20, 3), 1 / 3), r"shape \[N, 4\]"),
        (LABELS[:10], "20 samples, 10 labels"),
        (LABELS + 1, r"in \[0, 4\). Received: 5 outside: 4 at row 3"),
    ],
)
def test_bad_relabelling_is_reported(labels, message):
    with pytest.raises(ValueError, match=message):
        nk.data.from_arrays(IMAGES, LABELS).relabel(labels)


def test_subset_keeps_ids_and_counts_from_zero():
    source = nk.data.from_arrays(IMAGES, LABELS, true_labels=LABELS)
    part = source.subset([10, 4]).subset([1])
    assert part.num_samples == 1
    np.testing.assert_array_equal(part.fetch([0])[0], IMAGES[4])
    assert part.ids[0] == source.ids[4]
    assert part.true_labels[0] == LABELS[4]


def test_hold_out_splits_each_class_in_proportion():
    images, labels = toy.pictures(200)
    source = nk.data.from_arrays(images, labels)
    rest, held = source.hold_out(0.2, seed=3)
    assert (rest.num_samples, held.num_samples) == (160, 40)
    assert not set(rest.ids) & set(held.ids)
    assert np.ptp(np.bincount(held.labels)) <= 1
    again = source.hold_out(40, seed=3)[1]
    assert list(again.ids) == list(held.ids)
    assert list(source.hold_out(40, seed=4)[1].ids) != list(held.ids)


def test_split_takes_a_balanced_trusted_set_with_true_labels():
    source = toy.source(80, rate=0.5)
    rest, trusted = source.split(trusted=3, seed=1)
    assert list(np.bincount(trusted.labels)) == [3, 3, 3, 3]
    assert list(trusted.labels) == list(trusted.true_labels)
    assert not set(rest.ids) & set(trusted.ids)
    assert rest.num_samples == 80 - 12


@pytest.mark.parametrize("size", [0, 20, 25, -1])
def test_a_split_that_empties_a_side_is_reported(size):
    source = nk.data.from_arrays(IMAGES, LABELS)
    with pytest.raises(ValueError, match="in both parts"):
        source.hold_out(size)
    with pytest.raises(ValueError, match="trusted"):
        source.split(trusted=size)


def test_resized_images_keep_their_range():
    source = nk.data.from_arrays(IMAGES, LABELS).subset([3, 4, 5])
    small = source.resized(8)
    assert small.image_shape == (8, 8, 3)
    assert small.fetch([0]).dtype == tf.uint8
    mean = tf.reduce_mean(tf.cast(small.fetch([1]), tf.float32))
    assert float(mean) == pytest.approx(IMAGES[4].mean(), abs=2.0)
    assert source.resized(16) is source


def test_large_images_are_resized_when_they_are_fetched(monkeypatch):
    source = nk.data.from_arrays(IMAGES, LABELS)
    kept = source.resized(24)
    monkeypatch.setattr(array_source, "_KEPT", 2**10)
    large = source.resized(24)
    # No copy of the images: those of the source are shared.
    assert large._images is source._images
    assert large.image_shape == (24, 24, 3)
    rows = [1, 0, 7]
    np.testing.assert_array_equal(large.fetch(rows), kept.fetch(rows))
    part = large.subset([5, 2, 3])
    np.testing.assert_array_equal(part.fetch([1]), kept.fetch([2]))
    # From the images themselves, not from larger ones.
    np.testing.assert_array_equal(
        large.resized(16).fetch(rows), source.fetch(rows)
    )
    batch = next(iter(tf.data.Dataset.from_tensors(rows).map(large.fetch)))
    np.testing.assert_array_equal(batch, kept.fetch(rows))


def test_a_plain_dataset_is_read_once():
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    for form in (dataset, dataset.batch(6)):
        source = nk.data.from_dataset(form)
        np.testing.assert_array_equal(source.fetch([19])[0], IMAGES[19])
        # One-hot labels, and text.
        one_hot = form.map(lambda image, label: (image, tf.one_hot(label, 5)))
        source = nk.data.from_dataset(one_hot)
        assert source.num_classes == 5  # The last one without samples.
        assert source.labels.tolist() == LABELS.tolist()
        text = form.map(lambda image, label: (image, tf.as_string(label + 7)))
        source = nk.data.from_dataset(text)
        assert source.class_names == ("7", "8", "9", "10")
        assert source.labels.tolist() == LABELS.tolist()
    grey = tf.data.Dataset.from_tensor_slices((IMAGES[..., 0], LABELS * 5))
    for form in (grey, grey.batch(10), grey.batch(10, drop_remainder=True)):
        source = nk.data.from_dataset(form)
        assert source.class_names == ("0", "5", "10", "15")
        assert source.image_shape == (16, 16, 1)
    with pytest.raises(ValueError, match=r"in \[0, 4\).*5 at row 1"):
        nk.data.from_dataset(grey.take(4), num_classes=4)
    weighted = dataset.map(lambda image, label: (image, label, 0.5))
    source = nk.data.from_dataset(weighted)
    assert source.sample_weights.tolist() == [0.5] * 20
    with pytest.raises(ValueError, match="an infinite one"):
        nk.data.from_dataset(dataset.repeat())
    with pytest.raises(ValueError, match="Expected a dataset of"):
        nk.data.from_dataset(dataset.map(lambda image, label: image))


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(np.float32),
        LABELS[:, None],
        LABELS.astype(str),
        LABELS.astype(bytes),
        [f"{label}.0" for label in LABELS],
        np.eye(4)[LABELS],
        list(LABELS),
        tf.constant(LABELS),
    ],
)
def test_labels_mean_the_same_in_every_form(labels):
    source = nk.data.from_arrays(IMAGES, labels, true_labels=labels)
    assert source.class_names == ("0", "1", "2", "3")
    assert source.labels.tolist() == LABELS.tolist()
    assert source.true_labels.tolist() == LABELS.tolist()


def test_distributions_are_soft_labels():
    soft = 0.7 * np.eye(4)[LABELS] + 0.075
    source = nk.data.from_arrays(IMAGES, soft, true_labels=LABELS)
    assert source.class_names == ("0", "1", "2", "3")
    assert source.true_labels.tolist() == LABELS.tolist()
    # Names that are numbers change no class.
    source = nk.data.from_arrays(IMAGES, soft, class_names=[1, 2, 3, 4])
    assert source.labels.tolist() == LABELS.tolist()
    np.testing.assert_allclose(source.soft_labels, soft, rtol=1e-6)


NAN = IMAGES.astype(np.float32)
NAN = np.where(np.arange(20)[:, None, None, None] == 7, np.nan, NAN)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[0, 0], LABELS, "rank 4"),
        (IMAGES[:0], LABELS[:0], "at least one image"),
        (NAN, LABELS, "in 1 images, the first at row 7"),
        (np.moveaxis(IMAGES, -1, 1), LABELS, r"np.moveaxis\(images, 1, -1\)"),
        (IMAGES - 500.0, LABELS, "networks standardise them. Received"),
        (IMAGES.astype(str), LABELS, "dtype uint8 or float"),
        (IMAGES, LABELS[:5], "20 images, 5 labels"),
        (IMAGES, LABELS + 0.5, "Expected integer `labels`, or text"),
        (IMAGES, np.stack([LABELS] * 2, 1), "one-hot.*other rows: the first"),
        (IMAGES, LABELS[None], "one-hot.*1 other rows: the first at row 0"),
        (IMAGES / 127.5 - 1.0, LABELS, r"pass `\(images \+ 1\) \* 127.5`"),
        (IMAGES, LABELS - 1, r"Received: 5 below: -1 at row 0"),
        (IMAGES, LABELS * 0, "at least 2 classes"),
    ],
)
def test_bad_input_is_reported(images, labels, message):
    with pytest.raises(ValueError, match=message):
        nk.data.from_arrays(images, labels)


def test_true_labels_are_checked_and_may_be_unknown():
    unknown = np.where(LABELS == 1, -1, LABELS)
    source = nk.data.from_arrays(IMAGES, LABELS, true_labels=unknown)
    assert (source.true_labels == -1).sum() == 5
    with pytest.raises(ValueError, match="`true_labels`"):
        nk.data.from_arrays(
            IMAGES,
            LABELS,
            true_labels=unknown - 1,
            class_names=["a", "b", "c", "d"],
        )


def test_subsets_take_masks_and_positions_from_the_end():
    images = np.arange(6, dtype=np.uint8)[:, None, None, None]
    source = nk.data.from_arrays(images, np.arange(6) % 3)
    mask = np.zeros(6, bool)
    mask[[1, 4]] = True
    for index in (mask, [1, 4], [-5, -2]):
        part = source.subset(index)
        assert list(part.labels) == [1, 1]
        assert part.fetch([0, 1]).numpy().ravel().tolist() == [1, 4]


@pytest.mark.parametrize("index", [[], [0.5], [6], [-7], np.ones(5, bool)])
def test_positions_that_mean_no_sample_are_reported(index):
    source = nk.data.from_arrays(np.zeros((6, 8, 8, 3), np.uint8), [0, 1] * 3)
    with pytest.raises(ValueError, match="Expected"):
        source.subset(index)


@pytest.mark.parametrize(
    "options", [{"class_names": ["a", "a"]}, {"ids": ["x", "x"]}]
)
def test_names_that_stand_twice_are_reported(options):
    with pytest.raises(ValueError, match="twice"):
        nk.data.from_arrays(np.zeros((2, 8, 8, 3), np.uint8), [0, 1], **options)


def test_unknown_and_foreign_truths_differ():
    source = nk.data.from_arrays(
        np.zeros((3, 8, 8, 3), np.uint8), [0, 1, 1], true_labels=[0, -1, -1]
    )
    assert list(source.truth_known) == [True, False, False]
    source.foreign = np.array([False, False, True])
    assert list(source.truth_known) == [True, False, True]
