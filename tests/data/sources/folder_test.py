"""Folders of images as people have them."""

import os
import shutil

import pytest

import noisy_keras as nk
from noisy_keras.data.io.splits import split_in
from noisy_keras.data.sources import folder as folder_source
from noisy_keras.utils.errors import ConfigurationError
from tests import drawn

PICTURE = drawn.jpeg()
NAMES = ("bus", "car", "van")


def pictures(root, *names, count=2):
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (root / name / f"{i}.jpg").write_bytes(PICTURE)
    return root


def counts(source):
    return source.reading.counts


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Train", "train"),
        ("seg_train", "train"),
        ("train_images", "train"),
        ("TrainImages", "train"),
        ("imagesTRAIN", "train"),
        ("val2017", "validation"),
        ("valid", "validation"),
        ("my dev", "validation"),
        ("test-set", "test"),
        ("train_val", None),
        ("trainer", None),
        ("latest", None),
        ("value", None),
        ("", None),
    ],
)
def test_splits_in_names(name, split):
    assert split_in(name) == split


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("seg_train", "seg_test"),
        ("Training", "Testing"),
        ("train2017", "test2017"),
        ("seg_train/seg_train", "seg_test/seg_test"),
    ],
)
def test_split_folders_are_used_and_what_is_beside_is_named(
    tmp_path, train, test
):
    pictures(tmp_path / train, *NAMES)
    pictures(tmp_path / test, *NAMES, count=1)
    pictures(tmp_path, "unlabelled", "seg_pred")
    (tmp_path / "notes").mkdir()
    source = nk.data.from_folder(tmp_path)
    assert counts(source) == dict.fromkeys(NAMES, 2)
    assert source.reading.split == "train"
    assert source.reading.splits == {"train": train, "test": test}
    assert set(source.reading.ignored) == {"unlabelled", "seg_pred", "notes"}
    assert "ignored: " in str(source.reading)
    held = nk.data.from_folder(tmp_path, split="test")
    assert counts(held) == dict.fromkeys(NAMES, 1)
    # Each split by its own path.
    assert nk.data.from_folder(tmp_path / test).num_samples == 3


def test_splits_without_classes_of_training_are_ignored_and_named(tmp_path):
    pictures(tmp_path / "train", *NAMES)
    pictures(tmp_path / "test", "unknown")
    pictures(tmp_path, "val")
    reading = nk.data.from_folder(tmp_path).reading
    assert reading.splits == {"train": "train"}
    assert "no classes of training" in reading.ignored["test"]
    assert "without sub-folders" in reading.ignored["val"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda r: pictures(pictures(r, "bus", "car") / "train", "a", "b"),
            "train with sub-folders.*beside bus, car with images",
        ),
        (
            lambda r: pictures(pictures(r / "train", "a") / "../Train2", "a"),
            "Train2 and train are the same split",
        ),
        (
            lambda r: pictures(pictures(r / "val", "a", "b") / "../test", "a"),
            "none of them is for training",
        ),
        (
            lambda r: pictures(pictures(r, "a", "b") / "test", "a", "b"),
            "none of them is for training",
        ),
        (lambda r: pictures(r, "train", "test"), "no sub-folders with images"),
        (
            lambda r: pictures(r, "train", "val", "unlabeled"),
            "csv:PATH",
        ),
    ],
)
def test_layouts_that_can_be_read_in_two_ways_are_reported(
    tmp_path, make, message
):
    make(tmp_path / "data")
    with pytest.raises(ConfigurationError, match=message) as caught:
        nk.data.from_folder(tmp_path / "data")
    text = str(caught.value)
    assert 'layout="classes"' in text and 'layout="splits"' in text
    assert "--folder_layout" in text and "\n" not in text
    with pytest.raises(ConfigurationError):
        folder_source.folder_splits(tmp_path / "data")
    chosen = nk.data.from_folder(tmp_path / "data", layout="classes")
    assert set(chosen.class_names) == set(os.listdir(tmp_path / "data"))


def test_the_layout_can_be_chosen(tmp_path):
    pictures(tmp_path, "bus", "car")
    pictures(tmp_path / "train", "a", "b")
    source = nk.data.from_folder(tmp_path, layout="splits")
    assert source.class_names == ("a", "b")
    assert set(source.reading.ignored) == {"bus", "car"}
    with pytest.raises(ConfigurationError, match="one of classes, splits"):
        nk.data.from_folder(tmp_path, layout="flat")
    with pytest.raises(ConfigurationError, match="named like splits"):
        nk.data.from_folder(tmp_path / "train", layout="splits")


@pytest.mark.parametrize(
    "names", [("train", "car"), ("train", "test", "bus"), ("dev", "ops")]
)
def test_classes_may_have_names_of_splits(tmp_path, names):
    pictures(tmp_path, *names)
    assert set(nk.data.from_folder(tmp_path).class_names) == set(names)


def test_classes_with_a_word_of_a_split_may_have_sub_folders(tmp_path):
    pictures(tmp_path, "bottle", "test tube/small", "test tube/large")
    assert counts(nk.data.from_folder(tmp_path)) == {
        "bottle": 2,
        "test tube": 4,
    }


@pytest.mark.parametrize(
    "name",
    ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found", ".git", ".thumbs"]
    + ["System Volume Information", "__pycache__"],
)
def test_hidden_and_system_folders_are_ignored_and_named(tmp_path, name):
    pictures(tmp_path, "bus", "car", f"car/{name}", name)
    (tmp_path / "bus" / "._0.jpg").write_bytes(b"no picture")
    source = nk.data.from_folder(tmp_path)
    assert counts(source) == {"bus": 2, "car": 2}
    assert name in source.reading.ignored
    assert "2 files or folders within classes" in source.reading.ignored
    shutil.move(tmp_path / "bus", tmp_path / "train" / "bus")
    shutil.move(tmp_path / "car", tmp_path / "train" / "car")
    assert counts(nk.data.from_folder(tmp_path)) == {"bus": 2, "car": 2}


def test_a_class_without_pictures_is_reported(tmp_path):
    pictures(tmp_path, "bus", "car")
    (tmp_path / "van").mkdir()
    with pytest.raises(ConfigurationError, match="1 without any.*van"):
        nk.data.from_folder(tmp_path)


def test_a_folder_around_the_classes_is_pointed_out(tmp_path):
    pictures(tmp_path / "archive", *NAMES)
    with pytest.raises(ConfigurationError, match="give the path .*archive$"):
        nk.data.from_folder(tmp_path)


def test_links_are_followed_once_and_loops_are_not(tmp_path):
    disk = pictures(tmp_path / "disk", "bus", "car", count=3)
    data = pictures(tmp_path / "data", "bus", "car")
    (data / "bus" / "more").symlink_to(disk / "bus")
    (data / "bus" / "again").symlink_to(disk / "bus")
    (data / "bus" / "loop").symlink_to(".")
    (data / "bus" / "up").symlink_to("..")
    (data / "bus" / "same.jpg").symlink_to("0.jpg")
    (data / "car" / "other.jpg").symlink_to(disk / "car" / "0.jpg")
    (data / "car" / "a" / "b").mkdir(parents=True)
    (data / "car" / "a" / "b" / "round").symlink_to(data / "car" / "a")
    (data / "van").symlink_to(disk / "car")
    (data / "round").symlink_to(data)
    source = nk.data.from_folder(data)
    assert counts(source) == {"bus": 5, "car": 3, "van": 3}
    assert source.ids[source.labels == 0].tolist() == [
        "bus/0.jpg",
        "bus/1.jpg",
        "bus/again/0.jpg",
        "bus/again/1.jpg",
        "bus/again/2.jpg",
    ]
    assert "5 links" in source.reading.ignored


def test_what_is_no_file_is_left_out_with_a_reason(tmp_path):
    import socket

    pictures(tmp_path, "bus", "car")
    os.mkfifo(tmp_path / "bus" / "pipe.png")
    (tmp_path / "bus" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "car" / "null.jpg").symlink_to("/dev/null")
    (tmp_path / "car" / "piped.jpg").symlink_to("../bus/pipe.png")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # The names of sockets have to be short.
    try:
        server.bind("car/socket.jpg")
    finally:
        os.chdir(here)
        server.close()
    source = nk.data.from_folder(tmp_path)
    assert counts(source) == {"bus": 2, "car": 2}
    assert source.unreadable == {
        "bus/gone.jpg": "a link that fails: No such file or directory",
        "bus/pipe.png": "a pipe",
        "car/null.jpg": "a device",
        "car/piped.jpg": "a pipe",
        "car/socket.jpg": "a socket",
    }
    assert source.reading.left_out == source.unreadable
    assert "left out: 5 files: " in str(source.reading)
    # Subsets know it, too.
    assert source.hold_out(1)[0].reading.left_out == source.unreadable


def test_names_that_are_not_utf8_are_left_out_and_listed(tmp_path):
    pictures(tmp_path, "bus", "car", count=60)
    raw = os.fsencode(tmp_path)
    os.mkdir(os.path.join(raw, b"caf\xe9"))
    with open(os.path.join(raw, b"caf\xe9", b"p\xe8re.jpg"), "wb") as stream:
        stream.write(PICTURE)
    source = nk.data.from_folder(tmp_path)
    assert source.class_names == ("bus", "car")
    (name,) = source.unreadable
    assert name == "caf\\xe9/p\\xe8re.jpg"
    assert "not UTF-8" in source.unreadable[name]
    str(source.reading).encode("utf-8")
    for i in range(2):
        with open(os.path.join(raw, b"bus", b"\xe9%d.jpg" % i), "wb") as stream:
            stream.write(PICTURE)
    with pytest.raises(ConfigurationError, match="3 others of 123.*Rename"):
        nk.data.from_folder(tmp_path)


def test_other_files_are_counted(tmp_path):
    pictures(tmp_path, "bus", "car")
    (tmp_path / "bus" / "notes.txt").write_text("x")
    (tmp_path / "labels.csv").write_text("x")
    (tmp_path / "loose.jpg").write_bytes(PICTURE)
    ignored = nk.data.from_folder(tmp_path).reading.ignored
    assert "no images by their names: .csv, .txt" == ignored["2 other files"]
    assert "1 images such as loose.jpg" in ignored


def test_classes_that_may_be_one_are_warned_of(tmp_path):
    pictures(tmp_path, "Bus", "bus", "stripes ", "car")
    with pytest.warns(UserWarning, match="'Bus' and 'bus'") as caught:
        source = nk.data.from_folder(tmp_path)
    assert caught[0].filename == __file__
    assert source.class_names == ("Bus", "bus", "car", "stripes ")
    assert "note: classes that differ" in str(source.reading)


def test_many_classes_are_abbreviated(tmp_path):
    for i in range(12):
        pictures(tmp_path, f"c{i:02d}", count=1 + i % 3)
    first = nk.data.from_folder(tmp_path).reading.lines()[0]
    assert "24 images in 12 classes: c02 3, " in first and ", ..., " in first
