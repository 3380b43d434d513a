"""`--config`: a run again from its settings, and what flags change in them."""

import io
import json
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from tests import imports
from tests.commands import assert_refused
from tests.commands import train

#: Of a run of version 0.1.0: --max_train_samples=200 --epochs=2
#: --warmup_epochs=1 --width=4 --batch_size=32.
OLD = os.path.join(os.path.dirname(__file__), "config_0.1.0.json")

# In a process for each, because flags are defined once: settings of the flags;
# the same and those that change them; and these from configs of the first, as
# today and as of 0.1.0, which has no flags.
_SETTINGS = """
import importlib, json, sys
method, path, given, changing = json.loads(sys.argv.pop())
command = importlib.import_module(f"trainers.{method}")
from absl import flags
from trainers.flags import settings
from trainers.run import config_file

FLAGS = flags.FLAGS
resolve = getattr(command, "resolve", settings.resolve)

def parsed(*words):
    for name in FLAGS:
        FLAGS[name].unparse()
        FLAGS[name].present = 0
    FLAGS(["x", *words])

def resolved():
    return resolve(method, {name: FLAGS[name].value for name in FLAGS})

def shown(settings):
    types = {k: type(v).__name__ for k, v in settings.arguments.items()}
    print(json.dumps([settings.as_dict(), types]))

parsed(*given)
first = {"settings": resolved().as_dict()}
today = {"config_version": 1, "flags": config_file.given_flags()}
parsed(*given, *changing)
shown(resolved())
for config in (first | today, first):
    with open(path, "w") as stream:
        json.dump(config, stream)
    parsed(f"--config={path}", *changing)
    shown(config_file.settings(path, method, resolve))
"""


CASES = [
    ("cross_entropy", ["--noise_type=none"], ["--seed=4"]),
    ("cross_entropy", ["--correct_from=3"], ["--correct_from=5"]),
    ("auto", ["--candidate=gce"], ["--noplant", "--epochs=30"]),
    ("cross_entropy", ["--dataset=cifar10_n", "--noise_type=worse"], []),
    ("dividemix", ["--dataset=folder:."], ["--epochs=8"]),
    ("dividemix", ["--dataset=folder:.", "--noise_rate=0.3"], []),
    ("dividemix", ["--dataset=clothing1m"], ["--epochs=8", "--weights=none"]),
    ("sanm", [], ["--noise_rate=0.2", "--dataset=cifar100"]),
    (
        "sanm",
        ["--dataset=cifar10", "--noise_rate=0.9", "--preset=official"],
        ["--epochs=20", "--nomasking"],
    ),
    ("sanm", ["--host=ce", "--mask_ratio=0.3"], ["--epochs=3"]),
    ("drpl", ["--epochs=20"], ["--epochs=40"]),
    ("drpl", ["--ssl_epochs=5", "--final_drops=3,4"], ["--threshold_1=0.2"]),
    ("joint_optim", ["--mixed_precision", "--nohard_labels"], ["--width=3"]),
    ("ieg", ["--step_size=0", "--restart_steps=0"], ["--trusted=5"]),
    ("mslc", ["--noise_type=semantic", "--correct_from=3"], ["--epochs=9"]),
    ("simclr", ["--warmup_epochs=3", "--optimizer=lars"], ["--epochs=20"]),
    (
        "dmlp",
        ["--host=sanm", "--pretrain_epochs=3", "--purifier_batch_size=50"],
        ["--batch_size=16", "--purifier_epochs=3"],
    ),
    ("dmlp", ["--trusted_total=50", "--validation=0.2", "--soft_labels"], []),
    ("dmlp", ["--held_out=0.2"], ["--trusted=3"]),
    ("c2d", ["--host=ieg", "--trusted=3"], ["--noise_rate=0.5"]),
]


@pytest.mark.parametrize(("method", "given", "changing"), CASES)
def test_a_config_stands_for_the_flags_of_its_run(
    tmp_path, method, given, changing
):
    path = str(tmp_path / "config.json")
    request = json.dumps([method, path, given, changing])
    done = subprocess.run(
        [sys.executable, "-c", _SETTINGS, request],
        cwd=imports.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for settings, _ in found:
        del settings["preset"], settings["replaced"]
    expected, today, old = found
    assert today == expected
    assert old == expected


def test_settings_are_those_of_the_file_whatever_presets_say(tmp_path):
    # As a preset that has changed since: its row says 25.
    path = tmp_path / "config.json"
    config = json.loads(open(OLD, encoding="utf-8").read())
    config["settings"]["host"]["unlabeled_weight"] = 33.0
    path.write_text(json.dumps(config))
    code = (
        "import sys\n"
        "import trainers.sanm as sanm\n"
        "from absl import flags\n"
        "from trainers.run import config_file\n"
        "flags.FLAGS(sys.argv)\n"
        "path = flags.FLAGS.config\n"
        "found = config_file.settings(path, 'sanm', sanm.resolve)\n"
        "print(found.arguments['unlabeled_weight'])\n"
        "print(found.training['epochs'], found.training['batch_size'])\n"
    )
    words = [sys.executable, "-c", code, f"--config={path}", "--epochs=9"]
    done = subprocess.run(
        words, cwd=imports.ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == ["33.0", "9", "32"], done.stderr
    words.append("--unlabeled_weight=7")
    done = subprocess.run(
        words, cwd=imports.ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == ["7.0", "9", "32"], done.stderr


def test_a_run_from_before_there_were_weights_has_random_ones(tmp_path):
    path = tmp_path / "config.json"
    config = json.loads(open(OLD, encoding="utf-8").read())
    config["settings"]["data"]["dataset"] = "clothing1m"
    config["settings"]["data"]["noise_type"] = "estimated"
    config["settings"]["data"]["noise_rate"] = None
    path.write_text(json.dumps(config))
    code = (
        "import sys\n"
        "import trainers.sanm as sanm\n"
        "from absl import flags\n"
        "from trainers.run import config_file\n"
        "flags.FLAGS(sys.argv)\n"
        "path = flags.FLAGS.config\n"
        "found = config_file.settings(path, 'sanm', sanm.resolve)\n"
        "print(found.training['network'], found.training['weights'])\n"
        "print(found.training['steps_per_epoch'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"--config={path}"],
        cwd=imports.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["tiny", "None", "None"], done.stderr


def edited(change):
    """The config of a run, as a text, with a change made by a function."""
    with open(OLD, encoding="utf-8") as stream:
        config = json.load(stream)
    change(config)
    return json.dumps(config)


@pytest.mark.parametrize(
    ("trainer", "text", "message"),
    [
        ("sanm", None, "which is no file"),
        ("sanm", "{", "which is not JSON"),
        ("sanm", "[1]", "which holds no object"),
        ("sanm", "{}", "expected settings in the file of"),
        (
            "sanm",
            '{"config_version": 2}',
            "config_version of 1, or none; got 2",
        ),
        ("sanm", '{"config_version": "a"}', "got 'a' in"),
        ("ieg", edited(lambda c: None), "got one of sanm"),
        ("ieg", edited(lambda c: None), "python -m trainers.sanm, takes it"),
        ("sanm", edited(lambda c: c.update(setings=1)), "got setings in"),
        (
            "sanm",
            edited(lambda c: c["settings"]["training"].update(epoch=3)),
            "got settings.training.epoch in",
        ),
        (
            "sanm",
            edited(lambda c: c["settings"]["training"].update(epochs="x")),
            "value of --epochs in settings of",
        ),
        (
            "sanm",
            edited(lambda c: c["settings"].update(data=None)),
            "an object as settings.data of",
        ),
        (
            "sanm",
            edited(lambda c: c["settings"].pop("plugin")),
            "expected plugin in settings of",
        ),
        # No code is loaded because a file says so.
        (
            "sanm",
            edited(lambda c: c.update(flags={"method": "a.py:A"})),
            "got flags.method in",
        ),
        (
            "sanm",
            edited(lambda c: c.update(flags={"epochs": -3})),
            "value of --epochs in flags of",
        ),
    ],
)
def test_a_config_of_no_use_ends_in_one_line(tmp_path, trainer, text, message):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    result = train(trainer, f"--config={path}", f"--output_dir={tmp_path}/run")
    assert_refused(result, message)
    assert "--config: expected" in result.stderr and str(path) in result.stderr
    assert not (tmp_path / "run").exists()


def test_an_argument_that_the_method_has_not_is_named(tmp_path):
    path = tmp_path / "config.json"
    change = edited(lambda c: c["settings"]["host"].update(warmup=3))
    path.write_text(change)
    result = train("sanm", f"--config={path}", f"--output_dir={tmp_path}/run")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "warmup" in result.stderr
    assert not (tmp_path / "run").exists()


def losses(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    timed = ("seconds", "images_per_second")
    return [
        {k: v for k, v in json.loads(line).items() if not k.endswith(timed)}
        for line in lines
    ]


def weights(folder):
    """All arrays of the saved model by name."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    with zipfile.ZipFile(folder / "model.keras") as archive:
        content = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(keep)
    return found


def assert_same(one, other):
    assert losses(one) == losses(other)
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys() and len(first) > 10
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    audits = [(f / "label_audit.csv").read_text() for f in (one, other)]
    assert audits[0] == audits[1]


@pytest.mark.large
def test_runs_of_one_config_are_equal_to_the_last_digit(tmp_path):
    flags = (
        "--max_train_samples=200",
        "--epochs=2",
        "--warmup_epochs=1",
        "--width=4",
        "--batch_size=32",
    )
    folders = [tmp_path / name for name in ("flags", "old", "once", "twice")]
    done = train("sanm", *flags, f"--output_dir={folders[0]}")
    assert done.returncode == 0, done.stderr
    of = {"old": OLD, "once": folders[0] / "config.json"}
    of["twice"] = of["once"]
    for folder in folders[1:]:
        config = of[folder.name]
        done = train("sanm", f"--config={config}", f"--output_dir={folder}")
        assert done.returncode == 0, done.stderr
        assert f"settings are those of {config}" in done.stdout
        assert_same(folders[0], folder)
    made = [json.loads((f / "config.json").read_text()) for f in folders]
    assert [config["config_version"] for config in made] == [1, 1, 1, 1]
    assert made[0]["flags"]["export"] is False
    assert made[0]["flags"] == made[2]["flags"]
    assert "output_dir" not in made[0]["flags"]
