"""The same command with more epochs."""

import pytest

from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.presets.shared import learning_rate
from trainers.run import extending
from trainers.run import folder as run_folder


def find(folder, method="cross_entropy", before=None, now=None):
    """An extension of a run that was begun with other flags."""
    old, new = before or {}, now or {}
    run_folder.write_json(
        folder / run_folder.CONFIG,
        {"settings": resolve(method, **old).as_dict()},
    )
    return extending.find(
        str(folder),
        resolve(method, **new),
        lambda epochs: resolve(method, **new | {"epochs": epochs}),
        True,
    )


def test_more_epochs_extend_a_run(tmp_path):
    given = {"batch_size": 32, "learning_rate": 0.1}
    found = find(
        tmp_path, before=given | {"epochs": 8}, now=given | {"epochs": 20}
    )
    assert found.earlier == (8,) and found.before.training["epochs"] == 8
    now = resolve("cross_entropy", **given, epochs=20)
    assert run_folder.check(str(tmp_path), now, True, found)
    with pytest.raises(UsageError, match="training.epochs was 8, now 20"):
        run_folder.check(str(tmp_path), now, True)


def test_without_a_flag_the_epochs_are_the_preset_s(tmp_path):
    default = resolve("cross_entropy").training["epochs"]
    found = find(tmp_path, now={"epochs": default + 5})
    assert found.earlier == (default,)
    assert find(tmp_path) is None


def test_anything_else_is_another_run(tmp_path):
    assert (
        find(tmp_path, before={"epochs": 8}, now={"epochs": 20, "seed": 1})
        is None
    )
    assert find(tmp_path, before={"epochs": 8}, now={"epochs": 8}) is None


def test_fewer_epochs_and_recipes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="--epochs: expected at least 20"):
        find(tmp_path, before={"epochs": 20}, now={"epochs": 8})


def test_the_line_says_what_the_learning_rate_does():
    flags = {"learning_rate": 0.1, "learning_rate_drops": ["4"]}
    before, now = (resolve("cross_entropy", **flags, epochs=n) for n in (6, 20))
    line = extending.describe(
        extending.Extension(before, (6,)), now, num_samples=100, done=6
    )
    assert line == (
        "extended from 6 to 20 epochs: the learning rate is that of a run of "
        "20 epochs from here on, 0.01 in epoch 7 after 0.01 in epoch 6; it is "
        "divided by 10 after epoch 4"
    )
    flags["learning_rate_drops"] = []
    constant = resolve("cross_entropy", **flags, epochs=20)
    assert learning_rate.schedule_in_words(constant.training) == (
        "it is constant"
    )


def test_a_cosine_is_that_of_the_longer_run():
    options = resolve("simclr", epochs=10).training
    steps = 1000 // options["batch_size"]
    rate = learning_rate.of_optimizer(options, 1000)
    assert learning_rate.of_epoch(options, 1000, 4) == pytest.approx(
        float(rate(5 * steps - 1))
    )
    longer = resolve("simclr", epochs=40).training
    assert learning_rate.of_epoch(longer, 1000, 10) > (
        learning_rate.of_epoch(options, 1000, 9)
    )
    assert "half a cosine" in learning_rate.schedule_in_words(options)
