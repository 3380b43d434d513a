import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import noisy_keras as nk
from noisy_keras.data import shard
from noisy_keras.data.io import checking
from noisy_keras.data.io import decoding
from noisy_keras.data.io.records import storage
from noisy_keras.data.sources import file_source
from noisy_keras.data.sources.records import writer
from tests import imports

COUNT = 160


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of small images."""
    root = tmp_path_factory.mktemp("many")
    for number in range(COUNT):
        label = ("cat", "dog")[number % 2]
        (root / label).mkdir(exist_ok=True)
        image = Image.new("RGB", (9, 8), (number, 0, 0))
        image.save(root / label / f"{number:03d}.png")
    return root


@pytest.fixture(scope="module")
def complete_set(folder, tmp_path_factory):
    """The files of 8 shards that are written without interruption."""
    output = tmp_path_factory.mktemp("complete") / "shards"
    nk.data.write_tfrecord(nk.data.from_folder(folder), output, shards=8)
    return contents(output)


def contents(output):
    return {path.name: path.read_bytes() for path in output.iterdir()}


def run(*arguments):
    return shard.main([str(argument) for argument in arguments])


def test_the_files_of_a_set(complete_set):
    names = [f"train-{number:05d}-of-00008.tfrecord" for number in range(8)]
    assert sorted(complete_set) == [*names, "train.index.npz"]


def test_other_programs_can_read_the_records(folder, tmp_path):
    source = nk.data.from_folder(folder)
    true_labels = np.where(np.arange(COUNT) < 2, -1, source.labels)
    source = file_source.FileSource(
        source.paths,
        source.labels,
        source.class_names,
        root=source.root,
        true_labels=true_labels,
    )
    written = nk.data.write_tfrecord(source, tmp_path, workers=3)
    assert (written.samples, written.shards, written.kept) == (COUNT, 16, 0)
    dataset = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob(written.pattern)))
    wanted = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "id": tf.io.FixedLenFeature([], tf.string),
        "index": tf.io.FixedLenFeature([], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "true_label": tf.io.FixedLenFeature([], tf.int64),
    }
    dataset = dataset.map(lambda r: tf.io.parse_single_example(r, wanted))
    for row, sample in enumerate(dataset.as_numpy_iterator()):
        assert sample["index"] == row
        assert sample["label"] == source.labels[row]
        assert sample["true_label"] == true_labels[row]
        assert sample["id"].decode() == source.ids[row]
        path = os.path.join(folder, source.paths[row])
        assert sample["image"] == decoding.read_bytes(path)
    assert row == COUNT - 1


def test_a_killed_process_is_continued(folder, complete_set, tmp_path):
    script = (
        "import os, signal, noisy_keras as nk\n"
        "def die(done, total):\n"
        "    if done >= 64: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"source = nk.data.from_folder({str(folder)!r})\n"
        f"nk.data.write_tfrecord(source, {str(tmp_path)!r}, shards=8,"
        " workers=2, progress=die)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=imports.ROOT,
        capture_output=True,
        timeout=120,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
    left = contents(tmp_path)
    assert "train.index.npz" not in left
    assert any(name.endswith(".unfinished") for name in left)
    for name, data in left.items():
        if name.endswith(".tfrecord"):
            assert data == complete_set[name]
    with pytest.raises(OSError, match="Expected all 8 shards"):
        nk.data.from_tfrecord(tmp_path)
    arguments = [f"--source=folder:{folder}", f"--output={tmp_path}"]
    assert run(*arguments, "--shards=8") == 0
    assert contents(tmp_path) == complete_set


@pytest.mark.parametrize("after", [0, 1, 2, 7, 9, 11, 17])
def test_a_stop_at_any_file_is_continued(
    after, folder, complete_set, tmp_path, monkeypatch
):
    real, calls = storage.publish, []

    def publish(temporary, path):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(path)
        real(temporary, path)

    monkeypatch.setattr(storage, "publish", publish)
    source = nk.data.from_folder(folder)
    with pytest.raises(KeyboardInterrupt):
        nk.data.write_tfrecord(source, tmp_path, shards=8)
    with pytest.raises((OSError, ValueError), match="Expected"):
        nk.data.from_tfrecord(tmp_path)
    monkeypatch.setattr(storage, "publish", real)
    progress = tmp_path / "train.progress.json"
    finished = (
        json.loads(progress.read_text())["finished"]
        if progress.exists()
        else ()
    )
    written = nk.data.write_tfrecord(source, tmp_path, shards=8)
    assert written.kept == len(finished)
    assert contents(tmp_path) == complete_set


def test_finished_shards_are_kept_and_lost_ones_written(
    folder, complete_set, tmp_path
):
    source = nk.data.from_folder(folder)
    nk.data.write_tfrecord(source, tmp_path, shards=8)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert nk.data.write_tfrecord(source, tmp_path, shards=8).kept == 8
    for path, time in before.items():
        assert path.stat().st_mtime_ns == time
    (tmp_path / "train-00002-of-00008.tfrecord").unlink()
    path = tmp_path / "train-00005-of-00008.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    assert nk.data.write_tfrecord(source, tmp_path, shards=8).kept == 6
    assert contents(tmp_path) == complete_set


def test_a_set_under_repair_is_not_read_as_complete(
    folder, tmp_path, monkeypatch
):
    source = nk.data.from_folder(folder)
    nk.data.write_tfrecord(source, tmp_path, shards=8)
    (tmp_path / "train-00002-of-00008.tfrecord").unlink()

    def full(row):
        raise ValueError("disk full")

    monkeypatch.setattr(decoding, "read_bytes", full)
    with pytest.raises(ValueError, match="disk full"):
        nk.data.write_tfrecord(source, tmp_path, shards=8)
    (tmp_path / "train-00002-of-00008.tfrecord").write_bytes(b"")
    with pytest.raises(ValueError, match="whose writing was interrupted"):
        nk.data.from_tfrecord(tmp_path)


@pytest.mark.parametrize("interrupted", [True, False])
def test_another_source_is_refused(folder, interrupted, tmp_path):
    source = nk.data.from_folder(folder)

    def stop(done, total):
        if interrupted and done:
            raise KeyboardInterrupt

    try:
        nk.data.write_tfrecord(source, tmp_path, shards=4, progress=stop)
    except KeyboardInterrupt:
        assert interrupted
    before = contents(tmp_path)
    others = {
        "samples and labels": (source.subset(range(100)), 4),
        "labels": (source.relabel(1 - source.labels), 4),
        "shards": (source, 5),
        "settings": (source.resized(32), 4),
        "root": (nk.data.from_folder(_copy(folder, tmp_path)), 4),
    }
    for what, (other, shards) in others.items():
        with pytest.raises(ValueError, match=f"continue.* different .*{what}"):
            nk.data.write_tfrecord(other, tmp_path, shards=shards)
    after = contents_of_files(tmp_path)
    assert after == before


def _copy(folder, tmp_path):
    """The same images in another folder."""
    home = tmp_path / "elsewhere" / folder.name
    for path in folder.rglob("*.png"):
        target = home / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return home


def contents_of_files(output):
    return {p.name: p.read_bytes() for p in output.iterdir() if p.is_file()}


def test_shards_of_unknown_origin_are_not_overwritten(folder, tmp_path):
    path = tmp_path / "train-00000-of-00002.tfrecord"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match="wrote them. Received: train-0"):
        nk.data.write_tfrecord(nk.data.from_folder(folder), tmp_path)
    assert path.read_bytes() == b"precious"


def test_one_process_writes_at_a_time(folder, tmp_path):
    source = nk.data.from_folder(folder)
    with storage.locked(str(tmp_path), "train"):
        with pytest.raises(OSError, match="one process at a time"):
            nk.data.write_tfrecord(source, tmp_path)
        nk.data.write_tfrecord(source, tmp_path, name="test")
    nk.data.write_tfrecord(source, tmp_path)


def check_some(paths):
    """Finds empty files alone: the others fail later."""
    empty = [k for k, path in enumerate(paths) if not os.path.getsize(path)]
    return dict.fromkeys(empty, "empty file"), None


def test_pictures_that_cannot_be_read_are_counted_and_listed(
    folder, tmp_path, monkeypatch, capsys
):
    home = _copy(folder, tmp_path)
    (home / "cat" / "empty.png").write_bytes(b"")
    source = nk.data.from_folder(home)
    assert source.num_samples == COUNT
    monkeypatch.setattr(checking, "check_whole", check_some)
    real = decoding.read_bytes

    def read(path):
        if path.endswith("007.png"):
            raise OSError("no such sector")
        return real(path)

    monkeypatch.setattr(decoding, "read_bytes", read)
    for module in ("file_source", "unreadable"):
        monkeypatch.setattr(
            f"noisy_keras.data.sources.{module}.TOLERATED", 0.02
        )
    arguments = [f"--source=folder:{home}", f"--output={tmp_path / 'out'}"]
    assert run(*arguments) == 0
    out = capsys.readouterr().out
    assert "2 images cannot be read" in out
    assert "cat/empty.png: empty file" in out
    other = nk.data.from_tfrecord(tmp_path / "out")
    assert sorted(other.unreadable) == ["cat/empty.png", "dog/007.png"]
    row = list(other.ids).index("dog/007.png")
    assert other.fetch([row]).numpy().max() == 0
    # A later run tries again and writes only that shard.
    monkeypatch.setattr(decoding, "read_bytes", real)
    assert run(*arguments) == 0
    assert "15 of an earlier run" in capsys.readouterr().out
    other = nk.data.from_tfrecord(tmp_path / "out")
    assert sorted(other.unreadable) == ["cat/empty.png"]
    np.testing.assert_array_equal(other.fetch([row]), source.fetch([row]))


def test_images_found_damaged_earlier_do_not_change_the_set(folder, tmp_path):
    home = _copy(folder, tmp_path)
    broken = home / "cat" / "000.png"
    whole = broken.read_bytes()
    source = nk.data.from_folder(home, image_size=8)
    broken.write_bytes(whole[:40])
    nk.data.write_tfrecord(source, tmp_path / "out")
    with pytest.warns(UserWarning, match="cat/000.png"):
        source.fetch([0])
    assert list(source.unreadable) == ["cat/000.png"]
    assert nk.data.write_tfrecord(source, tmp_path / "out").kept == 16
    other = nk.data.from_tfrecord(tmp_path / "out")
    assert not other.unreadable
    with pytest.warns(UserWarning, match="cat/000.png"):
        found = other.fetch([0, 1])
    np.testing.assert_array_equal(found, source.fetch([0, 1]))
    assert list(other.unreadable) == ["cat/000.png"]


def test_too_many_unreadable_pictures_are_an_error(
    folder, tmp_path, monkeypatch, capsys
):
    def read(path):
        raise OSError("the share is gone")

    monkeypatch.setattr(decoding, "read_bytes", read)
    assert run(f"--source=folder:{folder}", f"--output={tmp_path}") == 2
    assert "at most 1% of unreadable" in capsys.readouterr().err
    monkeypatch.undo()
    assert run(f"--source=folder:{folder}", f"--output={tmp_path}") == 0
    assert not nk.data.from_tfrecord(tmp_path).unreadable


def test_every_split_is_written(folder, tmp_path, capsys):
    home = tmp_path / "split"
    for split in ("train", "val"):
        _copy(folder, home).rename(home / split)
    (home / "elsewhere").rmdir()
    output = tmp_path / "out"
    assert run(f"--source=folder:{home}", f"--output={output}") == 0
    out = capsys.readouterr().out
    assert f"train: {COUNT} samples in 16 shards" in out
    assert f"validation: {COUNT} samples in 16 shards" in out
    held = nk.data.from_tfrecord(output, "validation")
    assert held.class_names == ("cat", "dog")
    again = tmp_path / "again"
    arguments = [f"--output={again}", "--split=validation", "--shards=2"]
    assert run(f"--source=tfrecord:{output}", *arguments) == 0
    rows = [3, 99]
    np.testing.assert_array_equal(
        nk.data.from_tfrecord(again, "validation").fetch(rows), held.fetch(rows)
    )


def test_files_of_labels_and_data_sets_by_name_are_written(folder, tmp_path):
    table = folder / "labels.csv"
    table.write_text("path,label,true_label\ncat/000.png,b,a\ndog/001.png,a,\n")
    assert run(f"--source=csv:{table}", f"--output={tmp_path / 'csv'}") == 0
    source = nk.data.from_tfrecord(tmp_path / "csv")
    assert list(source.labels) == [1, 0] and list(source.true_labels) == [0, -1]
    arguments = [f"--output={tmp_path / 'digits'}", "--image_size=16"]
    assert run("--dataset=digits", "--split=test", *arguments) == 0
    source = nk.data.from_tfrecord(tmp_path / "digits", "test")
    assert source.num_samples == 270 and source.image_shape == (16, 16, 3)
    digits = nk.data.load("digits", "test", image_size=16)
    np.testing.assert_array_equal(source.fetch([7]), digits.fetch([7]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--source=folder:nowhere"],
            "folder of images.*nowhere.*does not exist",
        ),
        (["--source=csv:nowhere.csv"], "CSV file.*nowhere.csv.*does not exist"),
        (["--source=tfrecord:nowhere-*"], "match nowhere-.*none"),
        (["--source=digit"], "Did you mean 'digits'"),
        (["--source=file:x"], "folder:PATH, csv:PATH"),
        (["--source=digits", "--shards=0"], "between 1 and 1257 shards"),
        (["--source=digits", "--workers=0"], "workers of at least 1"),
        (["--source=digits", "--split=../x"], "Expected a split"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, capsys):
    assert run(*arguments, f"--output={tmp_path / 'out'}") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: Expected") and err.count("\n") == 1
    assert re.search(message, err)


def test_a_folder_that_cannot_be_written_is_reported(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    arguments = [f"--source=folder:{folder}", f"--output={tmp_path / 'file'}"]
    assert run(*arguments) == 2
    assert "folder that can be written" in capsys.readouterr().err


def test_an_interrupt_reports_how_to_continue(
    folder, tmp_path, capsys, monkeypatch
):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "write_tfrecord", stop)
    assert run(f"--source=folder:{folder}", f"--output={tmp_path}") == 130
    assert "run the same command to continue" in capsys.readouterr().err


def test_images_with_a_margin_that_are_no_files_are_refused(folder, tmp_path):
    source = nk.data.from_folder(folder)
    foreign = nk.data.load("digits", "test")
    mixed = nk.data.OpenSetNoise(0.2, seed=0).apply_to(source, foreign)
    with pytest.raises(ValueError, match="before foreign images are added"):
        nk.data.write_tfrecord(mixed, tmp_path)


@pytest.mark.parametrize("name", ["", "../x", ".x", "a b", "-x"])
def test_names_are_checked(name, folder, tmp_path):
    with pytest.raises(ValueError, match="Expected a name of letters"):
        nk.data.write_tfrecord(nk.data.from_folder(folder), tmp_path, name=name)
