"""CSV files of paths and labels as people have them."""

import csv
import io
import os
import random
import time
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.utils.errors import ConfigurationError
from tests import drawn

pytestmark = pytest.mark.filterwarnings(
    "ignore::noisy_keras.utils.errors.DataWarning"
)

PICTURE = drawn.jpeg()
FILES = [f"{name}/{i}.jpg" for name in ("bus", "car") for i in range(4)]
PAIRS = [(path, path[:3]) for path in FILES]


@pytest.fixture
def root(tmp_path):
    for path in FILES:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(PICTURE)
    return tmp_path


def table(folder, pairs, header="path,label", delimiter=",", encoding="utf-8"):
    path = folder / "labels.csv"
    lines = [header, *(delimiter.join(map(str, pair)) for pair in pairs)]
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def check(source):
    assert source.class_names == ("bus", "car")
    assert source.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    paths = [os.path.join(source.root, path) for path in source.paths]
    assert all(os.path.isfile(path) for path in paths)
    found = [os.path.realpath(p).split(os.sep)[-2:] for p in paths]
    assert ["/".join(pair) for pair in found] == FILES


@pytest.mark.parametrize(
    ("header", "delimiter", "encoding"),
    [
        ("path;label", ";", "utf-8-sig"),
        ("path\tlabel", "\t", "utf-8"),
        ("path|label", "|", "utf-8"),
        ("Path, LABEL ", ",", "utf-16"),
        ("file,class", ",", "cp1252"),
        ("Image_ID,Category", ",", "utf-8"),
        ("filename;Target", ";", "utf-16-le"),
        ("sep=;\nimg_path;y", ";", "utf-8"),
    ],
)
def test_every_dialect_and_usual_column_is_read(
    root, header, delimiter, encoding
):
    check(nk.data.from_csv(table(root, PAIRS, header, delimiter, encoding)))


@pytest.mark.parametrize(
    "written",
    [
        lambda path: path[:-4],
        lambda path: path.replace("/", "\\"),
        lambda path: path[:-4].replace("/", "\\"),
        lambda path: f"./{path}",
        lambda path: f" {path} ",
        lambda path: path.replace("jpg", "JPG").replace("bus/", "bus//"),
    ],
)
def test_paths_are_found_as_people_write_them(root, written):
    pairs = [(written(path), label) for path, label in PAIRS]
    source = nk.data.from_csv(table(root, pairs))
    check(source)
    # Ids are as other programs know them.
    assert source.ids.tolist() == [path for path, _ in pairs]


def test_accents_are_found_in_both_forms(root):
    name = "caf\u00e9.jpg"
    (root / "car" / unicodedata.normalize("NFD", name)).write_bytes(PICTURE)
    pairs = [*PAIRS, (f"car/{name}", "car")]
    assert nk.data.from_csv(table(root, pairs)).num_samples == 9


def test_absolute_paths_may_lead_through_links(root, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(root)
    through = [(f"{link}/{path}", label) for path, label in PAIRS]
    check(nk.data.from_csv(table(root, through)))
    direct = [(f"{root}/{path}", label) for path, label in PAIRS]
    check(nk.data.from_csv(table(root, direct)))
    # And the file may be opened through one.
    table(root, direct)
    check(nk.data.from_csv(link / "labels.csv"))


def test_images_may_be_elsewhere(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = table(elsewhere, PAIRS)
    for name in ("image_root", "root"):
        check(nk.data.from_csv(path, **{name: root}))
    with pytest.raises(ConfigurationError, match="8 of 8 .*--image_root"):
        nk.data.from_csv(path)
    with pytest.raises(ConfigurationError, match="folder as `image_root`"):
        nk.data.from_csv(path, image_root=root / "nowhere")
    with pytest.raises(ConfigurationError, match="which mean the same"):
        nk.data.from_csv(path, root=root, image_root=elsewhere)
    absolute = [(f"{root}/{p}", label) for p, label in PAIRS]
    path = table(elsewhere, absolute)
    check(nk.data.from_csv(path, image_root=root))
    with pytest.raises(ConfigurationError, match="paths below.*--image_root"):
        nk.data.from_csv(path)


def test_a_sub_folder_with_the_images_is_pointed_out(root):
    (root / "images").mkdir()
    for name in ("bus", "car"):
        (root / name).rename(root / "images" / name)
    with pytest.raises(ConfigurationError, match="They are in .*images: pass"):
        nk.data.from_csv(table(root, PAIRS))


def test_columns_are_chosen(root):
    pairs = [(p, "x", "y", label) for p, label in PAIRS]
    path = table(root, pairs, "file,class,label_name,Kind")
    with pytest.raises(ConfigurationError, match="class, label_name.*--label_"):
        nk.data.from_csv(path)
    check(nk.data.from_csv(path, label_column="kind"))
    with pytest.raises(ConfigurationError, match="column 'sort'.*file, class"):
        nk.data.from_csv(path, label_column="sort")
    # The plain names win; an id is the last resort.
    pairs = [(p, label, i, "x") for i, (p, label) in enumerate(PAIRS)]
    check(nk.data.from_csv(table(root, pairs, "path,label,file,class")))
    check(nk.data.from_csv(table(root, pairs, "image,category,id,note")))
    for header in ("image,label,img,x", "path,label,Path,x"):
        with pytest.raises(ConfigurationError, match="one column"):
            nk.data.from_csv(table(root, pairs, header))
    with pytest.raises(ConfigurationError, match="Received: bus/0.jpg, bus"):
        nk.data.from_csv(table(root, PAIRS[1:], "bus/0.jpg,bus"))


def test_missing_files_are_left_out_within_the_tolerance(root):
    source = nk.data.from_csv(table(root, [*PAIRS, ("car/9.jpg", "car")]))
    check(source)
    assert source.unreadable == {"car/9.jpg": "no such file"}
    assert "car/9.jpg (no such file)" in str(source.reading)
    pairs = [*PAIRS, ("car/9.jpg", "car"), ("car/10.jpg", "car")]
    message = r"2 of 10 files are missing: car/9.jpg \(line 10\).*--max_unread"
    with pytest.raises(ConfigurationError, match=message):
        nk.data.from_csv(table(root, pairs))
    # One is missing and another is no picture.
    (root / "car" / "0.jpg").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="2 of"):
        nk.data.from_csv(table(root, pairs[:-1]))


def test_a_class_without_any_file_is_reported(root):
    pairs = [*PAIRS, ("van/9.jpg", "van")]
    with pytest.raises(ConfigurationError, match="none of 'van'.*line 10"):
        nk.data.from_csv(table(root, pairs))


def test_what_is_no_file_is_left_out_with_a_reason(root):
    os.mkfifo(root / "car" / "pipe.jpg")
    source = nk.data.from_csv(table(root, [*PAIRS, ("car/pipe.jpg", "car")]))
    assert source.unreadable == {"car/pipe.jpg": "a pipe"}


def test_names_without_extension_must_be_of_one_file(root):
    (root / "car" / "0.png").write_bytes(PICTURE)
    pairs = [(path[:-4], label) for path, label in PAIRS]
    source = nk.data.from_csv(table(root, pairs))
    assert source.unreadable == {"car/0": "several files: 0.jpg, 0.png"}


def test_repeated_lines_count_once_and_are_said(root):
    pairs = [*PAIRS, PAIRS[3], ("bus/./0.jpg", "bus")]
    source = nk.data.from_csv(table(root, pairs))
    check(source)
    assert "2 lines" in source.reading.ignored


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ((1, 2), ("1", "2")),
        ((57, 8), ("8", "57")),
        ((20240131, 20240132), ("20240131", "20240132")),
        ((4000000000, 1), ("1", "4000000000")),
        (("01", "02"), ("01", "02")),
        (("1.0", "10.0"), ("1", "10")),
        (("b", "a"), ("a", "b")),
        (("Cat", "cat"), ("Cat", "cat")),
        ((-1, 1), ("-1", "1")),
    ],
)
def test_files_and_arrays_have_the_same_classes(root, labels, names):
    given = [labels[i % 2] for i in range(8)]
    listed = nk.data.from_csv(table(root, zip(FILES, given, strict=True)))
    images = np.zeros((8, 8, 8, 3), np.uint8)
    held = nk.data.from_arrays(images, given)
    assert listed.class_names == held.class_names == names
    assert listed.labels.tolist() == held.labels.tolist()
    if isinstance(labels[0], int):
        pairs = tf.data.Dataset.from_tensor_slices((images, given))
        assert nk.data.from_dataset(pairs).class_names == names


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("nan", "1 without: line 9"),
        ("#N/A", "1 without: line 9"),
        ("", "1 without: line 9"),
        (" ", "1 without: line 9"),
    ],
)
def test_missing_labels_are_reported_by_line(root, label, message):
    pairs = [*PAIRS[:-1], (FILES[-1], label)]
    with pytest.raises(ConfigurationError, match=message):
        nk.data.from_csv(table(root, pairs))


def test_true_labels_are_in_the_same_terms(root):
    true = ["7", "", "nan", "-1", "9", "9.0", "11", "7"]
    rows = zip(FILES, [7, 9] * 4, true, strict=True)
    source = nk.data.from_csv(table(root, rows, "path,label,true_label"))
    assert source.class_names == ("7", "9", "11")
    assert source.true_labels.tolist() == [0, -1, -1, -1, 1, 1, 2, 0]


def test_doubtful_labels_and_columns_are_said(root):
    rows = zip(FILES, ["Cat", "cat"] * 4, strict=True)
    with pytest.warns(UserWarning, match="'Cat' and 'cat'") as caught:
        source = nk.data.from_csv(table(root, rows, "file,label"))
    assert caught[0].filename == __file__
    text = str(source.reading)
    assert "paths of column file, labels of label" in text
    assert "'Cat' and 'cat'" in text


def test_splits_are_named_with_their_values(root):
    rows = [
        (p, label, ["Training", "dev"][i % 2])
        for i, (p, label) in enumerate(PAIRS)
    ]
    source = nk.data.from_csv(table(root, rows, "path,label,split"))
    assert source.reading.splits == {"train": "Training", "validation": "dev"}
    assert source.reading.counts == {"bus": 2, "car": 2}


CELLS = ["bus", "car", "1", "01", "1.0", "nan", "", " bus", "Bus", "=1", "'=1"]


def test_random_files_are_read_whole_or_refused(root, monkeypatch):
    from noisy_keras.data.io import csv_rows

    chance = random.Random(2)
    path = root / "labels.csv"
    path.touch()
    held = [b""]
    monkeypatch.setattr(csv_rows.filesystem, "read", lambda path: held[0])
    read = 0
    for _ in range(300):
        columns = chance.sample(["path", "label", "note"], 3)
        chosen = chance.sample(FILES, chance.randrange(2, 8))
        lines = [
            {"path": p, "label": chance.choice(CELLS[: chance.choice([2, 11])])}
            for p in chosen
        ]
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(
            stream, columns, delimiter=chance.choice(csv_rows.DELIMITERS)
        )
        writer.writeheader()
        writer.writerows(lines)
        data = stream.getvalue().encode(chance.choice(["utf-8", "utf-16"]))
        if chance.random() < 0.3:
            place = chance.randrange(len(data))
            data = data[:place] + bytes([chance.randrange(256)]) + data[place:]
            lines = None
        held[0] = data
        began = time.monotonic()
        try:
            source = nk.data.from_csv(path)
        except (ConfigurationError, OSError) as error:
            assert "\n" not in str(error)
            continue
        finally:
            assert time.monotonic() - began < 5.0
        if lines is not None:
            read += 1
            assert source.ids.tolist() == [line["path"] for line in lines]
            assert len(source.reading.left_out) == 0
            names = {csv_rows.original(line["label"]) for line in lines}
            assert source.num_classes == len({n.strip() for n in names}) or (
                "1.0" in names
            )
    assert read > 60
