"""Files on local file systems and on those that TensorFlow supports."""

import os

import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data.io import filesystem
from noisy_keras.data.io import folder_walk
from tests import drawn


def copied(folder, target):
    """Copies a folder to a file system of TensorFlow."""
    for below in folder_walk.below(folder).files:
        path = f"{target}/{below}"
        tf.io.gfile.makedirs(os.path.dirname(path))
        with tf.io.gfile.GFile(path, "wb") as stream:
            stream.write((folder / below).read_bytes())
    return target


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    here = tmp_path_factory.mktemp("clothing")
    drawn.clothing1m(here, train=28, judged=14)
    return here


@pytest.fixture(scope="module")
def remote(here):
    return copied(here, "ram://filesystem_test/clothing")


def test_names_and_kinds(here, remote):
    for root in (str(here), remote):
        folders, files = filesystem.entries(f"{root}/images")
        assert folders == [str(digit) for digit in range(10)] and files == []
        assert filesystem.entries(f"{root}/nowhere") == ([], [])
        assert filesystem.is_folder(f"{root}/images")
        assert not filesystem.is_file(f"{root}/images")
        path = f"{root}/noisy_label_kv.txt"
        assert filesystem.is_file(path) and not filesystem.is_folder(path)
        assert not filesystem.exists(f"{root}/nowhere")
    below = folder_walk.below(remote).files
    assert below == folder_walk.below(here).files
    assert len(below) == 56 + 5


def test_hidden_files_and_links_in_circles_are_passed_over(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    (tmp_path / "a" / ".y.png").write_bytes(b"")
    (tmp_path / ".b").mkdir()
    (tmp_path / ".b" / "z.png").write_bytes(b"")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    assert folder_walk.below(tmp_path).files == ["a/x.png"]


def test_published_files_anywhere(here, remote):
    mine = nk.data.load("clothing1m", data_dir=here, image_size=32)
    other = nk.data.load("clothing1m", data_dir=remote, image_size=32)
    assert list(mine.ids) == list(other.ids)
    np.testing.assert_array_equal(mine.fetch([0, 27]), other.fetch([0, 27]))


def test_folders_and_lists_anywhere(tmp_path):
    for name in ("cat", "dog", "dog/old"):
        (tmp_path / name).mkdir(parents=True)
        drawn.picture(3, np.random.RandomState(0)).save(
            tmp_path / name / "1.png"
        )
    (tmp_path / "labels.csv").write_text(
        "path,label\ncat/1.png,cat\ndog/old/1.png,dog\n", encoding="utf-8"
    )
    remote = copied(tmp_path, "ram://filesystem_test/folder")
    tf.io.gfile.rename(f"{remote}/labels.csv", "ram://filesystem_test/l.csv")
    source = nk.data.from_folder(remote, image_size=16)
    assert list(source.ids) == ["cat/1.png", "dog/1.png", "dog/old/1.png"]
    listed = nk.data.from_csv(
        "ram://filesystem_test/l.csv", root=remote, image_size=16
    )
    np.testing.assert_array_equal(listed.fetch([1]), source.fetch([2]))
    with pytest.raises(OSError, match="ram://nowhere, which does not exist"):
        nk.data.from_folder("ram://nowhere")
    path = "ram://filesystem_test/outside.csv"
    with tf.io.gfile.GFile(path, "w") as stream:
        stream.write("path,label\n../x.png,cat\ndog/1.png,dog\n")
    with pytest.raises(ValueError, match="paths below ram://.*line 2"):
        nk.data.from_csv(path, root=remote)
