import configparser
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

import noisy_keras as nk
from noisy_keras.data import builders
from tests.data.builders import folders

# Generated sets do not have the published number of samples.
pytestmark = pytest.mark.filterwarnings("ignore:Expected the published number")


def test_clothing1m_gives_the_examples_of_its_source(tmp_path):
    folders.clothing1m(tmp_path / "in")
    builder = folders.prepare("clothing1m", tmp_path)
    names = builder.info.features["label"].names
    for split in ("train", "validation", "test"):
        source = nk.data.load(
            "clothing1m", split, data_dir=tmp_path / "in", image_size=12
        )
        examples = folders.read(builder, split)
        assert set(source.ids) == set(examples)
        rows = [examples[name] for name in source.ids]
        assert [row["label"] for row in rows] == source.labels.tolist()
        assert tuple(names) == source.class_names
        clean = [row["clean_label"] for row in rows]
        if split == "train":
            assert clean == source.true_labels.tolist()
            assert -1 in clean and clean[8] == 8 and rows[8]["label"] == 0
        else:
            assert clean == source.labels.tolist()
        margin = source.margin
        size = 12 + 2 * margin
        for row, image in zip(
            rows, source.fetch(np.arange(len(rows))).numpy(), strict=True
        ):
            large = Image.fromarray(row["image"]).resize(
                (size, size), Image.Resampling.BILINEAR
            )
            inner = np.asarray(large)[margin:-margin, margin:-margin]
            np.testing.assert_allclose(inner, image, atol=2)


def test_pictures_keep_their_bytes(tmp_path):
    root = tmp_path / "in"
    folders.animal10n(root)
    Image.new("L", (9, 7), 90).save(root / "training/0_0.jpg", format="JPEG")
    Image.new("P", (9, 7), 9).save(root / "training/1_1.jpg", format="PNG")
    builder = folders.prepare("animal10n", tmp_path)
    skip = {"image": tfds.decode.SkipDecoding()}
    for name, example in folders.read(builder, "train", skip).items():
        assert example["image"] == (root / name).read_bytes()
    assert folders.read(builder, "train")["training/0_0.jpg"][
        "image"
    ].shape == (
        7,
        9,
        3,
    )


def test_other_formats_become_png(tmp_path):
    root = tmp_path / "in"
    folders.animal10n(root)
    blue = Image.new("RGB", (9, 7), (0, 0, 255))
    other = Image.new("RGB", (9, 7), (255, 0, 0))
    blue.save(
        root / "training/0_0.jpg",
        format="GIF",
        save_all=True,
        append_images=[other],
    )
    blue.save(root / "training/1_1.jpg", format="BMP")
    examples = folders.read(folders.prepare("animal10n", tmp_path), "train")
    for name in ("training/0_0.jpg", "training/1_1.jpg"):
        np.testing.assert_array_equal(examples[name]["image"], blue)


def test_jpeg_that_is_cut_short_is_left_out(tmp_path):
    folders.draw(tmp_path / "in", ["testing/0_0.jpg"])
    names = [f"training/{i}_{i}.jpg" for i in range(3)]
    folders.draw(tmp_path / "in", names, size=64)
    short, long, _ = (tmp_path / "in" / name for name in names)
    short.write_bytes(short.read_bytes()[:-2])
    # Bytes after the end are harmless.
    long.write_bytes(long.read_bytes() + b"more" * 99)
    with pytest.warns(UserWarning, match=r"0_0.jpg: JPEG file whose end"):
        builder = folders.prepare("animal10n", tmp_path)
    skip = {"image": tfds.decode.SkipDecoding()}
    examples = folders.read(builder, "train", skip)
    assert examples[names[1]]["image"] == long.read_bytes()
    assert set(examples) == set(names[1:])


def test_unreadable_pictures_are_left_out_and_reported(tmp_path):
    folders.animal10n(tmp_path / "in")
    (tmp_path / "in/training/3_3.jpg").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"1 unreadable \(training/3_3.jpg"):
        builder = folders.prepare("animal10n", tmp_path)
    assert builder.info.splits["train"].num_examples == 10
    assert builder.info.metadata["unreadable"] == {
        "train": ["training/3_3.jpg"]
    }


def test_too_many_unreadable_pictures_are_an_error(tmp_path):
    folders.animal10n(tmp_path / "in")
    (tmp_path / "in/training/3_3.jpg").write_bytes(b"")
    (tmp_path / "in/training/4_4.jpg").write_bytes(b"\xff\xd8\xff, no more")
    with pytest.raises(ValueError, match="2 unreadable .*, of 11 in"):
        folders.prepare("animal10n", tmp_path)
    assert not builders.BY_NAME["animal10n"](
        data_dir=tmp_path / "out"
    ).is_prepared()


def test_missing_pictures_are_reported_before_any_is_read(
    tmp_path, monkeypatch
):
    folders.clothing1m(tmp_path / "in")
    for name in ("images/0/003.jpg", "images/1/001.jpg"):
        (tmp_path / "in" / name).unlink()
    builder = builders.BY_NAME["clothing1m"]
    monkeypatch.setattr(builder, "_generate_examples", pytest.fail)
    with pytest.raises(
        FileNotFoundError,
        match="2 of 26 listed files missing .*1/001.jpg, .*0/003.jpg",
    ):
        folders.prepare("clothing1m", tmp_path)


def test_pictures_in_no_list_are_reported(tmp_path):
    folders.clothing1m(tmp_path / "in")
    folders.draw(tmp_path / "in", ["images/1/x.jpg", "images/2/y.jpg"])
    with pytest.warns(UserWarning, match="2 files in no list .*1/x.jpg"):
        builder = folders.prepare("clothing1m", tmp_path)
    assert builder.info.metadata["surplus"] == 2
    assert builder.info.splits["train"].num_examples == 12


def test_findings_are_stored_as_metadata(tmp_path):
    folders.clothing1m(tmp_path / "in")
    folders.prepare("clothing1m", tmp_path)
    builder = builders.BY_NAME["clothing1m"](data_dir=tmp_path / "out")
    found = builder.info.metadata
    assert found["labels"]["train"] == {"samples": 12, "known": 4, "right": 3}
    assert found["labels"]["test"] == {"samples": 5, "known": 5, "right": 5}
    assert found["shared_ids"] == {
        "train, validation": 1,
        "train, test": 1,
        "train, clean_train": 2,
    }
    assert builder.info.features["label"].int2str(0) == "T-Shirt"


@pytest.mark.filterwarnings("default:Expected the published number")
def test_other_numbers_than_published_are_reported(tmp_path):
    folders.animal10n(tmp_path / "in")
    message = "11 instead of 50,000 in 'train', 2 instead of 5,000 in 'test'"
    with pytest.raises(ValueError, match=message):
        folders.prepare("animal10n", tmp_path, strict_counts=True)
    with pytest.warns(UserWarning, match=message):
        folders.prepare("animal10n", tmp_path)


def test_other_class_names_than_published_are_an_error(tmp_path):
    root = tmp_path / "in"
    folders.clothing1m(root)
    names = list(builders.BY_NAME["clothing1m"].CLASS_NAMES)
    names[8] = "Downcoat"  # Another spelling of the same class.
    folders.write(root, "category_names_eng.txt", "\n".join(names))
    folders.prepare("clothing1m", tmp_path)
    names[0], names[1] = names[1], names[0]
    folders.write(root, "category_names_eng.txt", "\n".join(names))
    with pytest.raises(ValueError, match="2 other: 'Shirt' instead of 'T-Sh"):
        folders.prepare("clothing1m", tmp_path, out="other")


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "message"),
    [
        (
            "webvision",
            "info/synsets.txt",
            "n01440764",
            "n00000001",
            "1 other: n00000001 instead of n01440764 for label 0",
        ),
        (
            "food101n",
            "meta/classes.txt",
            "baklava",
            "zander",
            "other: 'beef_carpaccio' instead of 'baklava' for label 2",
        ),
    ],
)
def test_class_names_in_lists_are_compared(
    tmp_path, name, file, old, new, message
):
    root = tmp_path / "in"
    getattr(folders, name)(root)
    text = (root / file).read_text()
    folders.write(root, file, text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        folders.prepare(name, tmp_path)


def test_class_names_of_webvision_are_those_of_its_list(tmp_path):
    folders.webvision(tmp_path / "in")
    builder = folders.prepare("webvision", tmp_path, config="mini")
    again = builders.BY_NAME["webvision"](
        data_dir=tmp_path / "out", config="mini"
    )
    assert again.info.features["clean_label"].names[:2] == ["name 0", "name 1"]
    assert builder.info.features["label"].num_classes == 50
    (tmp_path / "in/info/synsets.txt").unlink()
    builder = folders.prepare("webvision", tmp_path, config="full")
    assert builder.info.features["label"].int2str(999) == "999"
    assert [
        e["clean_label"] for e in folders.read(builder, "train").values()
    ] == ([-1] * 4)


def test_food101n_has_the_flags_of_annotators(tmp_path):
    folders.food101n(tmp_path / "in")
    builder = folders.prepare("food101n", tmp_path)
    train = folders.read(builder, "train")
    verified = {key: e["verified"] for key, e in train.items()}
    assert verified == {
        "images/apple_pie/a.jpg": 0,
        "images/waffles/b.jpg": 1,
        "images/cheesecake/c.jpg": -1,
    }
    assert {e["clean_label"] for e in train.values()} == {-1}
    label = train["images/waffles/b.jpg"]["label"]
    assert builder.info.features["label"].int2str(label) == "waffles"
    test = folders.read(builder, "test")
    assert {e["verified"] for e in test.values()} == {-1}
    assert all(e["clean_label"] == e["label"] for e in test.values())


def test_an_image_listed_twice_is_reported(tmp_path):
    root = tmp_path / "in"
    folders.clothing1m(root)
    path = root / "noisy_train_key_list.txt"
    path.write_text(path.read_text() + "\nimages/0/003.jpg\n")
    message = "1 repeated, such as images/0/003.jpg"
    with pytest.raises(ValueError, match=message):
        folders.prepare("clothing1m", tmp_path)


def test_the_files_may_lie_in_a_folder_of_the_name_of_the_set(tmp_path):
    folders.animal10n(tmp_path / "in" / "animal10n")
    folders.write(tmp_path / "in", "other.txt", "of another data set")
    assert folders.prepare("animal10n", tmp_path).is_prepared()


@pytest.mark.parametrize("name", sorted(builders.BY_NAME))
def test_an_empty_folder_is_reported_with_the_manual(tmp_path, name):
    folders.write(tmp_path / "in", "other.txt", "of another data set")
    with pytest.raises(FileNotFoundError) as caught:
        folders.prepare(name, tmp_path)
    instructions = builders.BY_NAME[name].MANUAL_DOWNLOAD_INSTRUCTIONS
    assert instructions in str(caught.value)


def test_tfds_loads_by_name(tmp_path):
    folders.clothing1m_flat(tmp_path / "in")
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "in")
    with pytest.warns(UserWarning, match="'clean_train' is left out"):
        splits, info = tfds.load(
            "clothing1m",
            data_dir=str(tmp_path / "out"),
            download_and_prepare_kwargs={"download_config": config},
            with_info=True,
        )
    assert sorted(splits) == ["test", "train", "validation"]
    assert info.supervised_keys is None
    images = next(iter(splits["train"].batch(3)))["image"]
    assert images.dtype == tf.uint8


def test_package_data_contain_the_files_of_the_builders():
    root = pathlib.Path(nk.__file__).parent.parent
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    named = config["options.package_data"]["*"].split()
    folder = root / "noisy_keras/data/builders"
    lying = {
        path.name
        for path in folder.rglob("*.*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert lying == set(named)
