"""Commands without flags learn: what a preset says is what a method needs."""

import json

import pytest

from tests.commands import train

# Accuracy of the last epoch when this was written, on the validation pictures:
# 0.95, 0.84, 0.68, 0.92, 0.86. With CIFAR's weights of its terms IEG has 0.09.
LEARNT = [
    ("ieg", 6, 0.85),
    ("eg", 6, 0.65),
    ("l2r", 6, 0.5),
    ("meta_weight_net", 6, 0.8),
    ("sanm", 8, 0.7),
]


@pytest.mark.large
@pytest.mark.parametrize(("trainer", "epochs", "accuracy"), LEARNT)
def test_a_few_epochs_of_the_preset_learn(tmp_path, trainer, epochs, accuracy):
    folder = tmp_path / "run"
    result = train(trainer, f"--epochs={epochs}", f"--output_dir={folder}")
    assert result.returncode == 0, result.stderr
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["final"]["validation"] > accuracy
    assert summary["labels"]["label_auc"] > 0.85
