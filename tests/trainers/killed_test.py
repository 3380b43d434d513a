"""Runs that are killed, and started again with the same command."""

import os
import random
import signal
import subprocess
import time

import keras
import numpy as np
import pytest

from tests.commands import train
from tests.commands import words
from tests.trainers.command_line_test import DRPL
from tests.trainers.command_line_test import HOSTED
from tests.trainers.command_line_test import IEG
from tests.trainers.command_line_test import SIMCLR
from tests.trainers.command_line_test import SMALL


def kill(command, wait):
    """Starts a command, and kills it after a wait."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait()
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_for_checkpoint(run, seconds=300):
    """Waits until a run has written what it could go on from."""
    end = time.monotonic() + seconds
    # The index is what a checkpoint manager writes last.
    while not list(run.glob("checkpoints/**/checkpoint")):
        assert time.monotonic() < end, f"no checkpoint after {seconds} s"
        time.sleep(0.05)


@pytest.mark.large
@pytest.mark.parametrize(
    ("trainer", "flags"),
    [
        ("sanm", SMALL),
        ("drpl", DRPL),
        ("ieg", IEG),
        ("moco", SIMCLR),
        ("dmlp", (*HOSTED, "--trusted_total=50", "--purifier_epochs=6")),
        ("c2d", (*HOSTED, "--warmup_epochs=1")),
    ],
)
def test_a_run_killed_at_random_ends_as_if_it_had_not_been(
    tmp_path, trainer, flags
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(trainer, f"--output_dir={whole}", *flags).returncode == 0
    command = words(f"trainers.{trainer}", f"--output_dir={parts}", *flags)
    # First when there is something to go on from, and then anywhere.
    kill(command, lambda: wait_for_checkpoint(parts))
    assert not (parts / "summary.json").exists()
    chance = random.Random(os.getpid())
    for _ in range(2):
        kill(command, lambda: time.sleep(chance.uniform(8, 30)))
    assert train(trainer, f"--output_dir={parts}", *flags).returncode == 0
    models = [
        keras.models.load_model(folder / "model.keras")
        for folder in (whole, parts)
    ]
    for one, other in zip(
        models[0].variables, models[1].variables, strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for name in ("label_audit.csv", "loss_histograms.jsonl"):
        paths = [folder / name for folder in (whole, parts)]
        texts = [path.read_text() for path in paths if path.exists()]
        # Methods without labels have no losses to divide.
        assert len(texts) != 1 and texts[:1] == texts[1:]
    report = (parts / "report.html").read_text()
    assert "has not finished" not in report and "cannot be read" not in report
