import numpy as np
import pytest

from tests.trainers.flags.settings_test import resolve
from trainers.presets.shared import learning_rate


def options(**changes):
    return {
        "learning_rate": 0.1,
        "learning_rate_drops": (4, 6),
        "restart_steps": 500,
        "rate_warmup_epochs": None,
        "optimizer": "sgd",
        "weight_decay": 1e-4,
        "batch_size": 64,
        "steps_per_epoch": None,
        "epochs": 8,
    } | changes


@pytest.mark.parametrize("cycle", [0, 1, 2, 5, 11])
def test_cycles_are_as_published(cycle):
    schedule = learning_rate.of_optimizer(options(), 1000)
    begin, end = (1000.0 * (1.5**n - 1.0) for n in (cycle, cycle + 1))
    for part in (0.01, 0.25, 0.5, 0.9, 0.99):
        wanted = 0.1 * 0.9**cycle * (1.0 + np.cos(np.pi * part)) / 2.0
        step = begin + part * (end - begin)
        assert float(schedule(step)) == pytest.approx(wanted, rel=2e-3)
    # Just before and just after an end: the lowest and the next peak.
    assert float(schedule(end - 1.0)) < 1e-4 * 0.9**cycle
    after = float(schedule(end + 1.0))
    assert after == pytest.approx(0.1 * 0.9 ** (cycle + 1), rel=1e-3)


def test_rates_without_restarts_drop_by_epochs():
    plain = options(restart_steps=None)
    assert learning_rate.of_optimizer(plain, 1000) == 0.1
    assert learning_rate.describe(plain, 1000) == []
    schedule = learning_rate.callback(plain, 64).schedule
    assert schedule(3, None) == 0.1
    assert schedule(5, None) == pytest.approx(0.01)
    assert schedule(7, None) == pytest.approx(0.001)


def test_how_a_rate_ends_is_printed():
    [line] = learning_rate.describe(options(epochs=5, batch_size=100), 10_000)
    assert line == (
        "learning rate 0.1 in cosine restarts, 9.9e-07 in the last of 500 steps"
    )
    [line] = learning_rate.describe(
        options(epochs=5, steps_per_epoch=3), 10_000
    )
    assert line.endswith("0.1 in the last of 15 steps")


def test_a_restarting_rate_is_in_the_logs():
    import keras

    import noisy_keras as nk
    from tests import toy

    given = options(learning_rate=0.05, restart_steps=8)
    source = toy.source(16)
    model = nk.CrossEntropy(toy.network(), 16)
    model.compile(nk.MomentumSGD(learning_rate.of_optimizer(given, 16)))
    history = model.fit(
        source,
        batch_size=4,
        epochs=3,
        callbacks=[learning_rate.callback(given, 16)],
        verbose=0,
    ).history["learning_rate"]
    # In the steps of index 3, 7 and 11; the first cycle ends with the second.
    cosines = [np.cos(np.pi * 3 / 8), np.cos(np.pi * 7 / 8)]
    wanted = [0.05 * (1.0 + c) / 2.0 for c in cosines]
    wanted += [0.045 * (1.0 + np.cos(np.pi * 3 / 12)) / 2.0]
    assert history == pytest.approx(wanted, rel=1e-3)
    assert isinstance(
        model.optimizer._learning_rate,
        keras.optimizers.schedules.LearningRateSchedule,
    )


@pytest.mark.parametrize(
    ("method", "dataset", "samples"),
    [
        # Without validation and trusted pictures.
        ("ieg", "cifar10", 45_000 - 100),
        ("eg", "cifar10", 45_000 - 100),
        ("ieg", "cifar100", 45_000 - 1000),
        ("ieg", "digits", 1257 - 100),
        ("eg", "digits", 1257 - 100),
        ("ieg", "mini_webvision", 65_944 * 9 // 10),
        ("ieg", "webvision", 2_440_000 * 9 // 10),
        ("ieg", "clothing1m", 1_000_000),
    ],
)
def test_presets_end_where_the_rate_is_lowest(method, dataset, samples):
    flags = {} if "webvision" not in dataset else {"trusted": 10}
    training = resolve(method, dataset=dataset, **flags).training
    [line] = learning_rate.describe(training, samples)
    last = float(line.split(", ")[1].split()[0])
    assert last < 0.01 * training["learning_rate"]


def test_a_rate_that_warms_up_rises_and_falls_to_zero():
    given = options(restart_steps=None, rate_warmup_epochs=2)
    # 1000 // 64 = 15 steps an epoch, the smaller last batch being left out.
    schedule = learning_rate.of_optimizer(given, 1000)
    found = [float(schedule(step)) for step in (0, 15, 30, 75, 120)]
    np.testing.assert_allclose(found, [0, 0.05, 0.1, 0.05, 0], atol=1e-6)
    [line] = learning_rate.describe(given | {"optimizer": "lars"}, 1000)
    assert line.startswith("LARS, learning rate 0.1 after 2 epochs of warm-up")
    [line] = learning_rate.describe(given | {"rate_warmup_epochs": 1}, 1000)
    assert "after 1 epoch of warm-up, then" in line
    [line] = learning_rate.describe(given | {"rate_warmup_epochs": 0}, 1000)
    assert line == "SGD, learning rate 0.1, then down to 0 by half a cosine"
    bounded = learning_rate.of_optimizer(given | {"steps_per_epoch": 3}, 1000)
    assert float(bounded(6)) == pytest.approx(0.1)


def test_the_optimizer_is_the_one_named():
    import noisy_keras as nk

    for name, kind in (("sgd", nk.MomentumSGD), ("lars", nk.LARS)):
        found = learning_rate.optimizer(
            options(restart_steps=None, optimizer=name), 1000
        )
        assert type(found) is kind and found.momentum == 0.9
        assert found.coupled_weight_decay == 1e-4
        assert float(found.learning_rate) == pytest.approx(0.1)
