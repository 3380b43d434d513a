"""The flags of data and noise, and what they resolve to."""

import os

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import layouts
from noisy_keras.data.sources import origin
from trainers import UsageError
from trainers import presets
from trainers.flags import data

FLAGS = {
    "noise_type": None,
    "noise_rate": None,
    "noise_convention": None,
    "noise_matrix": None,
    "noise_foreign": None,
    "noise_share": None,
    "noise_foreign_classes": None,
    "noise_seed": 0,
    "noise_manifest": None,
}


def test_names_are_those_of_the_library():
    assert data.LAYOUTS == tuple(sorted(layouts.BY_NAME))
    assert data.PREFIXES == origin.KINDS
    checked = [k for k, v in layouts.BY_NAME.items() if v.trusted]
    assert sorted(data.TRUSTED) == sorted(checked)
    assert sorted((*data.NAMES, *data.LAYOUTS)) == list(nk.data.NAMES)


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
    assert data.short_name(dataset) == short


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
def test_unknown_data_sets_are_reported(dataset, message):
    with pytest.raises(UsageError, match=message):
        data.check(dataset)


def test_flags_say_how_folders_and_files_are_read(tmp_path):
    found = data.reading(f"folder:{tmp_path}", {"folder_layout": "classes"})
    assert found == {
        "folder_layout": "classes",
        "path_column": None,
        "label_column": None,
        "image_root": None,
        "labels": None,
    }
    root = os.path.relpath(tmp_path)
    found = data.reading("csv:x.csv", {"image_root": root, "path_column": "p"})
    assert found["image_root"] == str(tmp_path) and found["path_column"] == "p"
    remote = {"image_root": "gs://bucket/x"}
    assert data.reading("csv:x.csv", remote)["image_root"] == "gs://bucket/x"


@pytest.mark.parametrize(
    ("dataset", "name", "value", "message"),
    [
        ("digits", "folder_layout", "classes", "with --dataset=folder:PATH"),
        ("csv:x.csv", "folder_layout", "splits", "with --dataset=folder:PATH"),
        ("folder:x", "label_column", "y", "with --dataset=csv:PATH alone; got"),
        ("tfds:mnist", "image_root", ".", "with --dataset=csv:PATH alone"),
        ("csv:x.csv", "image_root", "nowhere", "'nowhere', which is no folder"),
    ],
)
def test_flags_of_other_data_sets_are_reported(dataset, name, value, message):
    with pytest.raises(UsageError, match=f"--{name}: expected .*{message}"):
        data.reading(dataset, {name: value})


def test_columns_and_layouts_are_those_of_the_library():
    given = dict.fromkeys(
        ("layout", "path_column", "label_column", "image_root"), "x"
    )
    with pytest.raises(ValueError, match="layout with folder:PATH alone"):
        origin.find("digits", layout="classes")
    with pytest.raises(ValueError, match="with csv:PATH alone"):
        origin.find("tfds:mnist", **given | {"layout": None})


def resolve(dataset="digits", **changes):
    return data.noise_settings(dataset, FLAGS | changes)


def test_noise_is_estimated_unless_a_rate_is_given(tmp_path):
    dataset = f"folder:{tmp_path}"
    found = resolve(dataset)
    assert found["noise_type"] == presets.ESTIMATED
    assert found["noise_rate"] is None
    found = resolve(dataset, noise_type="none", noise_rate=0.2)
    assert (found["noise_type"], found["noise_rate"]) == ("none", 0.2)
    found = resolve(dataset, noise_type="none")
    assert found["noise_rate"] == 0.0


def test_the_share_that_a_weak_network_learns_from():
    assert resolve(noise_type="semantic")["noise_share"] == 0.05
    assert resolve("cifar100", noise_type="semantic")["noise_share"] == 0.2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"noise_type": "confusion"}, "--noise_matrix: expected a file"),
        (
            {"noise_type": "confusion", "noise_matrix": "nowhere.npy"},
            "'nowhere.npy', which is no file",
        ),
        (
            {"noise_type": "open_set"},
            "--noise_foreign: expected a data set.* or --noise_foreign_classes",
        ),
        (
            {"noise_foreign_classes": ["1", "4", "1"]},
            "--noise_foreign_classes: expected different names.*got '1,4,1'",
        ),
        ({"noise_foreign_classes": []}, "such as cat,automobile; got ''"),
        ({"noise_foreign_classes": ["1", ""]}, "automobile; got '1,'"),
        (
            {"noise_type": "uniform_ood"},
            "--noise_foreign: .* with --noise_type=uniform_ood; got none",
        ),
        (
            {
                "noise_type": "uniform_ood",
                "noise_foreign_classes": ["1"],
                "noise_matrix": "m.npy",
            },
            "--noise_matrix: expected none with --noise_type=uniform_ood",
        ),
        (
            {"noise_type": "non_uniform_ood", "noise_foreign_classes": ["1"]},
            "--noise_matrix: .* with --noise_type=non_uniform_ood; got none",
        ),
        (
            {"noise_type": "uniform_id", "noise_matrix": "m.npy"},
            "--noise_matrix: .*alone; got --noise_type=uniform_id",
        ),
        (
            {"noise_type": "uniform_id", "noise_foreign": "cifar100"},
            "--noise_foreign: expected with --noise_type=open_set alone",
        ),
        (
            {"dataset": "tfds:mnist", "noise_type": "uniform_id"},
            "expected a share .* with --noise_type=uniform_id; got none",
        ),
        (
            {
                "noise_manifest": "labels.npz",
                "noise_type": "open_set",
                "noise_foreign": "cifar",
            },
            "--noise_foreign: expected one of .*; got 'cifar'",
        ),
        (
            {"noise_type": "open_set", "noise_foreign": "cifar"},
            "--noise_foreign: expected one of .*; got 'cifar'",
        ),
        ({"noise_foreign": "cifar100"}, "--noise_type=open_set alone"),
        (
            {"noise_type": "semantic", "noise_rate": 0.3},
            "--noise_rate: expected none with --noise_type=semantic",
        ),
        (
            {"noise_type": "semantic", "noise_share": 1.0},
            r"--noise_share: expected a share in \(0, 1\); got 1.0",
        ),
        (
            {"dataset": "tfds:mnist", "noise_type": "symmetric"},
            "--noise_rate: expected a share .*; got none",
        ),
        (
            {"noise_manifest": "labels.npz", "noise_convention": "ieg"},
            "--noise_convention: expected none beside --noise_manifest",
        ),
        ({"noise_manifest": "labels.npz"}, "'labels.npz', which is no file"),
    ],
)
def test_flags_that_do_not_go_together_are_reported(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve(**flags)


def test_classes_are_left_out_with_or_without_noise(tmp_path):
    assert resolve()["noise_foreign_classes"] is None
    found = resolve(noise_foreign_classes=["4", "1"])
    assert found["noise_foreign_classes"] == ["4", "1"]
    assert (found["noise_type"], found["noise_rate"]) == ("symmetric", 0.4)
    found = resolve(noise_type="open_set", noise_foreign_classes=["1"])
    assert found["noise_foreign"] is None
    (tmp_path / "labels.npz").touch()
    found = resolve(
        noise_manifest=str(tmp_path / "labels.npz"),
        noise_type="uniform_ood",
        noise_foreign="cifar100",
        noise_foreign_classes=["1"],
    )
    assert found["noise_type"] == "open_set"


@pytest.mark.parametrize(
    ("name", "matrix", "flags", "kind", "convention"),
    [
        ("uniform_id", False, {}, "symmetric", "exclude_true"),
        (
            "uniform_id",
            False,
            {"noise_convention": "ieg"},
            "symmetric",
            "ieg",
        ),
        ("non_uniform_id", False, {}, "asymmetric", "matrix"),
        (
            "non_uniform_id",
            False,
            {"noise_convention": "per_class"},
            "asymmetric",
            "per_class",
        ),
        ("non_uniform_id", True, {}, "confusion", None),
        ("uniform_ood", False, {"noise_foreign": "cifar100"}, "open_set", None),
        (
            "non_uniform_ood",
            True,
            {"noise_foreign_classes": ["1"]},
            "open_set",
            None,
        ),
    ],
)
def test_names_of_drpl(name, matrix, flags, kind, convention, tmp_path):
    if matrix:
        path = str(tmp_path / "m.npy")
        np.save(path, np.eye(10))
        flags = flags | {"noise_matrix": path}
    found = resolve(noise_type=name, **flags)
    assert found["noise_type"] == kind and kind in data.TYPES
    assert found["noise_rate"] == 0.4
    assert found["noise_convention"] == convention
    # The same as flags of its own.
    plain = flags | {"noise_type": kind, "noise_convention": convention}
    assert found == resolve(**plain)


def test_names_of_drpl_choose_the_preset_of_a_manifest(tmp_path):
    (tmp_path / "labels.npz").touch()
    path = str(tmp_path / "labels.npz")
    for name in ("uniform_id", "non_uniform_id", "non_uniform_ood"):
        found = resolve(noise_type=name, noise_manifest=path)
        assert found["noise_convention"] is None
