"""Detection of images that occur in two sources."""

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data import overlap
from noisy_keras.data.sources.file_source import FileSource
from tests import toy


@pytest.fixture
def folder(tmp_path):
    """Writes 32 images, one sub-folder per class."""
    images, labels = toy.pictures(32)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / "pictures" / f"class_{label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return tmp_path / "pictures"


def refused(source, rows, size):
    raise AssertionError("Files are compared by their names.")


def test_the_same_files_are_found_however_they_are_named(folder, monkeypatch):
    source = nk.data.from_folder(str(folder), image_size=16)
    chosen = [3, 17, 30]
    lines = [
        f"pictures/{source.paths[row]},{source.class_names[source.labels[row]]}"
        for row in chosen
    ]
    listed = folder.parent / "checked.csv"
    listed.write_text("\n".join(["path,label", *lines]) + "\n")
    checked = nk.data.from_csv(
        str(listed), image_size=16, class_names=source.class_names
    )
    assert not set(checked.ids) & set(source.ids)
    monkeypatch.setattr(FileSource, "_read", refused)
    assert overlap.same_pictures(source, checked) == chosen
    assert overlap.same_pictures(source.subset([3, 30]), checked) == [0, 1]
    # Other files of the same names.
    other = nk.data.from_folder(str(folder), image_size=16)
    other.root = str(folder.parent / "elsewhere")
    assert overlap.same_pictures(source, other) == []


def test_files_and_arrays_of_one_id_are_compared(folder, monkeypatch):
    source = nk.data.from_folder(str(folder), image_size=16)
    rows = np.arange(3, 23)
    images = source.fetch(rows.astype(np.int32)).numpy()
    images[4] = 255 - images[4]
    arrays = nk.data.from_arrays(
        images, source.labels[rows], ids=source.ids[3:23]
    )
    monkeypatch.setattr(overlap, "_COMPARED", 7 * 16 * 16 * 3)
    counts, read = [], FileSource._read

    def counted(source, rows, size):
        counts.append(len(rows))
        return read(source, rows, size)

    monkeypatch.setattr(FileSource, "_read", counted)
    assert overlap.same_pictures(source, arrays) == np.delete(rows, 4).tolist()
    # In small batches.
    assert counts == [7, 7, 6]
