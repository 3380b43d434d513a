"""The sources of a run: splits, bounds, classes left out, labels."""

import numpy as np
import pytest

from trainers import UsageError
from trainers.run import data
from trainers.run import folder as run_folder


class Splits:
    """A data set of pictures with some of the splits."""

    @staticmethod
    def write(root, *splits, names=("cat", "dog")):
        from PIL import Image

        for split in splits or ("",):
            for number in range(40):
                name = names[number % len(names)]
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
        "noise_foreign_classes": None,
        "trusted": None,
        "trusted_csv": None,
    } | changes


def test_a_tenth_is_held_out_where_there_is_no_validation(tmp_path):
    given = options(Splits.write(tmp_path))
    train, validation, test, *_ = data.sources(given, None)
    assert (train.num_samples, validation.num_samples) == (36, 4)
    assert test is None
    assert not set(train.ids) & set(validation.ids)
    assert sorted(validation.labels) == [0, 0, 1, 1]


def test_splits_of_its_own_are_used(tmp_path):
    given = options(Splits.write(tmp_path, "train", "val", "test"))
    train, validation, test, *_ = data.sources(given, None)
    assert [s.num_samples for s in (train, validation, test)] == [40, 40, 40]
    with pytest.raises(UsageError, match="has a validation split of its own"):
        data.sources(given | {"validation": 0.2}, None)


def test_a_test_split_alone_may_judge(tmp_path):
    given = options(Splits.write(tmp_path, "train", "test"), validation=0.0)
    _, validation, test, *_ = data.sources(given, None)
    assert validation is None and test.num_samples == 40


def test_a_run_may_do_without_being_judged(tmp_path):
    given = options(Splits.write(tmp_path), validation=0.0)
    train, validation, test, *_ = data.sources(given, None)
    assert (train.num_samples, validation, test) == (40, None, None)


def test_few_samples_are_of_all_classes(tmp_path):
    given = options(Splits.write(tmp_path), max_train_samples=10)
    train, *_ = data.sources(given, None)
    assert sorted(train.labels) == [0] * 5 + [1] * 5


def test_a_run_starts_with_the_labels_of_another(tmp_path):
    given = options(Splits.write(tmp_path / "pictures"))
    noisy = given | {"noise_type": "symmetric", "noise_rate": 0.5}
    train, *_ = data.sources(noisy, None)
    run_folder.keep_labels(tmp_path, train, resumed=False)
    path = tmp_path / run_folder.LABELS
    again, *_ = data.sources(given | {"noise_manifest": path}, None)
    assert list(again.labels) == list(train.labels)
    assert again.noise["realized_rate"] == train.noise["realized_rate"]


def test_a_run_goes_on_with_its_own_labels_alone(tmp_path):
    given = options(Splits.write(tmp_path / "pictures"))
    train, *_ = data.sources(given, None)
    run_folder.keep_labels(tmp_path, train, resumed=False)
    run_folder.keep_labels(tmp_path, train, resumed=True)
    other = train.relabel(1 - train.labels)
    with pytest.raises(UsageError, match="begun with other labels"):
        run_folder.keep_labels(tmp_path, other, resumed=True)


def digits(**changes):
    return options("digits", **({"image_size": None} | changes))


def test_classes_are_left_out_of_all_that_a_run_sees():
    whole = data.sources(digits(), None)[:3]
    given = digits(noise_foreign_classes=["8", "3"])
    names = tuple("01245679")
    found = data.sources(given, None)[:3]
    for before, after in zip(whole, found, strict=True):
        assert after.class_names == names
        stay = [i for i, c in enumerate(before.labels) if c not in (3, 8)]
        assert list(after.ids) == list(before.ids[stay])
        expected = [names[c] for c in after.labels]
        assert expected == [str(before.labels[i]) for i in stay]


def test_a_bound_comes_before_classes_are_left_out():
    whole, *_ = data.sources(digits(), None)
    given = digits(noise_foreign_classes=["1"], max_train_samples=50)
    train, *_ = data.sources(given, None)
    assert list(train.ids) == list(whole.ids[:50][whole.labels[:50] != 1])
    noisy = given | {"noise_type": "symmetric", "noise_rate": 0.5}
    train, validation, *_ = data.sources(noisy, None)
    assert train.noise["type"] == "symmetric" and train.foreign is None
    assert train.num_classes == validation.num_classes == 9


def test_foreign_pictures_are_of_classes_left_out_of_the_whole_split():
    whole, validation, test, *_ = data.sources(digits(), None)
    of_foreign = whole.ids[np.isin(whole.labels, (3, 8))]
    given = digits(
        noise_foreign_classes=["8", "3"],
        max_train_samples=200,
        noise_type="open_set",
        noise_rate=0.5,
    )
    train, judged, *_ = data.sources(given, None)
    assert train.foreign.sum() == int(0.5 * train.num_samples)
    shown = train.foreign_ids[train.foreign]
    assert set(shown) <= set(of_foreign)
    assert len(set(shown)) == len(shown)
    assert set(shown) - set(whole.ids[:200])
    assert judged.foreign is None
    place = {text: row for row, text in enumerate(whole.ids)}
    for row in np.flatnonzero(train.foreign)[:5]:
        picture = whole.fetch([place[train.foreign_ids[row]]])
        np.testing.assert_array_equal(train.fetch([row]), picture)


def test_foreign_pictures_are_none_of_those_held_out(tmp_path):
    given = options(
        Splits.write(tmp_path, names=("cat", "cow", "dog")),
        noise_foreign_classes=["cow"],
        noise_type="open_set",
        noise_rate=0.4,
        validation=0.4,
    )
    _, held, *_ = data.sources(
        given | {"noise_type": "none", "noise_foreign_classes": None}, None
    )
    train, validation, *_ = data.sources(given, None)
    assert train.class_names == validation.class_names == ("cat", "dog")
    shown = set(train.foreign_ids[train.foreign])
    assert len(shown) == train.foreign.sum() > 0
    assert all(text.startswith("cow/") for text in shown)
    assert not shown & set(held.ids)
    assert set(validation.ids) == {i for i in held.ids if i[:3] != "cow"}
    with pytest.raises(UsageError, match="--noise_rate: .* 0.5, .*got 0.6"):
        data.sources(given | {"noise_rate": 0.6}, None)


def test_a_run_starts_with_the_foreign_pictures_of_another(tmp_path):
    given = digits(noise_foreign_classes=["8", "3"], max_train_samples=200)
    noisy = given | {"noise_type": "open_set", "noise_rate": 0.5}
    train, *_ = data.sources(noisy, None)
    run_folder.keep_labels(tmp_path, train, resumed=False)
    path = tmp_path / run_folder.LABELS
    again, *_ = data.sources(given | {"noise_manifest": path}, None)
    assert list(again.foreign_ids) == list(train.foreign_ids)
    run_folder.keep_labels(tmp_path, again, resumed=True)
    # Labels stay: they alone would not tell of another choice.
    other, *_ = data.sources(noisy | {"noise_seed": 1}, None)
    assert list(other.labels) == list(train.labels)
    with pytest.raises(UsageError, match="begun with other labels"):
        run_folder.keep_labels(tmp_path, other, resumed=True)
    with pytest.raises(ValueError, match="Expected a manifest of the classes"):
        data.sources(digits(noise_manifest=path), None)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["seven"], "--noise_foreign_classes: .*Received: 'seven'"),
        (["10"], r"numbers in \[0, 10\). Received: '10'"),
        (["7", "07"], "Received: '7' twice"),
        (list("123456789"), "at least 2 of the 10 classes .* leaves 1"),
    ],
)
def test_classes_that_cannot_be_left_out_are_reported(names, message):
    with pytest.raises(UsageError, match=message):
        data.sources(digits(noise_foreign_classes=names), None)
