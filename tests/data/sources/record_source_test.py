"""Sources of TFRecord shards that the package has written."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data.io import retrying
from noisy_keras.data.io.records import checksum
from noisy_keras.data.io.records import files
from tests import toy
from tests.data import picture_shards

COUNT = picture_shards.COUNT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return picture_shards.pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def written(folder, tmp_path):
    """Returns the source and the folder of its three shards."""
    return picture_shards.shards(folder, tmp_path)


def same_facts(source, other):
    for name in ("labels", "ids", "true_labels", "paths", "soft_labels"):
        mine, theirs = getattr(source, name), getattr(other, name)
        assert (mine is None) == (theirs is None), name
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
    for name in (
        "class_names image_shape pixel_scale pixel_mean pixel_std augmentation "
        "noise name look_alikes"
    ).split():
        assert getattr(source, name) == getattr(other, name), name


def test_the_checksum_is_that_of_tfrecord_files(tmp_path):
    assert checksum.crc32c(b"123456789") == 0xE3069283
    random = np.random.RandomState(0)
    payloads = [
        random.bytes(n) for n in (0, 1, 63, 64, 65, 1023, 1024, 1025, 5000)
    ]
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as stream:
        for payload in payloads:
            stream.write(payload)
    # TensorFlow compares each checksum with its own.
    walked = [data for _, _, data in files.walk(tmp_path / "x")]
    assert walked == payloads


def test_pictures_are_the_same_from_shards(written):
    source, shards = written
    other = nk.data.from_tfrecord(shards)
    same_facts(source, other)
    rows = np.random.RandomState(0).permutation(COUNT)
    np.testing.assert_array_equal(other.fetch(rows), source.fetch(rows))
    np.testing.assert_array_equal(
        other.fetch_with_margin(rows), source.fetch_with_margin(rows)
    )
    np.testing.assert_array_equal(
        other.resized(24).subset([7, 2]).fetch([1, 0]),
        source.resized(24).subset([7, 2]).fetch([1, 0]),
    )
    assert nk.data.from_tfrecord(shards, image_size=8).image_shape[0] == 8


def test_picture_files_are_kept_as_they_are(folder, written):
    source, shards = written
    other = nk.data.from_tfrecord(shards)
    for row, path in enumerate(source.paths):
        assert other.encoded(row) == (folder / path).read_bytes()


def test_they_come_by_index_inside_tf_data_with_static_shapes(written):
    other = nk.data.from_tfrecord(written[1])
    dataset = tf.data.Dataset.from_tensor_slices([[0, 11], [5, 2]])
    dataset = dataset.map(other.fetch, num_parallel_calls=2)
    assert dataset.element_spec.shape == (2, 16, 16, 3)
    fetched = list(dataset.as_numpy_iterator())[1]
    np.testing.assert_array_equal(fetched, written[0].fetch([5, 2]))


IMAGES, LABELS = toy.pictures(COUNT, size=8)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES[..., :1],
        (IMAGES / 255.0).astype(np.float32),
        IMAGES.astype(np.float32),
    ],
    ids=["colour", "grey", "unit", "float"],
)
def test_arrays_are_the_same_from_shards(images, tmp_path):
    source = nk.data.from_arrays(images, LABELS, true_labels=LABELS[::-1])
    nk.data.write_tfrecord(source, tmp_path)
    other = nk.data.from_tfrecord(tmp_path)
    same_facts(source, other)
    rows = [5, 0, 11, 5]
    for mine, theirs in (
        (source.fetch(rows), other.fetch(rows)),
        (source.fetch_with_margin(rows), other.fetch_with_margin(rows)),
        (source.resized(12).fetch(rows), other.resized(12).fetch(rows)),
    ):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def test_noise_soft_labels_and_foreign_rows_are_kept(tmp_path):
    clean = nk.data.from_arrays(IMAGES, LABELS)
    noisy = clean.with_noise(nk.data.SymmetricNoise(0.5, seed=1))
    noisy.foreign = np.arange(COUNT) % 5 == 0
    noisy.look_alikes = {0: 1, np.int64(1): np.int64(0)}
    nk.data.write_tfrecord(noisy, tmp_path, name="noisy")
    other = nk.data.from_tfrecord(tmp_path, split="noisy")
    same_facts(noisy, other)
    np.testing.assert_array_equal(other.foreign, noisy.foreign)
    soft = clean.relabel(np.full((COUNT, 4), 0.25, np.float32))
    nk.data.write_tfrecord(soft, tmp_path, name="soft")
    same_facts(soft, nk.data.from_tfrecord(tmp_path, split="soft"))


def test_any_file_system_of_tensorflow_will_do(written):
    source = written[0]
    nk.data.write_tfrecord(source, "ram://here/shards", shards=3)
    assert nk.data.write_tfrecord(source, "ram://here/shards", shards=3).kept
    other = nk.data.from_tfrecord("ram://here/shards/train-*.tfrecord")
    same_facts(source, other)
    rows = [7, 0, 11]
    np.testing.assert_array_equal(other.fetch(rows), source.fetch(rows))
    assert not other.unreadable


def test_passing_failures_of_a_file_system_are_tried_again(
    written, monkeypatch
):
    nk.data.write_tfrecord(written[0], "ram://busy", shards=1)
    source = nk.data.from_tfrecord("ram://busy")
    stream = source._pictures.records._file(0)._stream
    fails = iter([True, True, False])
    real = stream.seek

    def unsteady(offset):
        if next(fails):
            raise tf.errors.UnavailableError(None, None, "busy")
        real(offset)

    monkeypatch.setattr(stream, "seek", unsteady)
    waited = []
    monkeypatch.setattr(retrying.time, "sleep", waited.append)
    assert source.encoded(4) == nk.data.from_tfrecord(written[1]).encoded(4)
    assert waited == [0.5, 2.0]


def test_records_of_records_are_the_same(written, tmp_path):
    source, shards = written
    part = nk.data.from_tfrecord(shards).subset([8, 3, 4])
    nk.data.write_tfrecord(part, tmp_path / "again", shards=2)
    other = nk.data.from_tfrecord(tmp_path / "again")
    same_facts(part, other)
    np.testing.assert_array_equal(
        other.fetch([0, 1, 2]), source.fetch([8, 3, 4])
    )


def test_a_model_learns_from_shards_as_from_files(written):
    losses = []
    for source in (written[0], nk.data.from_tfrecord(written[1])):
        keras.utils.set_random_seed(1)
        network = nk.networks.build("tiny", source, width=4)
        model = nk.CrossEntropy(network, source.num_samples)
        model.compile()
        history = model.fit(source, epochs=1, batch_size=4, verbose=0)
        losses.append(history.history["loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_many_shards_are_read_with_few_open_files(tmp_path):
    images = np.arange(80, dtype=np.uint8)[:, None, None, None]
    source = nk.data.from_arrays(images, np.arange(80) % 2)
    nk.data.write_tfrecord(source, tmp_path, shards=80)
    other = nk.data.from_tfrecord(tmp_path)
    rows = np.random.RandomState(0).permutation(np.tile(np.arange(80), 3))
    dataset = tf.data.Dataset.from_tensor_slices(rows.reshape(24, 10))
    dataset = dataset.map(other.fetch, num_parallel_calls=4)
    seen = np.concatenate(list(dataset.as_numpy_iterator())).ravel()
    np.testing.assert_array_equal(seen, rows)
    assert len(other._pictures.records._open) <= 32
