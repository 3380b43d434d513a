"""Labels corrected by an edited audit, on the way into a run and back."""

import csv

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.sources import manifest
from noisy_keras.utils import files
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.run import data as data_module
from trainers.run import description
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import prepare


def edited(folder, *rows, name="edited.csv"):
    path = folder / name
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "corrected_label"])
        writer.writerows(rows)
    return str(path)


def settings(**flags):
    return resolve("cross_entropy", max_train_samples=200, **flags)


def test_audits_are_read_one_after_the_other(tmp_path):
    plain = data_module.sources(settings().data, None).train
    first = edited(tmp_path, [plain.ids[3], "7"], [plain.ids[4], "drop"])
    second = edited(tmp_path, [plain.ids[3], "8"], name="second.csv")
    given = settings(audit=[first, second]).data
    assert given["audit"] == [first, second]
    found = data_module.sources(given, None)
    assert [int(c.changed.sum()) for c in found.corrections] == [1, 1]
    kept = np.delete(np.arange(200), 4)
    assert list(found.train.ids) == list(plain.ids[kept])
    expected = plain.labels.copy()
    expected[3] = 8
    np.testing.assert_array_equal(found.train.labels, expected[kept])
    np.testing.assert_array_equal(
        found.train.true_labels, plain.true_labels[kept]
    )
    # What else is said of the run, is of the noise before.
    assert found.train.noise == plain.noise


def test_samples_held_out_are_corrected_too(tmp_path):
    # The audit of a run with other bounds.
    whole = data_module.sources(resolve("cross_entropy").data, None)
    ids, beyond = whole.validation.ids, whole.train.ids[300]
    path = edited(tmp_path, [ids[0], "drop"], [ids[1], "7"], [beyond, "drop"])
    given = settings(audit=[path]).data
    sources = data_module.sources(given, None)
    [found] = sources.corrections
    assert found.elsewhere == 1 and not found.left_out.any()
    assert list(sources.validation.ids) == list(ids[1:])
    assert sources.validation.labels[0] == 7
    with pytest.raises(ValueError, match="line 2: unknown id 'nobody'"):
        unknown = edited(tmp_path, ["nobody", "drop"])
        data_module.sources(settings(audit=[unknown]).data, None)


def test_a_run_is_read_back_with_the_labels_it_had(tmp_path):
    plain = data_module.sources(settings().data, None).train
    path = edited(tmp_path, [plain.ids[3], "7"], [plain.ids[4], "drop"])
    chosen = settings(audit=[path])
    train = data_module.sources(chosen.data, None).train
    folder = tmp_path / "run"
    folder.mkdir()
    run_folder.keep_labels(folder, train, resumed=False)
    # Whatever becomes of the file: the labels are the run's own.
    edited(tmp_path, [plain.ids[5], "drop"])
    labels = str(folder / run_folder.LABELS)
    again = data_module.sources(chosen.data, None, labels)
    assert manifest.fingerprint(again.train) == manifest.fingerprint(train)
    assert again.corrections == ()
    model = nk.CrossEntropy(
        nk.networks.build("tiny", train, width=4), train.num_samples
    )
    model.save(folder / run_folder.MODEL)
    run_folder.write_json(
        folder / run_folder.CONFIG, {"settings": chosen.as_dict()}
    )
    loaded = finished_run.load(folder, None)
    assert manifest.fingerprint(loaded.train) == manifest.fingerprint(train)


def test_a_run_of_foreign_pictures_keeps_them(tmp_path):
    noise = {
        "noise_type": "open_set",
        "noise_rate": 0.2,
        "noise_foreign_classes": ["8", "9"],
    }
    plain = data_module.sources(settings(**noise).data, None).train
    path = edited(tmp_path, [plain.ids[0], "drop"])
    given = settings(audit=[path], **noise).data
    train = data_module.sources(given, None).train
    labels = tmp_path / run_folder.LABELS
    with files.replacing(labels, "wb") as stream:
        manifest.save(stream, train)
    again = data_module.sources(given, None, str(labels)).train
    assert manifest.matches(labels, again)
    np.testing.assert_array_equal(again.foreign, plain.foreign[1:])
    np.testing.assert_array_equal(again.fetch([5]), plain.fetch([6]))


def test_the_run_prints_what_was_corrected(tmp_path):
    plain = data_module.sources(settings().data, None).train
    path = edited(tmp_path, [plain.ids[3], str(plain.true_labels[3])])
    run = prepare.prepare(
        settings(audit=[path], width=4),
        None,
        "none",
        lambda network, source, _: nk.CrossEntropy(network, len(source)),
    )
    assert f"samples left out by {path}" in description.describe(run)


@pytest.mark.parametrize("audit", [["nowhere.csv"], [""], []])
def test_a_flag_without_a_file_is_reported(audit):
    with pytest.raises(UsageError, match="--audit: expected"):
        settings(audit=audit)


def test_a_manifest_of_other_samples_is_reported(tmp_path):
    source = nk.data.load("digits")
    with files.replacing(tmp_path / "labels.npz", "wb") as stream:
        manifest.save(stream, source.subset(range(5)))
    with pytest.raises(ValueError, match="of which no sample is in it"):
        manifest.restrict(tmp_path / "labels.npz", source.subset([7, 8]))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK not so")
    for name in ("other.npz", "broken.npz"):
        with pytest.raises(nk.ConfigurationError, match="a noise manifest"):
            manifest.restrict(tmp_path / name, source)
        with pytest.raises(nk.ConfigurationError, match="a noise manifest"):
            manifest.apply(tmp_path / name, source)
