"""The flags of the trusted set."""

import pytest

import noisy_keras as nk
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.flags import common as common_flags


def test_views_are_those_of_the_library():
    assert tuple(common_flags.VIEWS) == nk.data.VIEWS


def test_trusted_flags_replace_and_are_listed(tmp_path):
    found = resolve("ieg", trusted=3)
    assert found.data["trusted"] == 3
    assert found.replaced == ("trusted",)
    path = tmp_path / "trusted.csv"
    path.write_text("id\n", encoding="utf-8")
    found = resolve("ieg", trusted_csv=str(path))
    assert found.data["trusted"] is None
    assert found.data["trusted_csv"] == str(path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"trusted": 3, "trusted_csv": "a.csv"},
            "--trusted: expected none beside --trusted_csv, as each .*; got 3",
        ),
        (
            {"trusted_csv": "nowhere.csv"},
            "--trusted_csv: expected a CSV file.*'nowhere.csv', which is no",
        ),
        (
            {"dataset": "folder:."},
            "--trusted_csv: .* you have checked, .* of folder:. are right; got "
            "none. --trusted=N",
        ),
        (
            {"dataset": "folder:.", "noise_type": "none", "noise_rate": 0.2},
            "--trusted_csv: .* you have checked",
        ),
        ({"dataset": "mini_webvision"}, "of mini_webvision are right"),
    ],
)
def test_impossible_trusted_sets_are_reported(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve("ieg", **flags)


def test_labels_that_are_clean_but_for_the_noise_are_trusted():
    for noise in (
        {"noise_type": "none"},
        {"noise_type": "symmetric", "noise_rate": 0.4},
    ):
        found = resolve("ieg", dataset="folder:.", **noise)
        assert found.data["trusted"] == 10
    assert resolve("l2r", dataset="food101n").data["trusted"] == 10
