import warnings

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import layouts
from noisy_keras.data.layouts import clothing1m
from noisy_keras.data.layouts import food101n
from noisy_keras.data.layouts import webvision
from tests import drawn


def draw(root, files):
    """Writes text files; a path without text is an empty file."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def pictures(*paths):
    return dict.fromkeys(paths, "")


CLOTHING = {
    "noisy_train_key_list.txt": "images/0/a.jpg\nimages/1/b.jpg\n"
    "images/0/c.jpg",
    "noisy_label_kv.txt": "images/1/b.jpg 13\nimages/0/a.jpg 2\n"
    "images/0/c.jpg 0",
    "clean_label_kv.txt": "images/0/d.jpg 5\nimages/0/c.jpg 1\n"
    "images/2/e.jpg 6",
    "clean_val_key_list.txt": "images/0/d.jpg\n",
    "clean_test_key_list.txt": "images/2/e.jpg\n",
    "clean_train_key_list.txt": "images/0/c.jpg\n",
}


def test_clothing1m_as_published(tmp_path):
    root = draw(tmp_path, CLOTHING)
    train = clothing1m.read(root, "train")
    assert list(train.paths) == [
        "images/0/a.jpg",
        "images/1/b.jpg",
        "images/0/c.jpg",
    ]
    assert list(train.ids) == list(train.paths)
    assert train.labels.tolist() == [2, 13, 0]
    assert train.labels.dtype == np.int32
    assert train.true_labels.tolist() == [-1, -1, 1]
    assert train.class_names[0] == "T-Shirt"
    assert (len(train), len(train.class_names)) == (3, 14)
    assert clothing1m.read(root, "validation").labels.tolist() == [5]
    assert clothing1m.read(root, "test").labels.tolist() == [6]
    clean = clothing1m.read(root, "clean_train")
    assert (clean.labels.tolist(), clean.true_labels) == ([1], None)


def test_clothing1m_with_annotations_short_keys_crlf_and_names(tmp_path):
    names = [f"name {i}" for i in range(14)]
    root = draw(
        tmp_path,
        {
            "annotations/noisy_train_key_list.txt": "\r\n0/a.jpg\r\n\r\n",
            "annotations/noisy_label_kv.txt": "\ufeffimages/0/a.jpg 2\r\n",
            "annotations/clean_label_kv.txt": "images/0/b.jpg 2\r\n",
            "category_names_eng.txt": "\n".join(names),
        },
    )
    train = clothing1m.read(str(root), "train")
    assert list(train.paths) == ["images/0/a.jpg"]
    assert list(train.ids) == ["0/a.jpg"]
    assert train.true_labels is None
    assert train.class_names == tuple(names)
    draw(root, {"category_names_eng.txt": "one\ntwo\n"})
    with pytest.raises(ValueError, match="Expected 14 class names.*: 2"):
        clothing1m.read(root, "train")


def test_clothing1m_with_lists_of_paths_and_labels(tmp_path):
    root = draw(
        tmp_path,
        {
            "annotations/noisy_train.txt": "images/0/a.jpg 3\n/0/b.jpg 4.0\n",
            "annotations/clean_val.txt": "0/c.jpg 5\n",
            "annotations/clean_test.txt": "0/d.jpg 6\n",
            "clean_label_kv.txt": "images/0/b.jpg 1\n",
        },
    )
    train = clothing1m.read(root, "train")
    assert list(train.paths) == ["images/0/a.jpg", "images/0/b.jpg"]
    assert train.labels.tolist() == [3, 4]
    assert train.true_labels.tolist() == [-1, 1]
    assert clothing1m.read(root, "validation").labels.tolist() == [5]
    assert clothing1m.read(root, "test").labels.tolist() == [6]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "noisy_label_kv.txt",
            "images/0/c.jpg 0\n",
            "Received: 2 other: 'images/0/a.jpg' at line 1, "
            "'images/1/b.jpg' at line 2",
        ),
        (
            "noisy_label_kv.txt",
            "\nimages/0/a.jpg 14\nimages/1/b.jpg -1\n",
            r"labels in \[0, 14\).*: 2 other: 'images/0/a.jpg 14' at line 2",
        ),
        ("noisy_label_kv.txt", "a.jpg 1\n\nb.jpg\n", "'b.jpg' at line 3"),
        ("noisy_label_kv.txt", "a.jpg 1.5\n", "'a.jpg 1.5' at line 1"),
        ("noisy_label_kv.txt", "a.jpg nan\n", "'a.jpg nan' at line 1"),
        ("noisy_train_key_list.txt", "\r\n \n", "an empty list"),
    ],
)
def test_wrong_lines_are_reported_with_their_number(
    tmp_path, name, text, message
):
    root = draw(tmp_path, {**CLOTHING, name: text})
    with pytest.raises(ValueError, match=message) as caught:
        clothing1m.read(root, "train")
    assert name in str(caught.value)


def test_text_that_is_not_utf8_is_reported(tmp_path):
    root = draw(tmp_path, CLOTHING)
    (root / "noisy_label_kv.txt").write_bytes(b"a.jpg 1\nb\xff.jpg 2\n")
    with pytest.raises(ValueError, match="UTF-8.*other bytes at line 2"):
        clothing1m.read(root, "train")


SYNSETS = "".join(f"n{i:08d} name {max(i, 1)}, other\n" for i in range(1000))
WEBVISION = {
    "info/train_filelist_google.txt": "google/q1/a \u2028b.jpg 49\n"
    "google/q2/b.jpg 50",
    "info/train_filelist_flickr.txt": "flickr/q1/c.jpg 999\n",
    "info/val_filelist.txt": "val1.jpg 0\nval2.jpg 70\n",
    "info/synsets.txt": SYNSETS,
}


def test_webvision(tmp_path):
    root = draw(tmp_path, WEBVISION)
    train = webvision.read(root, "train")
    assert list(train.paths) == [
        "google/q1/a \u2028b.jpg",
        "google/q2/b.jpg",
        "flickr/q1/c.jpg",
    ]
    assert train.labels.tolist() == [49, 50, 999]
    assert train.class_names[999] == "name 999, other"
    # Two synsets share this name.
    assert train.class_names[:2] == (
        "name 1, other (n00000000)",
        "name 1, other (n00000001)",
    )
    test = webvision.read(root, "test")
    assert list(test.paths) == [
        "val_images_256/val1.jpg",
        "val_images_256/val2.jpg",
    ]
    assert webvision.read_synsets(root)[0][2] == "n00000002"


def test_mini_webvision_needs_google_alone(tmp_path):
    root = draw(tmp_path, WEBVISION)
    (root / "info/train_filelist_flickr.txt").unlink()
    (root / "info/synsets.txt").unlink()
    train = webvision.read(root, "train", mini=True)
    assert (list(train.paths), train.labels.tolist()) == (
        ["google/q1/a \u2028b.jpg"],
        [49],
    )
    assert train.class_names == tuple(str(i) for i in range(50))
    assert webvision.read_mini(root, "test").labels.tolist() == [0]
    assert webvision.read_synsets(root)[0] is None
    with pytest.raises(FileNotFoundError, match="train_filelist_flickr.txt"):
        webvision.read(root, "train")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "synsets.txt",
            "n01440764 tench\nn01443537\n",
            "'n01443537' at line 2",
        ),
        ("synsets.txt", "n01440764 tench\n", "Expected 1000 synsets.*: 1"),
        ("train_filelist_google.txt", "a.jpg 1000\n", "'a.jpg 1000' at line 1"),
        ("train_filelist_google.txt", "a.jpg 50\n", "labels below 50"),
    ],
)
def test_wrong_lists_of_webvision_are_reported(tmp_path, name, text, message):
    root = draw(tmp_path, {**WEBVISION, f"info/{name}": text})
    with pytest.raises(ValueError, match=message):
        webvision.read(root, "train", mini=True)


def test_animal10n(tmp_path):
    read = layouts.BY_NAME["animal10n"].read
    files = ("training/9_2.jpg", "training/0_10.JPG", "testing/3_1.jpg")
    other = ("training/.0_1.jpg", "training/Thumbs.db")
    root = draw(tmp_path, pictures(*files, *other))
    train = read(root, "train")
    assert list(train.paths) == ["training/0_10.JPG", "training/9_2.jpg"]
    assert train.labels.tolist() == [0, 9]
    assert train.class_names[9] == "guinea pig"
    assert read(root, "test").labels.tolist() == [3]
    draw(root, pictures("training/10_1.jpg", "training/cat.jpg"))
    with pytest.raises(ValueError, match="2 other: '10_1.jpg', 'cat.jpg'$"):
        read(root, "train")


def test_animal10n_names_the_required_release(tmp_path):
    read = layouts.BY_NAME["animal10n"].read
    with pytest.raises(FileNotFoundError, match="Received: no such folder"):
        read(tmp_path, "train")
    draw(tmp_path, pictures("data_batch_1.bin"))
    with pytest.raises(FileNotFoundError, match="the image release.*binary"):
        read(tmp_path, "train")
    (tmp_path / "training").mkdir()
    with pytest.raises(ValueError, match="Expected images in"):
        read(tmp_path, "train")


FOOD = {
    "meta/classes.txt": "class_name\nwaffles\napple_pie\n",
    "meta/imagelist.tsv": "class_name/key\nwaffles/a.jpg\napple_pie/b.jpg\n"
    "apple_pie/c.jpg\n",
    "meta/verified_train.tsv": "class_name/key\tverification_label\n"
    "waffles/a.jpg\t1\nwaffles/c.jpg\t0\n",
    "meta/verified_val.tsv": "class_name/key\tverification_label\n"
    "apple_pie/b.jpg\t0\n",
}


def test_food101n(tmp_path):
    root = draw(tmp_path, FOOD)
    train = food101n.read(root, "train")
    assert train.class_names == ("apple_pie", "waffles")
    assert list(train.paths) == [
        "images/waffles/a.jpg",
        "images/apple_pie/b.jpg",
        "images/apple_pie/c.jpg",
    ]
    assert train.labels.tolist() == [1, 0, 0]
    # The last one is verified only under another class.
    assert train.verified.tolist() == [1, 0, -1]
    assert train.verified.dtype == np.int8
    trusted = food101n.read_trusted(root)
    assert list(trusted.ids) == list(train.ids[:1])
    assert list(trusted.labels) == list(train.labels[:1])
    assert train.true_labels is None
    for name in ("verified_train.tsv", "verified_val.tsv"):
        (root / "meta" / name).unlink()
    assert food101n.read(root, "train").verified is None
    with pytest.raises(FileNotFoundError, match="Expected verified labels"):
        food101n.read_trusted(root)


@pytest.mark.parametrize("place", ["release/food-101", "food-101", "other"])
def test_food101n_is_tested_on_food101(tmp_path, place):
    root = draw(tmp_path / "release", FOOD)
    draw(tmp_path / place, {"meta/test.txt": "apple_pie/1\nwaffles/2\n"})
    food101 = tmp_path / place if place == "other" else None
    test = food101n.read(root, "test", food101=food101)
    assert test.root == str(tmp_path / place)
    assert list(test.paths) == [
        "images/apple_pie/1.jpg",
        "images/waffles/2.jpg",
    ]
    assert (test.labels.tolist(), test.verified) == ([0, 1], None)


def test_food101n_without_food101_is_reported(tmp_path):
    root = draw(tmp_path, FOOD)
    for food101 in (None, tmp_path / "elsewhere"):
        with pytest.raises(FileNotFoundError, match="Expected Food-101, which"):
            food101n.read(root, "test", food101)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("imagelist.tsv", "class_name/key\npie/b.jpg", "'pie/b.jpg' at line 2"),
        ("imagelist.tsv", "class_name/key\n", "an empty list"),
        ("verified_val.tsv", "waffles/a.jpg\t2\n", r"\[0, 2\).*at line 1"),
        ("classes.txt", "a\nb\na\n", "each class once.*'a' at line 3"),
    ],
)
def test_wrong_lists_of_food101n_are_reported(tmp_path, name, text, message):
    root = draw(tmp_path, {**FOOD, f"meta/{name}": text})
    with pytest.raises(ValueError, match=message):
        food101n.read(root, "train")


@pytest.mark.parametrize("name", sorted(layouts.BY_NAME))
def test_a_missing_root_is_reported_with_the_manual(tmp_path, name):
    layout = layouts.BY_NAME[name]
    for root in (tmp_path, tmp_path / "none"):
        for split in layout.splits:
            with pytest.raises(FileNotFoundError) as caught:
                layout.read(root, split)
            assert str(root) in str(caught.value)
            assert layouts.MANUAL[name] in str(caught.value)
    with pytest.raises(ValueError, match="Expected a split, one of train"):
        layout.read(tmp_path, "fit")


def test_pictures_in_no_list_are_reported_with_the_training_split(tmp_path):
    drawn.clothing1m(tmp_path, train=14, judged=14)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nk.data.load("clothing1m", data_dir=tmp_path)
    draw(tmp_path, pictures("images/0/x.jpg", "images/3/y.jpg"))
    with pytest.warns(UserWarning, match="2 files in no list .*x.jpg"):
        source = nk.data.load("clothing1m", data_dir=tmp_path)
    assert source.num_samples == 14
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nk.data.load("clothing1m", "test", data_dir=tmp_path)


def test_mini_webvision_lies_among_files_that_are_no_surplus(tmp_path):
    root = draw(tmp_path, {**WEBVISION, **pictures("val_images_256/val2.jpg")})
    mini = layouts.BY_NAME["mini_webvision"]
    paths = [p for part in mini.beside(root) for p in part.paths]
    assert "val_images_256/val2.jpg" in paths
    assert "flickr/q1/c.jpg" in paths
    # Missing or invalid lists are skipped.
    for name in ("train_filelist_flickr.txt", "val_filelist.txt"):
        (root / "info" / name).unlink()
    parts = mini.beside(root, "train")
    assert [list(part.paths) for part in parts] == [
        ["google/q1/a \u2028b.jpg", "google/q2/b.jpg"]
    ]


@pytest.mark.parametrize("name", sorted(layouts.BY_NAME))
def test_published_counts_are_of_splits_there_are(name):
    layout = layouts.BY_NAME[name]
    assert layout.counts and set(layout.counts) <= set(layout.splits)


def test_labels_that_people_checked_are_a_split(tmp_path):
    drawn.clothing1m(tmp_path, train=28, judged=14)
    kept = "images/0/000000.jpg\nimages/3/000003.jpg\n"
    draw(tmp_path, {"clean_train_key_list.txt": kept})
    trusted = nk.data.load("clothing1m", "trusted", data_dir=tmp_path)
    assert list(trusted.ids) == kept.split()
    assert list(trusted.labels) == [0, 3]
    with pytest.raises(ValueError, match=r"split\(trusted=10\)"):
        nk.data.load("webvision", "trusted", data_dir=tmp_path)
    with pytest.raises(ValueError, match="training labels only"):
        nk.data.load(
            "clothing1m",
            "trusted",
            data_dir=tmp_path,
            noise=nk.data.PairFlipNoise(0.1),
        )
