"""The most suspect labels of a run: printed, written, and corrected."""

import csv
import functools
import json
import os
import urllib.parse

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.labels import formats as audit_formats
from tests import commands
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers import audit as audit_command
from trainers.inspection import audit_export
from trainers.inspection import audit_pictures
from trainers.run import data as data_module
from trainers.run import folder as run_folder
from trainers.run import progress


def audit_of(source, **changes):
    """An audit that has the first samples as the most suspect."""
    count = source.num_samples
    fields = {
        "ids": source.ids,
        "given_label": source.labels,
        "suggested_label": (source.labels + 1) % source.num_classes,
        "clean_probability": np.linspace(0.01, 1.0, count).astype(np.float32),
        "confidence": np.full(count, 0.9, np.float32),
        "class_names": source.class_names,
        "paths": source.paths,
        "evidence": "peer_networks",
        "given_share": np.full(count, 0.25, np.float32),
        "epochs": np.full(count, 4),
    }
    return nk.LabelAudit(**{**fields, **changes})


def write_run(folder, settings, train, audit):
    folder.mkdir(exist_ok=True)
    run_folder.keep_labels(folder, train, resumed=False)
    config = {
        "settings": settings.as_dict(),
        "classes": list(train.class_names),
    }
    run_folder.write_json(folder / run_folder.CONFIG, config)
    audit.to_csv(folder / audit_command.AUDIT)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = resolve("cross_entropy", max_train_samples=100)
    train = data_module.sources(settings.data, None).train
    folder = tmp_path_factory.mktemp("runs") / "run"
    return write_run(folder, settings, train, audit_of(train))


@pytest.fixture(scope="module")
def source():
    settings = resolve("cross_entropy", max_train_samples=100)
    return data_module.sources(settings.data, None).train


def written(run, source, output, top=12, formats=("csv",)):
    out = progress.make_console()
    with out.capture() as message:
        audit_export.write(
            audit_export.read(run, audit_command.AUDIT),
            source,
            output,
            out,
            top=top,
            formats=formats,
        )
    return message.get()


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_most_suspect_are_printed_and_written(run, source, tmp_path):
    message = written(run, source, tmp_path / "audit", top=12)
    assert "The most suspect 12 of 100 labels" in message
    assert source.ids[11] in message and source.ids[12] not in message
    assert "Judged by the losses of two networks" in message
    assert sorted(os.listdir(tmp_path)) == ["audit"]
    assert set(os.listdir(tmp_path / "audit")) == {
        "index.html",
        "label_audit.csv",
        "most_suspect.csv",
        "most_suspect.png",
        "thumbnails",
    }
    rows = rows_of(tmp_path / "audit" / "most_suspect.csv")
    assert [r["id"] for r in rows] == list(source.ids[:12])
    assert list(rows[0])[:7] == [
        "id",
        "path",
        "given_label",
        "suggested_label",
        "clean_probability",
        "confidence",
        "verdict",
    ]
    assert {r["corrected_label"] for r in rows} == {""}
    for row, image in zip(rows, source.fetch(range(12)).numpy(), strict=True):
        with Image.open(tmp_path / "audit" / row["thumbnail"]) as picture:
            shown = np.asarray(picture)
        # Three times as large, and nothing in between.
        assert shown.shape[:2] == (96, 96)
        np.testing.assert_array_equal(
            shown.reshape(96, 96, -1)[1::3, 1::3],
            np.round(image * (255 / source.pixel_scale)),
        )
    with Image.open(tmp_path / "audit" / "most_suspect.png") as picture:
        assert min(picture.size) > 200


def test_what_a_person_writes_into_it_corrects_the_data(run, source, tmp_path):
    written(run, source, tmp_path / "audit", top=3)
    path = tmp_path / "audit" / "most_suspect.csv"
    rows = rows_of(path)
    for row, text in zip(rows, ("7", "drop", ""), strict=True):
        row["corrected_label"] = text
        row["verdict"] = "suspect"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    corrected = source.relabel_from(path)
    assert len(corrected) == 99 and corrected.labels[0] == 7
    np.testing.assert_array_equal(corrected.labels[1:], source.labels[2:])


def served(root, task):
    """The file that Label Studio serves for a task."""
    url = urllib.parse.urlsplit(task["data"]["image"])
    assert url.path == "/data/local-files/"
    return root / urllib.parse.parse_qs(url.query)["d"][0]


def test_the_whole_audit_is_written_for_other_tools(run, source, tmp_path):
    assert audit_command._FORMATS == audit_formats.FORMATS
    output = tmp_path / "audit"
    message = written(run, source, output, 5, audit_formats.FORMATS)
    # Label Studio refuses a storage at the root itself.
    assert f"LOCAL_FILES_DOCUMENT_ROOT={tmp_path}," in message
    assert f"the path {output};" in message
    assert len(rows_of(output / "cleanlab.csv")) == 100
    assert len(rows_of(output / "label_audit.csv")) == 100
    content = json.loads((output / "fiftyone" / "samples.json").read_text())
    # The digits are no files: only thumbnails can be shown.
    assert len(content["samples"]) == 5
    shown = output / "fiftyone" / content["samples"][0]["filepath"]
    assert shown.exists()
    tasks = json.loads((output / "label_studio.json").read_text())
    assert len(tasks) == 5
    assert served(tmp_path, tasks[0]).samefile(output / "thumbnails/0001.png")
    assert (output / "label_studio.xml").read_text().startswith("<View>")


class TestFiles:
    """Pictures in a folder, whose classes have unusual names."""

    @pytest.fixture
    def pictures(self, tmp_path):
        random = np.random.RandomState(0)
        for name in ("$a$", "<b>"):
            (tmp_path / "pictures" / name).mkdir(parents=True)
            for i in range(20):
                pixels = random.randint(0, 256, (40, 30, 3), np.uint8)
                picture = Image.fromarray(pixels)
                picture.save(tmp_path / "pictures" / name / f"{i:02d}.png")
        return tmp_path / "pictures"

    @pytest.fixture
    def found(self, pictures, tmp_path):
        settings = resolve("cross_entropy", dataset=f"folder:{pictures}")
        train = data_module.sources(settings.data, None).train
        run = write_run(tmp_path / "run", settings, train, audit_of(train))
        return run, train

    def test_broken_pictures_are_left_out_and_reported(self, found, pictures):
        run, train = found
        names = list(train.ids[:3])
        # Broken beyond its first bytes; and gone.
        whole = (pictures / names[0]).read_bytes()
        (pictures / names[0]).write_bytes(whole[: len(whole) // 2])
        os.unlink(pictures / names[1])
        message = written(run, train, run / "audit", 3, ["fiftyone"])
        assert "2 pictures cannot be read" in message and names[0] in message
        rows = rows_of(run / "audit" / "most_suspect.csv")
        assert [bool(r["thumbnail"]) for r in rows] == [False, False, True]
        assert os.listdir(run / "audit" / "thumbnails") == ["0003.png"]
        page = (run / "audit" / "index.html").read_text()
        assert page.count("<figure>") == 3 and page.count("no picture") == 2
        assert "&lt;b&gt;" in page and "<b><b></b>" not in page
        samples = json.loads(
            (run / "audit" / "fiftyone" / "samples.json").read_text()
        )["samples"]
        assert len(samples) == train.num_samples - 1
        assert all(os.path.isfile(s["filepath"]) for s in samples)

    def test_label_studio_serves_the_pictures_themselves(
        self, found, pictures, tmp_path
    ):
        run, train = found
        strange = pictures / "$a$" / "00.png"
        message = written(run, train, run / "audit", 3, ["label_studio"])
        assert f"DOCUMENT_ROOT={pictures.parent}," in message
        assert f"the path {pictures};" in message
        tasks = json.loads((run / "audit" / "label_studio.json").read_text())
        assert served(pictures.parent, tasks[0]).samefile(strange)

    def test_without_any_picture_the_table_is_still_written(self, found):
        run, train = found
        rows = audit_export.read(run, audit_command.AUDIT).most_suspect(2)
        other = nk.data.load("digits").subset(range(5))
        folder = run / "some"
        folder.mkdir()
        paths, missing = audit_pictures.write_thumbnails(folder, rows, other)
        assert paths == {} and "no such sample" in missing[0][1]
        files = audit_pictures.write_sheets(folder, rows, paths)
        assert "most_suspect.png" not in dict(files)


def test_pictures_of_both_parts_are_shown(run, source, tmp_path):
    """Also where both have a sample of the same id."""
    other = nk.data.load("digits", "test").subset(range(100))
    held = nk.data.from_arrays(
        other.fetch(range(100)).numpy(),
        other.labels,
        class_names=source.class_names,
        ids=source.ids,
    )
    audit = audit_of(source).with_held_out(audit_of(held))
    settings = resolve("cross_entropy", max_train_samples=100)
    both = write_run(tmp_path / "run", settings, source, audit)
    sources = {"train": source, "validation": held}
    message = written(both, sources, tmp_path / "audit", 4, ["label_studio"])
    assert "was not trained on these samples" in message
    rows = rows_of(tmp_path / "audit" / "most_suspect.csv")
    assert {r["split"] for r in rows} == {"train", "validation"}
    assert len({r["thumbnail"] for r in rows}) == 4
    for row in rows:
        index = list(source.ids).index(row["id"])
        [image] = sources[row["split"]].fetch([index]).numpy()
        scale = 255 / sources[row["split"]].pixel_scale
        with Image.open(tmp_path / "audit" / row["thumbnail"]) as picture:
            shown = np.asarray(picture).reshape(96, 96, -1)[1::3, 1::3]
        np.testing.assert_array_equal(shown, np.round(image * scale))
    page = (tmp_path / "audit" / "index.html").read_text()
    assert page.count(", held out") == 2
    tasks = json.loads((tmp_path / "audit" / "label_studio.json").read_text())
    assert len({task["data"]["image"] for task in tasks}) == 4


def test_a_failure_leaves_nothing(run, source, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space")

    monkeypatch.setattr(audit_pictures, "write_sheets", fail)
    with pytest.raises(UsageError, match="cannot write .* no space"):
        written(run, source, tmp_path / "audit")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,verdict\na,ok\n", "no columns given_label, suggested_label"),
        ("id,given_label,suggested_label,clean_probability,", "no columns"),
        (None, "no lines"),
        ("cow", "line 2: expected a class in given_label; got 'cow'"),
        ("maybe", "line 2: expected a verdict; got 'maybe'"),
        ("much", "line 2: expected a number in confidence; got 'much'"),
    ],
)
def test_files_that_are_no_audit_are_reported(run, tmp_path, text, message):
    header = (
        "id,path,given_label,suggested_label,clean_probability,confidence,"
        "verdict\n"
    )
    lines = {
        None: header,
        "cow": header + "a,,cow,1,0.5,0.5,ok\n",
        "maybe": header + "a,,0,1,0.5,0.5,maybe\n",
        "much": header + "a,,0,1,0.5,much,ok\n",
    }
    (tmp_path / "config.json").write_text((run / "config.json").read_text())
    (tmp_path / "label_audit.csv").write_text(lines.get(text, text))
    with pytest.raises(UsageError, match=message):
        audit_export.read(tmp_path, "label_audit.csv")


command = functools.partial(commands.run, "trainers.audit")


@pytest.mark.large
def test_the_command_writes_into_the_run_and_never_over_it(run):
    result = command(f"--run={run}", "--top=2")
    assert result.returncode == 0, result.stderr
    assert "The most suspect 2 of 100" in result.stdout
    assert len(rows_of(run / "audit" / "most_suspect.csv")) == 2
    again = command(f"--run={run}")
    assert again.returncode == 2 and again.stdout == ""
    assert "that is not there yet" in again.stderr
    assert again.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--run: expected the folder of a run, or --dataset"),
        (["--run=nowhere"], "--run: expected the folder of a finished run"),
        (["--run=RUN", "--format=csv,xml"], "--format: expected some of"),
        (["--run=EMPTY"], "with config.json"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(run, tmp_path, flags, message):
    places = {"RUN": str(run), "EMPTY": str(tmp_path)}
    for name, path in places.items():
        flags = [flag.replace(name, path) for flag in flags]
    result = command(*flags)
    commands.assert_refused(result, message)
