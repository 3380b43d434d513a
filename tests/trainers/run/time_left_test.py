import io
import types

import pytest
from rich import console

from trainers.run import progress
from trainers.run import time_left
from trainers.run.time_left import TimeLeft


def test_epochs_after_the_warm_up_are_assumed_to_cost_more():
    left = TimeLeft(later_from=10, later_cost=5.0)
    assert left.seconds(0, 30) is None
    left.add(0, 2.0)
    assert left.seconds(1, 30) == pytest.approx(9 * 2 + 20 * 10)


def test_each_kind_counts_with_what_it_took():
    left = TimeLeft(later_from=10, later_cost=5.0)
    for epoch in range(10):
        left.add(epoch, 2.0)
    left.add(10, 30.0)
    assert left.seconds(10.5, 12) == pytest.approx(1.5 * 30)
    # Of a run that went on within the later epochs.
    later = TimeLeft(later_from=10, later_cost=5.0)
    later.add(12, 30.0)
    assert later.seconds(13, 15) == pytest.approx(60.0)


def test_one_kind_counts_with_its_last_epochs():
    left = TimeLeft()
    for seconds in (100.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        left.add(0, seconds)
    assert left.seconds(6, 10) == pytest.approx(4.0)
    assert left.seconds(12, 10) == 0.0


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"warmup_epochs": "auto", "plugins": ()}, (None, 1.0)),
        ({"plugins": ()}, (None, 1.0)),
        ({"warmup_epochs": 4, "plugins": ()}, (6, 1.0)),
        ({"warmup_epochs": 4, "plugins": (1,)}, (6, time_left.WITH_PLUGINS)),
        (
            {"warmup_epochs": 4, "plugins": (), "co_divide": 0},
            (6, time_left.DIVIDED),
        ),
    ],
)
def test_the_model_says_what_comes(model, expected):
    left = TimeLeft.of(types.SimpleNamespace(first_epoch=2, **model))
    assert (left.later_from, left.later_cost) == expected


def test_a_log_file_gets_a_line_each_minute(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    out = console.Console(file=stream, width=80)
    bar = progress.Progress(out, epochs=4, faster="fewer --epochs")
    bar.set_model(
        types.SimpleNamespace(
            first_epoch=0,
            plugins=(),
            epoch_began=0.0,
            position=types.SimpleNamespace(epoch=0),
        )
    )
    bar.set_params({"epochs": 4, "steps": 10})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for batch, now in enumerate((10.0, 59.0, 61.0, 100.0, 122.0)):
        clock[0] = now
        bar.on_train_batch_end(batch)
    bar.on_epoch_end(0, {"loss": 1.0})
    clock[0] = 150.0
    bar.model.position.epoch = 1
    bar.on_train_batch_end(0)
    bar.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "epoch 1/4  step 3/10"
    assert lines[1] == "epoch 1/4  step 5/10"
    # Steps 2 to 5 took 28 seconds each, without the first, which is traced.
    assert lines[2] == "training will take about 18 min; faster: fewer --epochs"
    assert lines[3].startswith("epoch 1/4  loss 1.000")
    assert len(lines) == 4
