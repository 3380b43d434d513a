"""The audit of a data set without a run, by its command."""

import csv
import functools
import os
import shlex
import shutil

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from tests import commands

command = functools.partial(commands.run, "trainers.audit")

#: Files whose label is wrong.
WRONG = ("dark/05.png", "dark/17.png", "light/09.png")


def rows(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two classes of 48 pictures each, dark and light ones."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    random = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 160)):
        os.makedirs(folder / name)
        for number in range(48):
            path = f"{name}/{number:02d}.png"
            base = 200 - level if path in WRONG else level
            pixels = base + random.integers(0, 50, (40, 48, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / path)
    return folder


@pytest.fixture(scope="module")
def audited(pictures, tmp_path_factory):
    output = tmp_path_factory.mktemp("audits") / "new" / "audit"
    result = command(
        f"--dataset=folder:{pictures}", f"--output={output}", "--top=5"
    )
    assert result.returncode == 0, result.stderr
    return output, result


def test_wrong_labels_of_a_folder_are_found(audited):
    output, result = audited
    assert "train: 96 samples of 2 classes" in result.stdout
    assert "3 of 96 labels look wrong" in result.stdout
    whole = rows(output / "label_audit.csv")
    assert len(whole) == 96
    assert {r["evidence"] for r in whole} == {"out_of_fold_predictions"}
    called = {r["path"]: r for r in whole if r["verdict"] != "ok"}
    assert set(called) == set(WRONG)
    assert called["dark/05.png"]["suggested_label"] == "light"


def test_the_most_suspect_are_written_with_their_pictures(audited):
    output, _ = audited
    suspect = rows(output / "most_suspect.csv")
    assert {r["path"] for r in suspect[:3]} == set(WRONG)
    assert len(suspect) == 5 and suspect[0]["corrected_label"] == ""
    with Image.open(output / suspect[0]["thumbnail"]) as image:
        assert min(image.size) > 0
    assert (output / "index.html").exists()


def test_what_it_advises_can_be_trained_on(audited, pictures):
    output, result = audited
    [line] = [
        text
        for text in result.stdout.replace("\n", " ").split("training on")
        if "trainers.auto" in text
    ]
    path = line.split("--audit=")[1].split(";")[0].replace(" ", "")
    assert path == str(output / "label_audit.csv")
    source = nk.data.from_folder(pictures)
    corrected = source.relabel_from(path)
    changed = corrected.labels != source.labels
    found = rows(path)
    assert changed.sum() == sum(r["verdict"] == "relabelled" for r in found)
    assert set(source.paths[changed]) <= set(WRONG)


def test_the_advice_is_of_the_same_data(tmp_path):
    # A name that a shell would take for two words, and labels elsewhere.
    folder = tmp_path / "my data"
    os.makedirs(folder)
    labels = np.repeat([0, 1], 20)
    np.save(folder / "vectors.npy", np.eye(2, dtype=np.float32)[labels])
    np.save(folder / "labels.npy", labels)
    result = command(
        f"--dataset=features:{folder / 'vectors.npy'}",
        f"--labels={folder / 'labels.npy'}",
        f"--output={folder / 'audit'}",
    )
    assert result.returncode == 0, result.stderr
    advice = " ".join(result.stdout.split("suggested labels: ")[1].split("\n"))
    words = shlex.split(advice.split("; on your own")[0])
    assert words[:3] == ["python", "-m", "trainers.auto"]
    assert f"--labels={folder / 'labels.npy'}" in words
    assert f"--audit={folder / 'audit' / 'label_audit.csv'}" in words


def test_features_are_judged_in_seconds(tmp_path):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    features = np.eye(3)[labels] + random.normal(0.0, 0.1, (120, 3))
    labels[[4, 50, 90]] = [1, 2, 0]
    path = tmp_path / "vectors.npz"
    np.savez(path, features=features.astype(np.float32), labels=labels)
    output = tmp_path / "audit"
    result = command(f"--dataset=features:{path}", f"--output={output}")
    assert result.returncode == 0, result.stderr
    found = rows(output / "label_audit.csv")
    called = [n for n, r in enumerate(found) if r["verdict"] != "ok"]
    assert called == [4, 50, 90]


def test_what_is_left_out_is_said(pictures, tmp_path):
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    (folder / "dark" / "broken.png").write_bytes(b"no picture")
    (folder / "dark" / "notes.txt").write_text("no picture either")
    result = command(
        f"--dataset=folder:{folder}",
        f"--output={tmp_path / 'audit'}",
        "--network=tiny",
        "--weights=none",
        "--image_size=16",
    )
    assert result.returncode == 0, result.stderr
    assert "left out: 1 file: dark/broken.png" in result.stdout
    assert "ignored: 1 other file" in result.stdout
    assert ".py:" not in result.stderr
    assert len(rows(tmp_path / "audit" / "label_audit.csv")) == 96


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--split=night"], "--split: expected a split of folder:"),
        (["--weights=none"], "--weights: expected with --network"),
        (["--network=nothing"], "--network: expected"),
        (["--run=RUN", "--plant"], "--plant: expected with --dataset alone"),
        (["--output=PICTURES"], "--output: expected a folder that is not"),
        (["--format=xml"], "--format: expected some of"),
    ],
)
def test_mistakes_are_one_line(flags, message, pictures, tmp_path):
    flags = [
        f.replace("PICTURES", str(pictures)).replace("RUN", str(tmp_path))
        for f in flags
    ]
    commands.assert_refused(
        command(f"--dataset=folder:{pictures}", *flags), message
    )


def test_a_single_class_is_one_line(pictures, tmp_path):
    os.makedirs(tmp_path / "one")
    os.symlink(pictures / "dark", tmp_path / "one" / "dark")
    result = command(
        f"--dataset=folder:{tmp_path / 'one'}",
        f"--output={tmp_path / 'audit'}",
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "one sub-folder per class, at least 2" in result.stderr
    assert not (tmp_path / "audit").exists()
