import numpy as np
import pytest

import noisy_keras as nk
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
    # By name and by number; labels of the file win.
    path.write_text(
        f"id,label\n{source.ids[5]},d\n{source.ids[1]},0\n", encoding="utf-8"
    )
    rest, trusted = source.split(trusted=path)
    assert list(trusted.ids) == [source.ids[1], source.ids[5]]
    assert list(trusted.labels) == [0, 3]
    assert not set(rest.ids) & set(trusted.ids)
    # Without a column of labels, those given are taken.
    path.write_text(f"path\n{source.ids[5]}\n", encoding="utf-8")
    assert list(source.split(trusted=path)[1].labels) == [labels[5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "column id or path.*Received: name"),
        ("", "Received: no rows"),
        ("id\nnone\n", "1 of 1 that are not there: none. Ids look like"),
        ("id\n000001\n000001\n", "once in .* 1 doubled: 000001"),
        ("id,label\n000001,dog\n", "classes in .*'dog' at line 2"),
        ("id,label\n000001,4\n", "'4' at line 2"),
    ],
)
def test_bad_files_are_told(tmp_path, text, message):
    path = tmp_path / "trusted.csv"
    path.write_text(text, encoding="utf-8")
    images, labels = toy.pictures(12)
    with pytest.raises(ValueError, match=message):
        nk.data.from_arrays(images, labels).split(trusted=str(path))


def test_something_must_be_left_to_train_on():
    source = toy.source(8)
    with pytest.raises(ValueError, match="all 8 trusted"):
        source.split(trusted=list(source.ids))
    with pytest.raises(ValueError, match="Received: none"):
        source.split(trusted=np.array([], object))
