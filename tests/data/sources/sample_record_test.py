"""Which samples a run was given: written, read, and found again."""

import shutil

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.sources import sample_record
from noisy_keras.data.sources.sample_record import SampleRecord


def write_pictures(root, *splits, count=6):
    for split in splits or ("",):
        for number in range(count):
            path = root / split / ("cat", "dog")[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 16), (40 * number, 0, 0)).save(path)
    return root


def record_of(root):
    """A record of four samples in training, one held out and one unused."""
    whole = nk.data.from_folder(root, image_size=16)
    parts = {
        "train": whole.subset([0, 1, 3, 4]),
        "validation": whole.subset([2]),
        "test": None,
    }
    return SampleRecord.of_sources(parts, whole, str(root)), parts


def test_samples_are_found_again_wherever_they_are(tmp_path):
    record, parts = record_of(write_pictures(tmp_path / "pictures"))
    record.save(tmp_path / "samples.npz")
    shutil.move(tmp_path / "pictures", tmp_path / "elsewhere")
    again = sample_record.load(tmp_path / "samples.npz")
    assert again.class_names == ("cat", "dog") and again.is_of_files()
    assert list(again.ids[again.rows("unused")]) == ["dog/5.png"]
    for split in ("train", "validation"):
        found, gone = again.restored(split, tmp_path / "elsewhere", 16)
        assert list(found.ids) == list(parts[split].ids) and gone == ()
        np.testing.assert_array_equal(found.labels, parts[split].labels)
    assert found.image_shape == (16, 16, 3)
    assert again.restored("test", str(tmp_path)) == (None, ())
    assert again.new_files(str(tmp_path / "elsewhere")) == ()


def test_what_is_gone_and_what_is_new_is_told(tmp_path):
    root = write_pictures(tmp_path / "pictures")
    record, parts = record_of(root)
    held = parts["validation"].ids[0]
    (root / held).unlink()
    (root / "dog" / "1.png").rename(root / "cat" / "moved.png")
    (root / "owl").mkdir()
    shutil.copy(root / "cat" / "0.png", root / "owl" / "new.png")
    (root / "top.png").write_bytes(b"")  # In no class.
    (root / "owl" / "notes.txt").write_text("")
    found, gone = record.restored("train", str(root), 16)
    assert gone == ("dog/1.png",) and len(found) == 3
    # Labels and classes are those of the record.
    assert found.class_names == ("cat", "dog")
    assert record.restored("validation", str(root)) == (None, (held,))
    new = record.new_files(str(root))
    assert sorted(new) == ["cat/moved.png", "owl/new.png"]
    changes = sample_record.Changes(5, (held, *gone), new)
    assert changes and str(changes).startswith(
        f"2 of the 5 samples of the run are gone or moved, such as {held}, "
        "dog/1.png; 2 images are new and no part of the run, such as "
    )
    assert not sample_record.Changes(5)


def test_each_split_has_its_own_folder(tmp_path):
    root = write_pictures(tmp_path / "pictures", "train", "val")
    train, held = (
        nk.data.from_folder(root, split, image_size=16)
        for split in ("train", "validation")
    )
    assert list(train.ids) == list(held.ids)  # The same names in both.
    record = SampleRecord.of_sources(
        {"train": train, "validation": held.relabel(1 - held.labels)},
        train,
        str(root),
    )
    (root / "val" / "cat" / "0.png").unlink()
    shutil.copy(root / "val/dog/1.png", root / "val/cat/7.png")
    assert record.restored("train", str(root), 16)[1] == ()
    found, gone = record.restored("validation", str(root), 16)
    assert gone == ("cat/0.png",)
    np.testing.assert_array_equal(found.labels, 1 - held.labels[1:])
    np.testing.assert_array_equal(found.fetch([0]), held.fetch([1]))
    assert record.new_files(str(root)) == ("cat/7.png",)


def test_new_lines_of_a_csv_file_are_new(tmp_path):
    write_pictures(tmp_path)
    path = tmp_path / "labels.csv"
    lines = [f"{name}/{n}.png,{name}" for n, name in enumerate(["cat", "dog"])]
    path.write_text("\n".join(["path,label", *lines]))
    source = nk.data.from_csv(path, image_size=16)
    record = SampleRecord.of_sources({"train": source}, source, str(tmp_path))
    assert record.new_files(str(tmp_path), str(path)) == ()
    path.write_text("\n".join(["path,label", *lines, "./cat/2.png,cat"]))
    assert record.new_files(str(tmp_path), str(path)) == ("./cat/2.png",)
    path.unlink()
    assert record.new_files(str(tmp_path), str(path)) == ()


def test_samples_in_memory_are_compared_with_the_record():
    whole = nk.data.load("digits").subset(range(20))
    train, held = whole.subset(range(15)), whole.subset(range(15, 20))
    corrected = held.relabel((held.labels + 1) % 10).subset([0, 2, 3, 4])
    record = SampleRecord.of_sources(
        {"train": train, "validation": corrected}, whole, None
    )
    assert not record.is_of_files()
    found = record.labelled("validation", held)
    assert list(found.ids) == list(corrected.ids)
    np.testing.assert_array_equal(found.labels, corrected.labels)
    with pytest.raises(nk.ConfigurationError, match="4 of them"):
        record.labelled("validation", train)


def test_files_that_are_no_record_are_reported(tmp_path):
    np.savez(tmp_path / "other.npz", id=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK not so")
    for name in ("other.npz", "broken.npz"):
        with pytest.raises(nk.ConfigurationError, match="a record of samples"):
            sample_record.load(tmp_path / name)


def test_paths_of_a_csv_file_may_be_spelt_in_another_way(tmp_path):
    write_pictures(tmp_path / "pictures")
    path = tmp_path / "labels.csv"
    rows = [f"{('cat', 'dog')[n % 2]}\\{n};{n % 2}" for n in range(6)]
    path.write_text("\n".join(["file;class", *rows]))
    source = nk.data.from_csv(
        path, image_size=16, image_root=tmp_path / "pictures"
    )
    assert source.ids[0] == "cat\\0" and source.paths[0] == "cat/0.png"
    record = SampleRecord.of_sources(
        {"train": source.subset([0, 1, 2, 3])}, source, str(tmp_path)
    )
    record.save(tmp_path / "samples.npz")
    again = sample_record.load(tmp_path / "samples.npz")
    (tmp_path / "pictures" / "dog" / "3.png").unlink()
    found, gone = again.restored("train", str(tmp_path), 16)
    assert list(found.ids) == list(source.ids[:3]) and gone == ("dog\\3",)
    np.testing.assert_array_equal(found.fetch([2]), source.fetch([2]))
    assert again.new_files(str(tmp_path), str(path)) == ()
