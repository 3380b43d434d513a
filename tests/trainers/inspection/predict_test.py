"""Predictions of pictures by a finished run."""

import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.testing import toy
from tests import commands
from trainers import UsageError
from trainers.inspection import picture_list
from trainers.inspection import predictions
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import progress

NAMES = ("cat", "dog", "[/b] =1", "owl")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """New pictures in folders of classes, and what people leave there."""
    folder = tmp_path_factory.mktemp("new")
    images, labels = toy.pictures(8)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = NAMES[label].replace("/", "_")
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / name / f"{number}.png")
    (folder / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    (folder / "cat" / "notes.doc").touch()
    (folder / ".hidden.png").touch()
    (folder / "dog" / "above").symlink_to(folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, as far as predictions need it."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    folder.mkdir()
    images, labels = toy.pictures(32)
    source = nk.data.from_arrays(images, labels, class_names=NAMES)
    model = nk.CrossEntropy(toy.network(), source)
    model.save(folder / run_folder.MODEL)
    # Of a data set that is not there any more.
    data = {"dataset": "folder:gone"}
    settings = {"method": "cross_entropy", "data": data}
    config = {"settings": settings, "classes": list(NAMES)}
    run_folder.write_json(folder / run_folder.CONFIG, config)
    calibration = {"temperature": 2.0, "samples": 120, "skipped": ""}
    run_folder.write_json(
        folder / run_folder.SUMMARY, {"calibration": calibration}
    )
    return folder


@pytest.fixture(scope="module")
def model(run):
    return finished_run.load_model(str(run))


def written(run, model, inputs, output, **options):
    out = progress.make_console()
    with out.capture() as message:
        predictions.write(
            str(run), model, list(map(str, inputs)), str(output), out, **options
        )
    with open(output, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream)), message.get()


def test_a_folder_is_predicted_with_the_labels_of_its_folders(
    run, model, pictures, tmp_path
):
    rows, message = written(
        run, model, [pictures], tmp_path / "p.csv", top_k=2, batch_size=3
    )
    by_path = {row["path"]: row for row in rows}
    assert len(rows) == 9
    first = by_path[str(pictures / "cat" / "0.png")]
    image = toy.pictures(1)[0]
    logits = np.log(model.predict(image, verbose=0)[0]) / 2.0
    expected = np.exp(logits) / np.exp(logits).sum()
    order = np.argsort(-expected)
    assert first["predicted_label"] == NAMES[order[0]]
    assert first["label_2"] == NAMES[order[1]]
    assert float(first["probability"]) == pytest.approx(
        expected[order[0]], rel=1e-3
    )
    assert first["given_label"] == "cat"
    assert first["agrees"] == ("yes" if order[0] == 0 else "no")
    # Its folder is not named like a class.
    assert by_path[str(pictures / "[_b] =1" / "2.png")]["agrees"] == ""
    broken = by_path[str(pictures / "cat" / "broken.jpg")]
    assert broken["predicted_label"] == "" and broken["problem"]
    assert "1 pictures cannot be read" in message
    assert "temperature 2.000" in message and "120 validation" in message
    assert "1 files are no pictures" in message and "notes.doc" in message
    assert "of 6 given labels agree" in message
    assert "wrote" in message and "8 predictions" in message


def test_tables_lists_and_pictures_are_read(run, model, pictures, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("Filename,label\ncat/0.png,dog\ndog/1.png,\n")
    rows, _ = written(
        run, model, [table], tmp_path / "a.csv", image_root=str(pictures)
    )
    assert [row["given_label"] for row in rows] == ["dog", ""]
    assert [row["path"] for row in rows] == [
        str(pictures / "cat/0.png"),
        str(pictures / "dog/1.png"),
    ]
    names = pictures / "names.txt"
    names.write_text("cat/0.png\n\ncat/missing.png\n")
    rows, message = written(
        run,
        model,
        [names, pictures / "dog" / "1.png"],
        tmp_path / "b.csv",
        calibrate=False,
    )
    assert [bool(row["problem"]) for row in rows] == [False, True, False]
    assert "agrees" not in rows[0] and "--nocalibrate" in message
    expected = model.predict(toy.pictures(2)[0], verbose=0).max(axis=1)
    assert float(rows[2]["probability"]) == pytest.approx(expected[1], 1e-4)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "--path_column: expected one of the columns"),
        ("path\nx.png\n", {"label_column": "y"}, "--label_column"),
        ("path\n", {}, "--input: expected pictures"),
    ],
)
def test_tables_without_pictures_are_told(tmp_path, content, options, message):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        picture_list.read([str(path)], NAMES, **options)


def test_nothing_is_written_where_nothing_can_be_read(run, model, tmp_path):
    output = tmp_path / "p.csv"
    (tmp_path / "x.png").touch()
    with pytest.raises(UsageError, match="of 1 none can, such as .*x.png"):
        written(run, model, [tmp_path / "x.png"], output)
    with pytest.raises(UsageError, match="--top_k: .*, 4; got 5"):
        written(run, model, [tmp_path / "x.png"], output, top_k=5)
    assert os.listdir(tmp_path) == ["x.png"]


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        (None, "no calibration"),
        ({"temperature": 1.0, "skipped": "too few"}, "too few"),
    ],
)
def test_a_run_without_calibration_says_so(tmp_path, summary, message):
    if summary is not None:
        path = tmp_path / run_folder.SUMMARY
        path.write_text(json.dumps({"calibration": summary}))
    temperature, how = predictions.calibration_of(str(tmp_path))
    assert temperature == 1.0 and message in how


def test_the_command_predicts_and_overwrites_nothing(run, pictures, tmp_path):
    flags = [f"--run={run}", f"--input={pictures / 'dog' / '1.png'}"]
    result = commands.run("trainers.predict", *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "wrote predictions.csv: 1 predictions" in result.stdout
    before = (tmp_path / "predictions.csv").read_text()
    result = commands.run("trainers.predict", *flags, cwd=tmp_path)
    commands.assert_refused(result, "pass --overwrite")
    assert (tmp_path / "predictions.csv").read_text() == before
    result = commands.run("trainers.predict", flags[0], cwd=tmp_path)
    commands.assert_refused(result, "--input: expected a folder")
