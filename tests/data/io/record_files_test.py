"""TFRecord shards from other programs, and damaged shards."""

import io
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.io.records import files
from noisy_keras.data.sources import record_source
from tests import toy
from tests.data import picture_shards

COUNT = picture_shards.COUNT
_, LABELS = toy.pictures(COUNT, size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return picture_shards.pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def written(folder, tmp_path):
    """Returns the source and the folder of its three shards."""
    return picture_shards.shards(folder, tmp_path)


# Sets from other programs.


def png(value, size=8):
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (value,) * 3).save(stream, "PNG")
    return stream.getvalue()


def sample(number, /, **changes):
    fields = {"image": png(number), "label": number % 2, "index": number}
    return {k: v for k, v in (fields | changes).items() if v is not None}


def write(path, samples, compression=""):
    with tf.io.TFRecordWriter(str(path), compression) as stream:
        for values in samples:
            feature = {}
            for name, value in values.items():
                held = tf.train.Feature()
                if isinstance(value, bytes):
                    held.bytes_list.value.append(value)
                else:
                    held.int64_list.value.append(value)
                feature[name] = held
            features = tf.train.Features(feature=feature)
            stream.write(
                tf.train.Example(features=features).SerializeToString()
            )


def test_a_set_without_an_index_is_read_once_and_put_in_order(tmp_path):
    write(tmp_path / "b-00000-of-00002", [sample(3), sample(0, true_label=1)])
    write(tmp_path / "b-00001-of-00002", [sample(2), sample(1)])
    source = nk.data.from_tfrecord(tmp_path / "b-*", image_size=8)
    assert source.num_classes == 2 and source.name == "b"
    assert list(source.labels) == [0, 1, 0, 1]
    assert list(source.true_labels) == [1, -1, -1, -1]
    shades = source.fetch([0, 1, 2, 3]).numpy()[:, 4, 4, 0]
    assert list(shades) == [0, 1, 2, 3]


def test_our_own_shards_are_read_without_their_index(written):
    source, shards = written
    (shards / "train.index.npz").unlink()
    other = nk.data.from_tfrecord(
        shards, image_size=16, class_names=source.class_names
    )
    assert list(other.ids) == list(source.ids)
    assert list(other.labels) == list(source.labels)
    rows = np.arange(COUNT)
    np.testing.assert_array_equal(other.fetch(rows), source.fetch(rows))


def test_features_of_other_names_and_records_without_an_index(tmp_path):
    samples = [
        {"image/encoded": png(9 * i), "class": i % 3, "file": b"f%d" % i}
        for i in range(5)
    ]
    write(tmp_path / "x.tfrecord", samples)
    names = {
        "image": "image/encoded",
        "label": "class",
        "id": "file",
        "index": None,
    }
    source = nk.data.from_tfrecord(tmp_path / "x.*", features=names)
    assert list(source.labels) == [0, 1, 2, 0, 1]
    assert list(source.ids) == ["f0", "f1", "f2", "f3", "f4"]
    assert source.fetch([4])[0, 3, 3, 0] == 36


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        ([], {}, "Expected records in .*x-0"),
        (
            [sample(0), sample(1, label=None)],
            {},
            "'label', an integer, in .*x-",
        ),
        ([sample(0, index=None)], {}, "only image, label.*or None to number"),
        ([sample(0, image=3)], {}, "'image', bytes.*of another type"),
        (
            [sample(0), sample(1), sample(1), sample(4)],
            {},
            r"1 more than once: 1 \(.*x-0.*; 1 outside: 4; 2 missing: 2, 3",
        ),
        ([sample(0), sample(2)], {}, "1 outside: 2; 1 missing: 1"),
        (
            [sample(0), sample(1, label=7)],
            {"class_names": ["a", "b"]},
            r"in \[0, 2\).*1 outside: 7 in .*x-0.*index 1",
        ),
        ([sample(0), sample(1, label=-1)], {}, "outside: -1 in .*x-0"),
        ([sample(0), sample(1, id=b"k")], {}, "'id' in every record or in"),
        ([sample(0)], {"features": {"picture": "x"}}, "Expected `features`"),
        ([sample(0)], {"features": {"label": None}}, "Expected `features`"),
    ],
)
def test_sets_with_mistakes_are_reported(samples, options, message, tmp_path):
    write(tmp_path / "x-00000-of-00001", samples)
    with pytest.raises(ValueError, match=message):
        nk.data.from_tfrecord(tmp_path / "x-*", **options)


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_compressed_records_are_reported(kind, tmp_path):
    write(tmp_path / "x.tfrecord", [sample(0)], kind)
    with pytest.raises(ValueError, match=f"without compression.*{kind}"):
        nk.data.from_tfrecord(tmp_path / "x.tfrecord")


def test_files_of_another_kind_are_reported(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(zlib.compress(b"x" * 100)[2:] * 9)
    with pytest.raises(ValueError, match="at byte 0.*of another kind"):
        nk.data.from_tfrecord(tmp_path / "x.tfrecord")
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as stream:
        stream.write(b"\xff\xff no example")
    with pytest.raises(ValueError, match="Expected a tf.train.Example"):
        nk.data.from_tfrecord(tmp_path / "x.tfrecord")


# Damaged sets.


def test_patterns_that_match_no_or_several_sets_are_reported(written, tmp_path):
    source, shards = written
    nk.data.write_tfrecord(source, shards, name="test", shards=1)
    with pytest.raises(OSError, match="match .*nothing-.*Received: none"):
        nk.data.from_tfrecord(tmp_path / "nothing-*")
    with pytest.raises(OSError, match="Received: those of test, train"):
        nk.data.from_tfrecord(shards, "validation")
    with pytest.raises(ValueError, match="2 sets: test of 1.*train of 3"):
        nk.data.from_tfrecord(shards / "*.tfrecord")
    with pytest.raises(ValueError, match="pattern with {split}"):
        nk.data.from_tfrecord(shards / "train-*", "test")
    held = nk.data.from_tfrecord(shards / "{split}-*", "test")
    assert held.num_samples == COUNT
    for place, splits in (
        (shards, {"train", "test"}),
        (shards / "{split}-*", {"train", "test"}),
        (shards / "train-*", set()),
    ):
        assert record_source.tfrecord_splits(place) == splits
    assert nk.data.from_tfrecord(shards / "train-*.tfrecord").num_samples == 12


def test_missing_shards_are_named(written):
    (written[1] / "train-00001-of-00003.tfrecord").unlink()
    with pytest.raises(OSError, match="all 3 .* 2; missing: train-00001-of-"):
        nk.data.from_tfrecord(written[1])


@pytest.mark.parametrize("index", [True, False])
def test_files_that_are_cut_off_are_reported_with_their_place(written, index):
    path = written[1] / "train-00001-of-00003.tfrecord"
    offsets = [offset for offset, _, _ in files.walk(path)]
    path.write_bytes(path.read_bytes()[: offsets[2] + 30])
    if not index:
        (written[1] / "train.index.npz").unlink()
    with pytest.raises(ValueError, match=f"00001-.*at byte {offsets[2]}"):
        nk.data.from_tfrecord(written[1])


@pytest.mark.parametrize(
    ("place", "message"), [(3, "a length whose"), (200, "data whose checksum")]
)
def test_flipped_bits_are_reported_when_they_are_read(written, place, message):
    path = written[1] / "train-00001-of-00003.tfrecord"
    offset = [offset for offset, _, _ in files.walk(path)][1]
    data = bytearray(path.read_bytes())
    data[offset + place] ^= 4
    path.write_bytes(data)
    source = nk.data.from_tfrecord(written[1])
    source.fetch([0, 4, 6, 11])
    with pytest.raises(Exception, match=f"00001-.*byte {offset}.*{message}"):
        source.fetch([4, 5])
    assert not source.unreadable


def test_an_index_or_a_shard_of_another_set_is_reported(written, tmp_path):
    source, shards = written
    # The same images with other labels make files of the same size.
    other = source.relabel(1 - source.labels)
    nk.data.write_tfrecord(other, tmp_path / "other", shards=3)
    index = (tmp_path / "other" / "train.index.npz").read_bytes()
    mine = (shards / "train.index.npz").read_bytes()
    (shards / "train.index.npz").write_bytes(index)
    with pytest.raises(ValueError, match="one of another set"):
        nk.data.from_tfrecord(shards)
    (shards / "train.index.npz").write_bytes(mine)
    name = "train-00001-of-00003.tfrecord"
    (shards / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(Exception, match="00001-.*one of another set"):
        nk.data.from_tfrecord(shards).fetch([5])
    nk.data.write_tfrecord(source.subset(range(6)), tmp_path / "part", shards=3)
    index = (tmp_path / "part" / "train.index.npz").read_bytes()
    (shards / "train.index.npz").write_bytes(index)
    with pytest.raises(ValueError, match="00000-.*to have .* bytes"):
        nk.data.from_tfrecord(shards)


def test_a_damaged_index_is_reported(written):
    path = written[1] / "train.index.npz"
    complete = path.read_bytes()
    flipped = bytearray(complete)
    flipped[len(complete) // 2] ^= 255
    for damaged in (b"", complete[:-50], b"x" * 99, flipped):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="Expected the index of a set"):
            nk.data.from_tfrecord(written[1])


def test_an_index_that_was_changed_is_reported(written):
    path = written[1] / "train.index.npz"
    with np.load(path) as held:
        arrays = dict(held)
    arrays["labels"] = 1 - arrays["labels"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="differ from their checksum"):
        nk.data.from_tfrecord(written[1])


def test_shards_whose_names_were_exchanged_are_reported(tmp_path):
    # Unencoded numbers make files of equal size.
    images = np.zeros((COUNT, 8, 8, 1), np.float32)
    nk.data.write_tfrecord(
        nk.data.from_arrays(images, LABELS), tmp_path, shards=2
    )
    one, two = sorted(tmp_path.glob("*.tfrecord"))
    one.rename(tmp_path / "x")
    two.rename(one)
    (tmp_path / "x").rename(two)
    with pytest.raises(ValueError, match="of index 0 in .*that of 6"):
        nk.data.from_tfrecord(tmp_path)


def test_class_names_have_to_be_those_of_the_index(written):
    with pytest.raises(ValueError, match="Expected the classes cat, dog"):
        nk.data.from_tfrecord(written[1], class_names=["dog", "cat"])
