import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.selection import partition
from tests import toy


def test_trusted_ids_of_a_list():
    source = toy.source(40, rate=0.5)
    rest, trusted = source.split(trusted=[source.ids[7], source.ids[2]])
    assert list(trusted.ids) == [source.ids[2], source.ids[7]]
    assert list(trusted.labels) == list(source.true_labels[[2, 7]])
    assert rest.num_samples == 38


def test_a_csv_file_tells_right_labels(tmp_path):
    images, labels = toy.pictures(12)
    source = nk.data.from_arrays(images, labels, class_names=list("abcd"))
    path = tmp_path / "trusted.csv"
    # By name and by number; labels of the file take precedence.
    path.write_text(
        f"id,label\n{source.ids[5]},d\n{source.ids[1]},0\n", encoding="utf-8"
    )
    rest, trusted = source.split(trusted=path)
    assert list(trusted.ids) == [source.ids[1], source.ids[5]]
    assert list(trusted.labels) == [0, 3]
    assert not set(rest.ids) & set(trusted.ids)
    # Without a column of labels, the given labels are used.
    path.write_text(f"path\n{source.ids[5]}\n", encoding="utf-8")
    assert list(source.split(trusted=path)[1].labels) == [labels[5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "column id or path.*Received: name"),
        ("", "Received: an empty file"),
        ("id,label\n", "Received: id, label and no lines"),
        ("id,label\n000001,a\n,b\n", "the column id .* 1 without: line 3"),
        (
            "id\n000001\n\nnone\n",
            "1 unknown ids of 2: 'none' at line 4. Ids look like",
        ),
        (
            "id\n000001\n000001\n",
            "once in .* 1 more than once: '000001' at line 3",
        ),
        ("id,label\n000001,dog\n", "classes in .*'dog' at line 2"),
        ("id,label\n000001,4\n", "'4' at line 2"),
        (f"id\n{'x' * 140_000}\n", "to be a CSV file. .* limit .* at line"),
    ],
)
def test_bad_files_are_reported(tmp_path, text, message):
    path = tmp_path / "trusted.csv"
    path.write_text(text, encoding="utf-8")
    images, labels = toy.pictures(12)
    with pytest.raises(ValueError, match=message):
        nk.data.from_arrays(images, labels).split(trusted=str(path))


def test_a_binary_file_is_reported(tmp_path):
    path = tmp_path / "trusted.csv"
    path.write_bytes(b"id,label\n\x81,1\n")
    with pytest.raises(ValueError, match="text in UTF-8, .* at byte 9"):
        toy.source(8).split(trusted=path)
    with pytest.raises(OSError, match="nowhere.csv"):
        toy.source(8).split(trusted=tmp_path / "nowhere.csv")


def test_spreadsheets_write_headers_as_they_like(tmp_path):
    path = tmp_path / "trusted.csv"
    path.write_text("\ufeffid, label\r\n000001, 3\r\n", encoding="utf-8")
    listed = partition.read_names(path)
    assert (listed.column, listed.names) == ("id", ["000001"])
    assert (listed.labels, listed.lines) == ([" 3"], [2])
    assert list(listed.numbers(("a", "b", "c", "d"))) == [3]


def test_all_classes_that_are_too_small_are_reported():
    images, _ = toy.pictures(8)
    names = ["ant", "bee", "cat", "dog"]
    source = nk.data.from_arrays(
        images, [0, 0, 0, 0, 1, 2, 2, 2], class_names=names
    )
    sizes = "'bee' has 1 samples, class 'dog' has 0 samples"
    with pytest.raises(ValueError, match=f"trusted=2; class {sizes}"):
        source.split(trusted=2)
    with pytest.raises(ValueError, match="trusted=3; .*'cat' has 3 samples"):
        source.split(trusted=3)


def test_all_of_a_class_may_be_chosen_where_none_must_be_left():
    source = toy.source(8, rate=0.5)
    rows = partition.of_each_class(source, 2, seed=3, spare=0)
    assert list(rows) == list(range(8))
    rows = partition.of_each_class(source, 1, seed=3)
    assert sorted(source.true_labels[rows]) == [0, 1, 2, 3]
    assert list(rows) == list(partition.of_each_class(source, 1, seed=3))
    assert list(rows) != list(partition.of_each_class(source, 1, seed=5))


def test_something_must_be_left_to_train_on():
    source = toy.source(8)
    with pytest.raises(ValueError, match="all 8 trusted"):
        source.split(trusted=list(source.ids))
    with pytest.raises(ValueError, match="Received: none"):
        source.split(trusted=np.array([], object))
