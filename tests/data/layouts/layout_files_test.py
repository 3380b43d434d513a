import numpy as np
import pytest

from noisy_keras.data import layouts
from noisy_keras.data.layouts import files
from tests import imports


def draw(root, *paths):
    """Makes empty files."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def listing(root, *paths):
    labels = np.zeros(len(paths), int)
    return layouts.Listing(root, paths, labels, ["x", "y"])


def test_missing_and_surplus_files_are_counted(tmp_path):
    draw(tmp_path, "0/a.jpg", "0/b.jpg", "1/c.jpg")
    train = listing(tmp_path, "0/a.jpg", "1/c.jpg")
    test = listing(tmp_path, "0/b.jpg", "2/d.jpg", "1/c.jpg/e.jpg")
    report = layouts.check_files(train, test)
    # One folder is missing, another is a file.
    assert (report.listed, report.missing, report.surplus) == (5, 2, 0)
    assert report.first_missing == (
        str(tmp_path / "2/d.jpg"),
        str(tmp_path / "1/c.jpg/e.jpg"),
    )
    with pytest.raises(FileNotFoundError, match="2 of 5 listed files missing"):
        report.require_all()


def test_surplus_files_have_a_listed_suffix_and_folder(tmp_path):
    draw(tmp_path, "0/a.jpg", "0/b.JPG", "0/.c.jpg", "0/d.txt", "1/e.jpg")
    report = layouts.check_files(listing(tmp_path, "0/a.jpg"))
    assert (report.missing, report.surplus) == (0, 1)
    assert report.first_surplus == (str(tmp_path / "0/b.JPG"),)
    assert str(report) == (
        "0 of 1 listed files missing, "
        f"1 files in no list ({tmp_path / '0/b.JPG'})"
    )
    report.require_all()


def test_three_missing_files_are_named_in_the_order_listed(tmp_path):
    (tmp_path / "3.jpg").mkdir()
    paths = [f"{i}.jpg" for i in (5, 3, 4, 1)]
    report = layouts.check_files(listing(tmp_path, *paths))
    shown = ", ".join(str(tmp_path / path) for path in paths[:3])
    assert f"4 of 4 listed files missing ({shown}, ...)" in str(report)


def test_three_surplus_files_are_named_in_order(tmp_path):
    draw(tmp_path, "1/a.jpg", "0/z.jpg", "0/b.jpg", "1/c.jpg", "1/x.jpg")
    report = layouts.check_files(listing(tmp_path, "1/a.jpg", "0/z.jpg"))
    paths = [tmp_path / path for path in ("1/c.jpg", "1/x.jpg", "0/b.jpg")]
    assert report.first_surplus == tuple(map(str, paths))
    draw(tmp_path, "0/c.jpg")
    report = layouts.check_files(listing(tmp_path, "1/a.jpg", "0/z.jpg"))
    assert f"4 files in no list ({paths[0]}, {paths[1]}, " in str(report)
    assert str(report).endswith(", ...)")


def test_files_of_neighbours_are_no_surplus_and_may_be_missing(tmp_path):
    draw(tmp_path, "0/a.jpg", "0/b.jpg", "1/c.jpg")
    report = layouts.check_files(
        listing(tmp_path, "0/a.jpg"),
        beside=[listing(tmp_path, "0/b.jpg", "0/none.jpg", "2/d.jpg")],
    )
    assert (report.listed, report.missing, report.surplus) == (1, 0, 0)


def test_splits_may_have_different_roots(tmp_path):
    draw(tmp_path, "one/a.jpg", "two/b.jpg")
    parts = [
        listing(tmp_path / "one", "a.jpg"),
        listing(tmp_path / "two", "a.jpg"),
    ]
    report = layouts.check_files(*parts)
    assert (report.missing, report.surplus) == (1, 1)
    assert report.first_missing == (str(tmp_path / "two/a.jpg"),)


def test_a_folder_is_read_once_however_many_files_are_listed(
    tmp_path, monkeypatch
):
    paths = [f"{i % 3}/{i}.jpg" for i in range(60)]
    draw(tmp_path, *paths)
    scanned = []
    scandir = files.os.scandir
    monkeypatch.setattr(
        files.os, "scandir", lambda path: scanned.append(path) or scandir(path)
    )
    assert layouts.check_files(listing(tmp_path, *paths)).missing == 0
    assert len(scanned) == 3


def test_a_listing_is_checked_and_read_only():
    parts = layouts.Listing("root", ["a", "b"], [0, 1], ["x", "y"])
    assert list(parts.ids) == ["a", "b"]
    for values in (parts.paths, parts.labels, parts.ids):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = values[1]
    with pytest.raises(ValueError, match="1 paths, 2 labels"):
        layouts.Listing("root", ["a"], [0, 1], ["x", "y"])
    with pytest.raises(ValueError, match="`verified`"):
        layouts.Listing("root", ["a"], [0], ["x", "y"], verified=[2])
    with pytest.raises(ValueError, match="`true_labels`"):
        layouts.Listing("root", ["a"], [0], ["x", "y"], true_labels=[2])


def test_layouts_import_no_tensorflow():
    folder = "noisy_keras/data/layouts/"
    paths = [p for p in imports.python_files() if p.startswith(folder)]
    assert paths
    for path in paths:
        with open(f"{imports.ROOT}/{path}", encoding="utf-8") as stream:
            assert "tensorflow" not in stream.read()
