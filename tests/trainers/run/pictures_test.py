"""What is wrong with the pictures of a run."""

import csv
import io
import shutil
import types
import warnings

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.sources import unreadable
from tests.serving import files
from tests.trainers.run import data_test
from trainers import UsageError
from trainers.run import data
from trainers.run import pictures
from trainers.run import progress


def write(folder, names, count, seed=0):
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image = files.picture(20, 24, seed + 100 * k + number)
            image.save(folder / name / f"{number}.png")


def rows(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def run_of(sources):
    return types.SimpleNamespace(**sources._asdict())


def test_unreadable_files_of_all_splits_are_listed(tmp_path):
    home = tmp_path / "home"
    for split in ("train", "val", "test"):
        write(home / split, ("[/b]", "b"), 4)
        (home / split / "b" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    strange = b"\xe8.jpg".decode("utf-8", "surrogateescape")
    with open(home / "train" / "b" / strange, "wb") as stream:
        stream.write(b"")
    given = data_test.options(f"folder:{home}", max_unreadable=2)
    run = run_of(data.sources(given, None))
    assert run.train.num_samples == 8
    assert pictures.write_unreadable(run, tmp_path)
    found = rows(tmp_path / "unreadable.csv")
    assert {row["path"]: row["reason"] for row in found} == {
        "b/cut.png": "PNG file whose end is missing",
        "../val/b/cut.png": "PNG file whose end is missing",
        "../test/b/cut.png": "PNG file whose end is missing",
        "b/\\xe8.jpg": "its name is not UTF-8; rename it",
    }
    lines = run.train.reading.lines()
    [line] = [line for line in lines if line.startswith("left out")]
    assert line.startswith("left out: 2 files: b/cut.png (PNG file whose end")


def test_the_flag_raises_the_limit(tmp_path):
    write(tmp_path, ("a", "b"), 5)
    for number in range(3):
        (tmp_path / "a" / f"{number}.png").write_bytes(b"")
    given = data_test.options(f"folder:{tmp_path}")
    with pytest.raises(ValueError, match="3 of 10 in .*--max_unreadable"):
        data.sources(given, None)
    run = data.sources(given | {"max_unreadable": 0.4}, None)
    assert run.train.num_samples + run.validation.num_samples == 7
    with pytest.raises(UsageError, match="--max_unreadable"):
        data.sources(data_test.options("digits", max_unreadable=1), None)


def test_duplicates_are_counted_and_listed(tmp_path):
    home = tmp_path / "home"
    write(home / "train", ("a", "b"), 6)
    write(home / "test", ("a", "b"), 6, seed=50)
    shutil.copy(home / "train" / "a" / "0.png", home / "train" / "b" / "x.png")
    shutil.copy(home / "train" / "a" / "1.png", home / "test" / "a" / "x.png")
    given = data_test.options(f"folder:{home}", validation=0.0)
    run = run_of(data.sources(given, None))
    assert pictures.describe(run) == [
        "2 duplicates, in duplicates.csv: 1 with different labels, 1 in "
        "different splits"
    ]
    pictures.write_duplicates(run, tmp_path)
    found = rows(tmp_path / "duplicates.csv")
    assert [row["other_path"] for row in found] == ["b/x.png", "a/x.png"]
    assert [row["other_split"] for row in found] == ["train", "test"]
    assert {row["kind"] for row in found} == {"identical"}


def test_no_picture_is_held_out_that_is_also_trained_on(tmp_path):
    write(tmp_path, ("a", "b"), 15)
    for name in "ab":
        for number in range(5):
            path = tmp_path / name / f"{number}.png"
            shutil.copy(path, tmp_path / name / f"copy_{number}.png")
    given = data_test.options(f"folder:{tmp_path}", validation=0.3)
    found = data.sources(given, None)
    both = nk.data.find_duplicates(
        train=found.train, validation=found.validation
    )
    assert both.across == 0
    assert found.train.num_samples + found.validation.num_samples == 40
    assert 8 <= found.validation.num_samples <= 16
    assert set(found.validation.labels) == {0, 1}


def test_warnings_take_a_line():
    out = progress.make_console()
    out.file = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        pictures.show_warnings(out)
        state = unreadable.Unreadable(1000)
        state.note({"a[/b].png": "gone"}, ".", expected=False)
    assert out.file.getvalue() == (
        "warning: a[/b].png: gone cannot be read any more; trained on as "
        "black and not judged\n"
    )


def test_large_sets_say_what_was_not_checked(tmp_path, monkeypatch):
    monkeypatch.setattr("noisy_keras.data.sources.file_source.MOST_DECODED", 5)
    write(tmp_path, ("a", "b"), 15)
    path = tmp_path / "a" / "3.png"
    path.write_bytes(path.read_bytes()[:-1])
    run = run_of(data.sources(data_test.options(f"folder:{tmp_path}"), None))
    assert "a/3.png (PNG file whose end is missing)" in str(run.train.reading)
    [line] = pictures.describe(run)
    assert "only the first and last bytes" in line
    assert run.duplicates is None
    assert not np.isin("a/3.png", run.train.paths)
