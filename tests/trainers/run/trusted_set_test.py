"""Which samples a run trusts, and that noise and training spare them."""

import numpy as np
import pytest

from noisy_keras.data import batches
from noisy_keras.data import layouts
from tests import drawn
from tests.trainers.flags.settings_test import resolve
from tests.trainers.run import data_test
from tests.trainers.run.data_test import Splits
from trainers import UsageError
from trainers.run import data
from trainers.run import description
from trainers.run import feature_files
from trainers.run import folder as run_folder
from trainers.run import prepare
from trainers.run import train
from trainers.run import trusted_set


def digits(**changes):
    noise = {"noise_type": "symmetric", "noise_rate": 0.5}
    return data_test.digits(**{"trusted": 4} | noise | changes)


def pictures(root, *splits, **changes):
    given = data_test.options(Splits.write(root, *splits))
    return given | {"noise_type": "symmetric", "noise_rate": 0.5} | changes


def listed(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_as_many_of_each_class_are_taken_out_and_have_right_labels():
    whole = data.sources(digits(trusted=None), None)
    assert whole.trusted is None and whole.removed == 0
    found = data.sources(digits(), None)
    assert list(np.bincount(found.trusted.labels)) == [4] * 10
    assert found.removed == 40
    assert found.train.num_samples == 1257 - 40
    assert not set(found.train.ids) & set(found.trusted.ids)
    clean = data.sources(
        digits(trusted=None, noise_type="none", noise_rate=0.0), None
    ).train
    right = dict(zip(clean.ids, clean.labels, strict=True))
    assert list(found.trusted.labels) == [right[i] for i in found.trusted.ids]
    assert found.trusted.noise is None
    # The noise is of all of the rest.
    wrong = [right[i] for i in found.train.ids] != found.train.labels
    assert found.train.noise["realized_rate"] == pytest.approx(np.mean(wrong))


def test_the_choice_follows_from_the_seed_of_the_noise():
    one, same, other = (
        data.sources(digits(noise_seed=seed), None).trusted
        for seed in (3, 3, 4)
    )
    assert list(one.ids) == list(same.ids)
    assert list(one.ids) != list(other.ids)


def test_true_labels_are_in_no_training_batch():
    found = data.sources(digits(), None)
    labels = found.train.labels
    assert (labels != found.train.true_labels).any()
    steps = batches.for_evaluation(found.train, 500)
    shown = np.concatenate([label for _, label in steps.as_numpy_iterator()])
    np.testing.assert_array_equal(shown, labels)
    targets = found.train.fetch_targets(np.arange(len(labels))).numpy()
    np.testing.assert_array_equal(targets.argmax(axis=1), labels)


def test_a_bound_on_training_comes_first():
    found = data.sources(digits(max_train_samples=200, trusted=2), None)
    first = data.sources(digits(trusted=None), None).train.ids[:200]
    assert found.train.num_samples == 180
    assert set(found.train.ids) | set(found.trusted.ids) == set(first)
    with pytest.raises(UsageError, match="--trusted: .*trusted=30; class '0'"):
        data.sources(digits(max_train_samples=200, trusted=30), None)


def test_classes_that_are_left_out_are_not_trusted():
    found = data.sources(digits(noise_foreign_classes=["8", "3"]), None)
    assert found.trusted.class_names == tuple("01245679")
    assert list(np.bincount(found.trusted.labels)) == [4] * 8


def test_what_is_trusted_is_no_foreign_picture():
    given = digits(
        noise_foreign_classes=["8", "3"], noise_type="open_set", noise_rate=0.2
    )
    found = data.sources(given, None)
    assert found.train.foreign.any() and found.trusted.foreign is None


def test_a_manifest_made_beside_a_trusted_set_applies_again(tmp_path):
    found = data.sources(digits(), None)
    run_folder.keep_labels(tmp_path, found.train, resumed=False)
    path = str(tmp_path / run_folder.LABELS)
    given = digits(noise_manifest=path, noise_type="none", noise_rate=0.0)
    again = data.sources(given, None)
    assert list(again.train.labels) == list(found.train.labels)
    assert list(again.trusted.ids) == list(found.trusted.ids)
    run_folder.keep_labels(tmp_path, again.train, resumed=True)
    other = data.sources(digits(noise_seed=1), None)
    with pytest.raises(UsageError, match="begun with other labels"):
        run_folder.keep_labels(tmp_path, other.train, resumed=True)


def test_labels_of_a_run_without_a_trusted_set_are_spared_of_it(tmp_path):
    noisy = data.sources(digits(trusted=None), None).train
    run_folder.keep_labels(tmp_path, noisy, resumed=False)
    path = str(tmp_path / run_folder.LABELS)
    found = data.sources(digits(noise_manifest=path), None)
    given = dict(zip(noisy.ids, noisy.labels, strict=True))
    assert list(found.train.labels) == [given[i] for i in found.train.ids]
    true = dict(zip(noisy.ids, noisy.true_labels, strict=True))
    assert list(found.trusted.labels) == [true[i] for i in found.trusted.ids]


def test_a_file_names_samples_and_their_labels(tmp_path):
    train = data.sources(
        digits(trusted=None, noise_type="none", noise_rate=0.0), None
    ).train
    rows = [np.flatnonzero(train.labels == c)[c] for c in range(10)]
    # A person may know better than the data set.
    lines = [f"{train.ids[r]},{(c + 1) % 10}" for c, r in enumerate(rows)]
    path = listed(tmp_path / "trusted.csv", "id,label", *lines)
    found = data.sources(digits(trusted=None, trusted_csv=path), None)
    assert set(found.trusted.ids) == {train.ids[r] for r in rows}
    expected = dict(line.split(",") for line in lines)
    assert [expected[i] for i in found.trusted.ids] == [
        str(c) for c in found.trusted.labels
    ]
    assert found.removed == 10 and found.train.num_samples == 1247
    assert not set(found.train.ids) & set(found.trusted.ids)
    # Beyond a bound on training they are trusted all the same.
    few = data.sources(
        digits(trusted=None, trusted_csv=path, max_train_samples=100), None
    )
    assert few.trusted.num_samples == 10
    inside = set(train.ids[:100]) & set(few.trusted.ids)
    assert few.removed == len(inside) < 10
    assert few.train.num_samples == 100 - len(inside)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,label", "digit_0001,1", "nobody,2"], "'nobody' at line 3"),
        (["id,label", "digit_0001,ten"], "'ten' at line 2"),
        (["name,label", "digit_0001,1"], "Received: name, label"),
        (["id,label", "TEST,1"], "unknown ids of 1: '.*' at line 2"),
        (
            ["id,label", "TRAIN,1"],
            "of all 10 classes; got none of 0, 2, 3, 4, 5, 6, 7, 8, 9$",
        ),
        (["path,label", "nowhere.png,1"], r"nowhere.png \(line 2\)"),
    ],
)
def test_unusable_files_are_reported(tmp_path, lines, message):
    plain = data.sources(digits(trusted=None), None)
    known = {"TEST": plain.test.ids[0], "TRAIN": plain.train.ids[0]}
    for name, known_id in known.items():
        lines = [line.replace(name, known_id) for line in lines]
    path = listed(tmp_path / "trusted.csv", *lines)
    with pytest.raises(UsageError, match=f"--trusted_csv: .*{message}"):
        data.sources(digits(trusted=None, trusted_csv=path), None)


def test_pictures_of_another_folder_are_trusted(tmp_path):
    given = pictures(tmp_path / "set")
    other = pictures(tmp_path / "checked")["dataset"].removeprefix("folder:")
    names = [f"{c}/{n}.png,{c}" for c, n in (("cat", 0), ("dog", 1))]
    path = listed(tmp_path / "checked" / "a.csv", "path,label", *names)
    found = data.sources(given | {"trusted_csv": path}, None)
    assert found.trusted.root == other
    assert found.removed == 0 and found.train.num_samples == 36
    assert found.trusted.image_shape == found.train.image_shape
    assert found.trusted.class_names == found.train.class_names
    assert list(found.trusted.labels) == [0, 1]
    # Pictures of the training split have the same names, and are others.
    features = tmp_path / "features.npy"
    np.save(features, np.arange(40.0)[:, None])
    with pytest.raises(UsageError, match="--features: .*no row in"):
        feature_files.rows(str(features), found)


def test_pictures_in_training_are_taken_out_under_any_name(tmp_path):
    given = pictures(tmp_path / "set")
    plain = data.sources(given, None)
    ids = [str(name) for name in plain.train.ids]
    cat, dog = (
        next(name for name in ids if name.startswith(c)) for c in ("cat", "dog")
    )
    (tmp_path / "link").symlink_to(tmp_path / "set", target_is_directory=True)
    Splits.write(tmp_path / "more")
    path = listed(
        tmp_path / "a.csv",
        "path,label",
        f"set/{cat},cat",
        f"set/./{dog},dog",
        "more/cat/0.png,cat",
    )
    found = data.sources(given | {"trusted_csv": path}, None)
    assert found.trusted.num_samples == 3 and found.removed == 2
    assert set(found.train.ids) == set(ids) - {cat, dog}
    expected = trusted_set.describe(found.trusted, given, found.removed)
    assert expected == (
        "3 trusted images (1 to 2 per class), 2 of them taken out of training"
    )
    # The folder of the file itself may be a link.
    listed(tmp_path / "set" / "a.csv", "path,label", f"{cat},cat", f"{dog},dog")
    linked = str(tmp_path / "link" / "a.csv")
    found = data.sources(given | {"trusted_csv": linked}, None)
    assert found.removed == 2


def test_ids_of_a_folder_are_found_from_anywhere(tmp_path):
    given = pictures(tmp_path / "set")
    ids = [str(name) for name in data.sources(given, None).train.ids]
    cat, dog = (
        next(name for name in ids if name.startswith(c)) for c in ("cat", "dog")
    )
    (tmp_path / "elsewhere").mkdir()
    for lines in (
        ["path,label", f"{cat},cat", f"{dog},dog"],
        ["id,label", f"{cat},0", f"{dog},1"],
        ["id", cat, dog],
        ["path", cat, dog],
    ):
        path = listed(tmp_path / "elsewhere" / "a.csv", *lines)
        found = data.sources(given | {"trusted_csv": path}, None)
        assert list(found.trusted.ids) == [cat, dog]
        assert list(found.trusted.labels) == [0, 1]
        assert found.removed == 2


def test_pictures_that_judge_a_model_are_refused(tmp_path):
    given = pictures(tmp_path, "train", "val", "test")
    lines = ["path,label", "train/cat/0.png,cat", "val/dog/1.png,dog"]
    path = listed(tmp_path / "a.csv", *lines)
    with pytest.raises(UsageError, match="of the validation split.* got 1 of"):
        data.sources(given | {"trusted_csv": path}, None)


def test_pictures_of_another_shape_are_refused(tmp_path):
    import noisy_keras as nk

    Splits.write(tmp_path)
    names = [f"{c}/{n}.png,{c}" for c, n in (("cat", 0), ("dog", 1))]
    path = listed(tmp_path / "a.csv", "path,label", *names)
    grey = nk.data.from_arrays(
        np.zeros((6, 8, 8, 1), np.uint8),
        [0, 1] * 3,
        class_names=("cat", "dog"),
    )
    given = {"trusted": None, "trusted_csv": path}
    with pytest.raises(UsageError, match=r"shape \(8, 8, 1\).*; got \(8, 8, 3"):
        trusted_set.take(given, grey, grey, {}, None)


def test_something_must_be_left_to_train_on(tmp_path):
    given = pictures(tmp_path)
    few = given | {"max_train_samples": 2}
    ids = data.sources(few, None).train.ids
    path = listed(
        tmp_path / "a.csv",
        "path,label",
        *(f"{name},{name.split('/')[0]}" for name in ids),
    )
    with pytest.raises(UsageError, match="to train on .* got all 2 trusted"):
        data.sources(few | {"trusted_csv": path}, None)


def test_labels_that_people_checked_come_from_their_own_split(tmp_path):
    drawn.clothing1m(tmp_path, train=56, judged=14)
    keys = (tmp_path / "noisy_train_key_list.txt").read_text().split()
    # Half of the checked pictures are in training, too.
    beyond = (tmp_path / "clean_test_key_list.txt").read_text().split()
    (tmp_path / "clean_test_key_list.txt").write_text("\n".join(beyond[:7]))
    (tmp_path / "clean_train_key_list.txt").write_text(
        "\n".join(keys[:14] + beyond[7:])
    )
    given = data_test.options(
        "clothing1m", image_size=32, trusted=1, noise_type="estimated"
    )
    found = data.sources(given, str(tmp_path))
    assert list(np.bincount(found.trusted.labels)) == [1] * 14
    right = dict(
        line.split()
        for line in (tmp_path / "clean_label_kv.txt").read_text().splitlines()
    )
    for name, label in zip(
        found.trusted.ids, found.trusted.labels, strict=True
    ):
        assert str(label) == right[name]
    inside = set(found.trusted.ids) & set(keys)
    assert found.removed == len(inside) > 0
    assert set(found.train.ids) == set(keys) - inside
    # Nobody need check these again.
    expected = trusted_set.describe(found.trusted, given, found.removed)
    assert expected.startswith("14 trusted images (1 per class), ")
    assert "nobody" not in expected
    assert layouts.BY_NAME["clothing1m"].trusted is not None
    with pytest.raises(UsageError, match="--trusted: .*trusted=3; class 'T-Sh"):
        data.sources(given | {"trusted": 3}, str(tmp_path))


def test_labels_that_nobody_checked_are_reported(tmp_path):
    given = pictures(tmp_path, trusted=2, noise_type="estimated")
    found = data.sources(given, None)
    expected = trusted_set.describe(found.trusted, given, found.removed)
    assert expected == (
        "4 trusted images (2 per class), 4 of them taken out of training; "
        "nobody has checked that their labels are right"
    )
    clean = given | {"noise_type": "none", "noise_rate": 0.0}
    assert "nobody" not in trusted_set.describe(found.trusted, clean, 4)
    known = found.trusted.relabel(found.trusted.labels)
    known.true_labels = known.labels
    assert "nobody" not in trusted_set.describe(known, given, 4)


@pytest.fixture
def run(tmp_path):
    """A run of cross-entropy, but with a trusted set."""
    import noisy_keras as nk

    def prepared(**flags):
        settings = resolve(
            "l2r", max_train_samples=200, width=4, batch_size=32, **flags
        )
        return prepare.prepare(
            settings,
            None,
            "none",
            lambda network, source, _: nk.CrossEntropy(
                network, source.num_samples
            ),
        )

    return prepared


def test_a_run_describes_and_passes_its_trusted_set(run):
    prepared = run(trusted=2)
    assert prepared.trusted.num_samples == 20
    assert train.fit_options(prepared)["trusted"] is prepared.trusted
    expected = description.describe(prepared)
    assert "180 training images, 10 classes, 40% symmetric noise" in expected
    assert "\n20 trusted images (2 per class), 20 of them taken out" in expected
    assert "cosine" not in expected
    assert "in cosine restarts" in description.describe(
        run(trusted=2, restart_steps=5)
    )


def test_other_methods_are_handed_nothing(run):
    prepared = run(trusted=2)
    prepared.trusted = None
    assert "trusted" not in train.fit_options(prepared)
    assert "trusted" not in description.describe(prepared)
    assert "trusted_samples" not in prepare.used(prepared)


def test_a_run_goes_on_with_the_same_trusted_samples_alone(run, tmp_path):
    settings = resolve("ieg", trusted=2)
    config = {"settings": settings.as_dict(), **prepare.used(run(trusted=2))}
    run_folder.write_json(f"{tmp_path}/config.json", config)
    assert config["settings"]["data"]["trusted"] == 2
    assert run_folder.check(tmp_path, settings, resume=True)
    with pytest.raises(UsageError, match="data.trusted was 2, now 3"):
        run_folder.check(tmp_path, resolve("ieg", trusted=3), resume=True)
    run_folder.check_used(tmp_path, prepare.used(run(trusted=2)))
    # The same flags, but a file that has changed.
    with pytest.raises(UsageError, match="trusted_samples: sha256 was"):
        run_folder.check_used(
            tmp_path, prepare.used(run(trusted=2, noise_seed=5))
        )
