"""Files of features: arrays, archives, Parquet tables, and their labels."""

import sys
import zipfile

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.io import feature_tables
from noisy_keras.data.sources import origin
from noisy_keras.utils.errors import ConfigurationError

FEATURES = np.arange(12, dtype=np.float16).reshape(6, 2)
LABELS = np.array(["b", "a", "b", "a", "b", "a"])


def _archive(folder, **arrays):
    path = folder / "f.npz"
    np.savez(path, **{"features": FEATURES, "labels": LABELS} | arrays)
    return path


def test_an_archive_has_everything_by_name(tmp_path):
    path = _archive(
        tmp_path,
        ids=list("uvwxyz"),
        true_labels=np.array(["b", "b", "b", "a", "b", ""]),
        texts=np.array([f"text {n}" for n in range(6)]),
        paths=np.array([f"https://example.org/{n}" for n in range(6)]),
        unknown=np.zeros(3),
    )
    source = nk.data.from_feature_file(path)
    assert source.class_names == ("a", "b")
    assert source.ids.tolist() == list("uvwxyz")
    assert source.true_labels.tolist() == [1, 1, 1, 0, 1, -1]
    assert source.texts[2] == "text 2"
    assert source.paths[2] == "https://example.org/2"
    np.testing.assert_array_equal(source.fetch([5]), [[10, 11]])
    assert source.reading.ignored == {"unknown": "no name of an array"}
    assert "6 vectors in 2 classes" in str(source.reading)


def test_splits_share_the_classes_but_not_the_statistics(tmp_path):
    path = _archive(
        tmp_path,
        labels=[0, 1, 2, 0, 1, 0],
        split=np.array(["train"] * 3 + ["val", "test", "test"]),
    )
    found = origin.find(f"features:{path}")
    assert found.splits == {"train", "validation", "test"}
    train, test = found.load("train"), found.load("test")
    assert train.num_classes == test.num_classes == 3
    # Columns of training: 0, 2, 4 and 1, 3, 5.
    np.testing.assert_allclose(train.pixel_mean, [2.0, 3.0])
    np.testing.assert_array_equal(test.fetch([0, 1]), FEATURES[4:])
    assert not set(train.ids) & set(test.ids)
    with pytest.raises(ConfigurationError, match="Received: splits"):
        nk.data.from_feature_file(path, split="trusted")


@pytest.mark.parametrize("compressed", [False, True])
def test_large_archives_are_mapped(tmp_path, monkeypatch, compressed):
    monkeypatch.setattr(feature_tables, "_MAPPED", 1)
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "f.npz", labels=LABELS, features=FEATURES)
    table = feature_tables.read(str(tmp_path / "f.npz"))
    features = table.arrays["features"]
    assert isinstance(features, np.memmap) is not compressed
    np.testing.assert_array_equal(features, FEATURES)


def test_labels_of_a_second_file_are_in_the_order_of_rows(tmp_path):
    np.save(tmp_path / "f.npy", FEATURES)
    lines = ["label,true_label,note", *(f"{n},a,x" for n in LABELS)]
    (tmp_path / "l.csv").write_text("\n".join(lines))
    np.save(tmp_path / "l.npy", LABELS)
    first = nk.data.from_feature_file(tmp_path / "f.npy", tmp_path / "l.csv")
    second = nk.data.from_feature_file(tmp_path / "f.npy", tmp_path / "l.npy")
    assert first.labels.tolist() == second.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert first.true_labels.tolist() == [0] * 6


def test_labels_are_matched_by_ids_where_both_files_have_them(tmp_path):
    path = _archive(tmp_path, ids=list("uvwxyz"))
    rows = "id,label\nz,a\ny,a\nx,a\nw,b\nv,b\nu,b\n"
    (tmp_path / "l.csv").write_text(rows)
    source = nk.data.from_feature_file(path, tmp_path / "l.csv")
    assert source.labels.tolist() == [1, 1, 1, 0, 0, 0]
    (tmp_path / "l.csv").write_text("id,label\nz,a\ny,b\n")
    with pytest.raises(ConfigurationError, match="none for 4: u, v, w"):
        nk.data.from_feature_file(path, tmp_path / "l.csv")


def test_soft_labels_are_read(tmp_path):
    soft = np.tile([0.25, 0.75], (6, 1))
    source = nk.data.from_feature_file(_archive(tmp_path, labels=soft))
    np.testing.assert_allclose(source.soft_labels, soft)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": LABELS[:4]}, "different lengths: .*4 labels"),
        ({"ids": np.arange(5)}, "5 ids"),
        ({"features": FEATURES[0]}, "two dimensions"),
        ({"features": FEATURES * np.nan}, "6 of 6 rows"),
        ({"split": np.array(["x"] * 6)}, "6 others: 'x' at row 0"),
        ({"embeddings": FEATURES}, "two, named features and embeddings"),
        ({"labels": np.array(list("aaabb") + [None])}, "np.array.values, str"),
    ],
)
def test_bad_archives_are_a_line(tmp_path, arrays, message):
    path = _archive(tmp_path, **arrays)
    with pytest.raises(ConfigurationError, match=message) as error:
        nk.data.from_feature_file(path)
    assert "\n" not in str(error.value)


def test_files_without_features_or_labels_name_what_they_have(tmp_path):
    np.savez(tmp_path / "a.npz", x=FEATURES)
    with pytest.raises(ConfigurationError, match="`features`.*Received: x"):
        nk.data.from_feature_file(tmp_path / "a.npz")
    np.save(tmp_path / "f.npy", FEATURES)
    with pytest.raises(ConfigurationError, match="--labels"):
        nk.data.from_feature_file(tmp_path / "f.npy")


def test_broken_and_other_files_are_a_line(tmp_path):
    path = _archive(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        nk.data.from_feature_file(path)
    with pytest.raises(ConfigurationError, match="ends in .npz, .npy"):
        nk.data.from_feature_file(tmp_path / "f.pkl")
    with pytest.raises(FileNotFoundError):
        nk.data.from_feature_file(tmp_path / "missing.npz")


def test_a_pickle_within_an_archive_is_not_loaded(tmp_path):
    path = _archive(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ids.npy", b"\x80\x04N.")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        nk.data.from_feature_file(path)


def test_tables_of_lists_and_of_columns_are_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    lists = {
        "id": list("uvwxyz"),
        "embedding": [row.tolist() for row in FEATURES.astype(np.float32)],
        "label": LABELS.tolist(),
    }
    parquet.write_table(pyarrow.table(lists), tmp_path / "a.parquet")
    columns = {
        "height": FEATURES[:, 0].astype(float),
        "width": FEATURES[:, 1].astype(float),
        "label": LABELS.tolist(),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "b.parquet")
    for name in "ab":
        source = nk.data.from_feature_file(tmp_path / f"{name}.parquet")
        assert source.labels.tolist() == [1, 0, 1, 0, 1, 0]
        np.testing.assert_array_equal(source.fetch(np.arange(6)), FEATURES)
    columns["height"] = list("abcdef")
    parquet.write_table(pyarrow.table(columns), tmp_path / "c.parquet")
    with pytest.raises(ConfigurationError, match="other values in height"):
        nk.data.from_feature_file(tmp_path / "c.parquet")
    lists["embedding"][1] = [1.0]
    parquet.write_table(pyarrow.table(lists), tmp_path / "d.parquet")
    with pytest.raises(ConfigurationError, match="lists of one length"):
        nk.data.from_feature_file(tmp_path / "d.parquet")


def test_without_pyarrow_the_package_to_install_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "f.parquet").touch()
    with pytest.raises(ConfigurationError, match=r"noisy_keras\[parquet\]"):
        nk.data.from_feature_file(tmp_path / "f.parquet")


def test_a_size_of_images_is_refused(tmp_path):
    found = origin.find(f"features:{_archive(tmp_path)}")
    with pytest.raises(ConfigurationError, match="image_size=32"):
        found.load(None, image_size=32)
