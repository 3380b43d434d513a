import numpy as np
import pytest
import tensorflow_datasets as tfds

from noisy_keras.data import builders
from noisy_keras.data.builders import imagenet_builder
from noisy_keras.data.layouts import imagenet
from tests.data.builders import folders

pytestmark = pytest.mark.filterwarnings("ignore:Expected the published number")


@pytest.fixture
def folder(tmp_path):
    folders.imagenet(tmp_path / "in", 32)
    return tmp_path / "in"


def test_examples_are_rows_of_the_release(folder, tmp_path):
    builder = folders.prepare("imagenet32", tmp_path, config="full")
    batch = np.load(folder / "train_data_batch_3.npz")
    example = folders.read(builder, "train")["train_data_batch_3/000012"]
    for channel in range(3):
        plane = batch["data"][12, 1024 * channel : 1024 * (channel + 1)]
        np.testing.assert_array_equal(
            example["image"][..., channel].ravel(), plane
        )
    assert example["label"] == batch["labels"][12] - 1
    assert example["clean_label"] == example["label"]
    # The first class of the release is a fox, the first synset id a fish.
    names = builder.info.features["label"].names
    assert (names[0], names[999]) == ("n02119789", "n03255030")


def test_drpl_parts_the_classes_in_its_own_order(folder, tmp_path):
    order = np.random.RandomState(42).permutation(1000)
    own = folders.prepare("imagenet32", tmp_path, config="drpl")
    foreign = folders.prepare("imagenet32", tmp_path, config="drpl_foreign")
    names = imagenet_builder.synsets()
    seen = set()
    for builder, classes in ((own, order[:100]), (foreign, order[100:])):
        feature = builder.info.features["label"]
        assert feature.names == [names[c] for c in classes]
        for key, example in folders.read(builder, "test").items():
            seen.add(key)
            row = int(key.removeprefix("val_data/"))
            label = np.load(folder / "val_data.npz")["labels"][row] - 1
            assert classes[example["label"]] == label
    assert len(seen) == 30
    assert own.info.metadata["labels"]["train"]["samples"] == 150


def test_the_default_config_has_the_classes_of_drpl():
    for size in (32, 64):
        builder = builders.BY_NAME[f"imagenet{size}"]
        assert builder.default_builder_config.name == "drpl"


def test_archives_unpacked_side_by_side_are_found(folder):
    train, test = folder / "Imagenet32_train_npz", folder / "Imagenet32_val_npz"
    train.mkdir()
    test.mkdir()
    for path in folder.glob("train_*.npz"):
        path.rename(train / path.name)
    (folder / "val_data.npz").rename(test / "val_data.npz")
    paths, surplus = imagenet.find_batches([folder], 32)
    assert paths["train"][9] == str(train / "train_data_batch_10.npz")
    assert paths["test"] == [str(test / "val_data.npz")]
    assert surplus == []


def test_missing_and_surplus_batches_are_reported(folder, tmp_path):
    (folder / "train_data_batch_2.npz").rename(folder / "copy.npz")
    (folder / "val_data.npz").unlink()
    message = r"2 missing \(train_data_batch_2.npz, val_data.npz\)"
    with pytest.raises(FileNotFoundError, match=message):
        folders.prepare("imagenet32", tmp_path)
    (folder / "train_data_batch_2.npz").symlink_to(folder / "copy.npz")
    (folder / "val_data.npz").symlink_to(folder / "copy.npz")
    with pytest.warns(UserWarning, match=r"1 other npz files \(.*copy.npz\)"):
        folders.prepare("imagenet32", tmp_path)


def test_the_pickled_release_is_not_read(tmp_path):
    folders.write(tmp_path, "in/train_data_batch_1", "")
    with pytest.raises(FileNotFoundError, match="Received: the pickled one"):
        folders.prepare("imagenet32", tmp_path)


@pytest.mark.filterwarnings("default:Expected the published number")
def test_numbers_are_compared_with_the_published(folder, tmp_path):
    message = "300 instead of 1,281,167 in 'train', 30 instead of 50,000"
    with pytest.raises(ValueError, match=message):
        folders.prepare("imagenet32", tmp_path, strict_counts=True)


def test_the_other_size_is_reported_at_once(folder, tmp_path, monkeypatch):
    builder = builders.BY_NAME["imagenet64"]
    monkeypatch.setattr(builder, "_generate_examples", pytest.fail)
    with pytest.raises(ValueError, match="64x64.*Received: uint8 .30, 3072"):
        folders.prepare("imagenet64", tmp_path)


def objects(path, **arrays):
    arrays["labels"] = arrays["labels"].astype(object)
    np.savez(path, **arrays)


def outside(path, **arrays):
    arrays["labels"][3] = 0
    np.savez(path, **arrays)


def without(path, **arrays):
    np.savez(path, images=arrays["data"])


def no_archive(path, **arrays):
    path.write_bytes(b"no archive")


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (objects, "`labels` of dtype object"),
        (outside, r"labels in \[1, 1000\].*1 other: 0"),
        (without, "labels.npy"),
        (no_archive, "not a zip file"),
    ],
)
def test_other_npz_files_are_reported(tmp_path, saved, message):
    folders.imagenet(tmp_path / "in", 32, saved)
    with pytest.raises(ValueError, match=message) as caught:
        folders.prepare("imagenet32", tmp_path)
    assert "train_data_batch_1.npz" in str(caught.value)


def test_compressed_files_are_read_and_damaged_ones_reported(folder):
    path = folder / "val_data.npz"
    arrays = dict(np.load(path))
    np.savez_compressed(path, **arrays)
    images = np.stack(list(imagenet.read_images(path, 32)))
    flat = images.transpose(0, 3, 1, 2).reshape(30, -1)
    np.testing.assert_array_equal(flat, arrays["data"])
    data = bytearray(path.read_bytes())
    data[2000:2100] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="Expected an npz file"):
        list(imagenet.read_images(path, 32))


def test_a_class_map_of_another_order_is_reported(folder, tmp_path):
    names = imagenet_builder.synsets()
    lines = [f"{name} {i} name_{i}" for i, name in enumerate(names, start=1)]
    folders.write(folder, "map_clsloc.txt", "\n".join(lines))
    folders.prepare("imagenet32", tmp_path)
    lines = [f"{name} {i} x" for i, name in enumerate(sorted(names), start=1)]
    folders.write(folder, "map_clsloc.txt", "\n".join(lines))
    with pytest.raises(ValueError, match="other synset ids, or another order"):
        folders.prepare("imagenet32", tmp_path, config="full")
    folders.write(folder, "map_clsloc.txt", "\n".join(lines[1:]))
    with pytest.raises(ValueError, match="999 other: '.*' at line 1"):
        folders.prepare("imagenet32", tmp_path, config="full")


def test_without_a_folder_tfds_downloads(folder, tmp_path, monkeypatch):
    asked = []

    def download_and_extract(self, urls):
        asked.extend(urls)
        return [folder for _ in urls]

    monkeypatch.setattr(
        tfds.download.DownloadManager,
        "download_and_extract",
        download_and_extract,
    )
    builder = builders.BY_NAME["imagenet32"](data_dir=tmp_path / "out")
    builder.download_and_prepare()
    assert asked and set(asked) == set(builder.url_infos)
    assert builder.info.splits["test"].num_examples == 15
