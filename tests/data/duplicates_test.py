"""Pictures that occur more than once."""

import shutil
import time

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data import duplicates
from noisy_keras.data.io import prints
from tests.serving import files


def write(root, split, counts, seed=0):
    for k, (name, count) in enumerate(counts.items()):
        folder = root / split / name
        folder.mkdir(parents=True)
        for number in range(count):
            image = files.picture(40, 50, seed + 100 * k + number)
            image.save(folder / f"{number}.jpg", quality=90)


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "train", {"cat": 8, "dog": 8})
    write(tmp_path, "test", {"cat": 3, "dog": 3}, seed=50)
    return tmp_path


def find(root):
    train = nk.data.from_folder(root, image_size=16)
    test = nk.data.from_folder(root, "test", image_size=16)
    return nk.data.find_duplicates(train=train, test=test)


def test_different_pictures_are_no_duplicates(root):
    assert find(root).pairs == ()
    digits = nk.data.load("digits")
    assert nk.data.find_duplicates(digits=digits).mislabelled == 0


def test_copies_with_another_label_and_in_another_split_are_found(root):
    train, test = root / "train", root / "test"
    shutil.copy(train / "cat" / "0.jpg", train / "dog" / "copy.jpg")
    shutil.copy(train / "cat" / "1.jpg", train / "cat" / "harmless.jpg")
    shutil.copy(train / "dog" / "2.jpg", test / "dog" / "leak.jpg")
    found = find(root)
    assert found.pairs == (
        duplicates.Pair(
            "cat/0.jpg",
            "cat",
            "train",
            "dog/copy.jpg",
            "dog",
            "train",
            "identical",
        ),
        duplicates.Pair(
            "dog/2.jpg",
            "dog",
            "train",
            "dog/leak.jpg",
            "dog",
            "test",
            "identical",
        ),
    )
    assert (found.mislabelled, found.across) == (1, 1)
    assert found.groups["train"].shape == (18,)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("x.png", lambda image: image),
        ("x.webp", lambda image: image),
        ("x.jfif", lambda image: image),
        ("x.jpg", lambda image: image.resize((100, 80))),
        ("x.bmp", lambda image: image.resize((75, 60))),
    ],
)
def test_the_same_picture_in_another_file_is_found(root, name, change):
    with Image.open(root / "train" / "cat" / "3.jpg") as image:
        change(image).save(root / "train" / "dog" / name)
    [pair] = find(root).pairs
    assert {pair.path, pair.other_path} == {"cat/3.jpg", f"dog/{name}"}
    assert pair.kind == "nearly identical"


def test_a_picture_of_many_copies_makes_as_many_pairs(root):
    for number in range(6):
        place = root / "train" / "dog" / f"copy_{number}.jpg"
        shutil.copy(root / "train" / "cat" / "0.jpg", place)
    pairs = find(root).pairs
    assert len(pairs) == 6
    assert {pair.path for pair in pairs} == {"cat/0.jpg"}


def test_plain_pictures_are_only_compared_by_their_bytes():
    images = np.zeros((40, 8, 8, 3), np.uint8)
    images += np.arange(40, dtype=np.uint8)[:, None, None, None] // 2
    source = nk.data.from_arrays(images, np.arange(40) % 2)
    found = nk.data.find_duplicates(train=source)
    assert len(found.pairs) == 20
    assert {pair.kind for pair in found.pairs} == {"identical"}


def test_subsets_keep_their_prints(root):
    source = nk.data.from_folder(root, image_size=16)
    part = source.subset([9, 2])
    expected = source.prints.digests[[9, 2]]
    np.testing.assert_array_equal(part.prints.digests, expected)


def test_time_grows_with_the_number_of_pictures():
    random = np.random.RandomState(0)
    count = 10_000
    many = prints.Prints(
        random.randint(0, 256, (count, 16)).astype(np.uint8),
        # All in one bucket: hashes of zeros, yet different pictures.
        np.sort(random.randint(0, 256, (count, 8, 9, 3)), axis=2)[
            :, :, ::-1
        ].astype(np.uint8),
    )
    assert not many.hashes.any()
    union = duplicates._Union(count)
    began = time.monotonic()
    duplicates._join_similar(many, union)
    # Each with each would be 50 million comparisons.
    assert time.monotonic() - began < 60
    assert len(set(union.groups())) == count
