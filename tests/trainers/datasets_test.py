import pytest

import noisy_keras as nk
from noisy_keras.data import layouts
from noisy_keras.data import origin
from trainers import data
from trainers import datasets
from trainers import run_folder
from trainers.usage import UsageError


def test_names_are_those_of_the_library():
    assert datasets.LAYOUTS == tuple(sorted(layouts.BY_NAME))
    assert datasets.PREFIXES == origin.KINDS
    assert sorted((*datasets.NAMES, *datasets.LAYOUTS)) == list(nk.data.NAMES)


@pytest.mark.parametrize(
    ("dataset", "short"),
    [
        ("digits", "digits"),
        ("clothing1m", "clothing1m"),
        ("folder:/data/my pictures/", "my pictures"),
        ("csv:some/labels.csv", "labels"),
        ("tfrecord:/data/shards/", "shards"),
        ("tfrecord:/data/x-{split}-*", "x-_split_-_"),
        ("tfds:imagenet_resized/32x32", "imagenet_resized_32x32"),
    ],
)
def test_run_folders_have_short_names(dataset, short):
    assert datasets.short_name(dataset) == short


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("cifar11", "Did you mean 'cifar10'"),
        ("folder:nowhere", "'nowhere', which is no folder"),
        ("csv:nowhere.csv", "'nowhere.csv', which is no file"),
        ("tfrecord:nowhere", "'nowhere', where there are none"),
        ("tfds:", "expected tfds:NAME"),
        ("dir:x", "folder:PATH, csv:PATH, .*; got 'dir:x'"),
    ],
)
def test_what_cannot_be_meant_is_told(dataset, message):
    with pytest.raises(UsageError, match=message):
        datasets.check(dataset)


class Splits:
    """A data set of pictures with some of the splits."""

    @staticmethod
    def write(root, *splits):
        from PIL import Image

        for split in splits or ("",):
            for number in range(40):
                name = ("cat", "dog")[number % 2]
                path = root / split / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
        return f"folder:{root}"


def options(dataset, **changes):
    return {
        "dataset": dataset,
        "image_size": 8,
        "max_train_samples": None,
        "validation": None,
        "noise_type": "none",
        "noise_rate": 0.0,
        "noise_seed": 0,
        "noise_convention": None,
        "noise_manifest": None,
        "noise_matrix": None,
        "noise_foreign": None,
        "noise_share": None,
    } | changes


def test_a_tenth_is_held_out_where_there_is_no_validation(tmp_path):
    given = options(Splits.write(tmp_path))
    train, validation, test = data.sources(given, None)
    assert (train.num_samples, validation.num_samples) == (36, 4)
    assert test is None
    assert not set(train.ids) & set(validation.ids)
    assert sorted(validation.labels) == [0, 0, 1, 1]


def test_splits_of_its_own_are_used(tmp_path):
    given = options(Splits.write(tmp_path, "train", "val", "test"))
    train, validation, test = data.sources(given, None)
    assert [s.num_samples for s in (train, validation, test)] == [40, 40, 40]
    with pytest.raises(UsageError, match="has a validation split of its own"):
        data.sources(given | {"validation": 0.2}, None)


def test_a_test_split_alone_may_judge(tmp_path):
    given = options(Splits.write(tmp_path, "train", "test"), validation=0.0)
    _, validation, test = data.sources(given, None)
    assert validation is None and test.num_samples == 40


def test_something_must_judge(tmp_path):
    given = options(Splits.write(tmp_path), validation=0.0)
    with pytest.raises(UsageError, match="no test split to judge"):
        data.sources(given, None)


def test_few_samples_are_of_all_classes(tmp_path):
    given = options(Splits.write(tmp_path), max_train_samples=10)
    train, _, _ = data.sources(given, None)
    assert sorted(train.labels) == [0] * 5 + [1] * 5


def test_a_run_starts_with_the_labels_of_another(tmp_path):
    given = options(Splits.write(tmp_path / "pictures"))
    noisy = given | {"noise_type": "symmetric", "noise_rate": 0.5}
    train, _, _ = data.sources(noisy, None)
    run_folder.keep_labels(tmp_path, train, resumed=False)
    path = tmp_path / run_folder.LABELS
    again, _, _ = data.sources(given | {"noise_manifest": path}, None)
    assert list(again.labels) == list(train.labels)
    assert again.noise["realized_rate"] == train.noise["realized_rate"]


def test_a_run_goes_on_with_its_own_labels_alone(tmp_path):
    given = options(Splits.write(tmp_path / "pictures"))
    train, _, _ = data.sources(given, None)
    run_folder.keep_labels(tmp_path, train, resumed=False)
    run_folder.keep_labels(tmp_path, train, resumed=True)
    other = train.relabel(1 - train.labels)
    with pytest.raises(UsageError, match="begun with other labels"):
        run_folder.keep_labels(tmp_path, other, resumed=True)
