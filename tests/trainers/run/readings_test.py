"""What a run prints about the reading of its data, and how it reads."""

import types

import numpy as np
import pytest

from noisy_keras.data.sources import csv_labels
from noisy_keras.data.sources import manifest
from tests import drawn
from trainers.run import data
from trainers.run import description

PICTURE = drawn.jpeg()
SETTINGS = {
    "image_size": 16,
    "max_train_samples": None,
    "validation": None,
    "noise_type": "none",
    "noise_rate": 0.0,
    "noise_convention": None,
    "noise_matrix": None,
    "noise_foreign": None,
    "noise_foreign_classes": None,
    "noise_share": None,
    "noise_seed": 0,
    "noise_manifest": None,
    "trusted": None,
    "trusted_csv": None,
    "trusted_total": None,
}


@pytest.fixture
def root(tmp_path):
    for split in ("seg_train", "seg_test", "more"):
        for name in ("bus", "car"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for i in range(10):
                (folder / f"{i}.jpg").write_bytes(PICTURE)
    (tmp_path / "__MACOSX").mkdir()
    return tmp_path


def printed(found):
    return description._readings(
        types.SimpleNamespace(
            train=found.train, validation=found.validation, test=found.test
        )
    )


def test_what_was_found_and_ignored_is_printed_once(root):
    (root / "seg_test" / "bus" / "0.jpg").write_bytes(b"")
    found = data.sources(SETTINGS | {"dataset": f"folder:{root}"}, None)
    assert found.train.num_samples == 18 and found.validation.num_samples == 2
    assert printed(found) == [
        f"{root}: 20 images in 2 classes: bus 10, car 10",
        "splits: train from seg_train, test from seg_test",
        "ignored: __MACOSX (hidden, or of the system)",
        "ignored: more (beside the splits)",
        "test: left out: 1 file: bus/0.jpg (empty file)",
    ]


def test_settings_say_how_data_is_read(root):
    settings = SETTINGS | {
        "dataset": f"folder:{root}",
        "folder_layout": "classes",
    }
    found = data.sources(settings, None)
    assert found.train.class_names == ("more", "seg_test", "seg_train")
    path = root / "more" / "list.csv"
    lines = [f"{n}/{i};{n}" for n in ("bus", "car") for i in range(10)]
    path.write_text("\n".join(["name;what", *lines]))
    settings = SETTINGS | {
        "dataset": f"csv:{path}",
        "path_column": "Name",
        "label_column": "What",
        "image_root": str(root / "seg_test"),
    }
    found = data.sources(settings, None)
    assert found.train.root == str(root / "seg_test")
    assert "paths of column name, labels of what" in printed(found)[-1]


def test_a_run_keeps_classes_that_have_no_sample(root, tmp_path):
    # Version 0.1 counted classes up to the highest label.
    path = root / "more" / "list.csv"
    lines = [f"bus/{i}.jpg,1" for i in range(10)]
    lines += [f"car/{i}.jpg,3" for i in range(10)]
    path.write_text("\n".join(["path,label", *lines]))
    settings = SETTINGS | {"dataset": f"csv:{path}"}
    found = data.sources(settings, None).train
    assert found.class_names == ("1", "3")
    earlier = csv_labels.from_csv(path, class_names=["0", "1", "2", "3"])
    manifest.save(tmp_path / "labels.npz", earlier)
    again = data.sources(settings, None, str(tmp_path / "labels.npz")).train
    assert again.class_names == ("0", "1", "2", "3")
    assert np.array_equal(np.unique(again.labels), [1, 3])
