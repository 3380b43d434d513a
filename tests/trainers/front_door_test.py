"""The command `noisy-keras`, and what `--help` says."""

import os

import pytest

import noisy_keras as nk
from tests.commands import console
from tests.commands import run
from tests.commands import run_alone
from trainers import __main__ as front_door


@pytest.fixture
def hostile(tmp_path):
    """A folder with modules of the same names as the package's own."""
    for name in ("trainers/__init__.py", "trainers/sanm.py", "export.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('of the current directory')\n")
    return tmp_path


def test_every_command_has_a_line(hostile):
    result = console("--help", cwd=hostile)
    assert result.returncode == 0, result.stderr
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    message = {line[0]: line[1] for line in lines if len(line) == 2}
    for name in ("sanm", "run", "audit", "export", "shard", "builders"):
        assert name in front_door.commands()
    for name, module in front_door.commands().items():
        assert message[name] == front_door.summary_of(module) != ""
    assert message["sanm"] == "SANM: adversarial noisy masking on a host."
    # `python -m trainers` is the same command.
    assert run("trainers", "--help").stdout == result.stdout


def test_commands_run_where_other_modules_have_their_names(hostile):
    assert run("trainers.sanm", "--help", cwd=hostile).returncode == 1
    result = console("sanm", "--help", cwd=hostile)
    assert result.returncode == 0, result.stderr
    assert "\n  --[no]masking: " in result.stdout
    result = console("export", cwd=hostile)
    assert result.returncode == 2
    assert (
        result.stderr
        == "error: --run: expected the folder of a run; got none\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smn"], "got 'smn'; did you mean sanm?"),
        (["trainers.sanm"], "expected a command; got 'trainers.sanm'"),
        ([], "error: expected a command; `noisy-keras --help` lists them"),
        (["joint-optim", "--epochs=0"], "not a positive integer"),
    ],
)
def test_what_is_no_command_ends_in_one_line(arguments, message):
    result = console(*arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_the_version_is_that_of_the_package():
    assert console("--version").stdout == f"noisy_keras {nk.__version__}\n"


@pytest.mark.parametrize("flags", [[], ["-h"]])
def test_help_loads_no_tensorflow(flags):
    # Python then lists what it imports.
    env = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    result = run_alone("trainers.sanm", "--help", *flags, env=env)
    assert result.returncode == 0
    imported = {
        line.split("|")[-1].strip() for line in result.stderr.splitlines()
    }
    assert "trainers.flags" in imported
    assert not {"tensorflow", "keras", "numpy", "noisy_keras"} & imported


def defaults(*words):
    """What `--help` shows as default of each flag: dict."""
    result = run(*words, "--help")
    assert result.returncode == 0, result.stderr
    found, name = {}, None
    for line in result.stdout.splitlines():
        if line.startswith("  --"):
            name = line.split(":")[0].removeprefix("  --").removeprefix("[no]")
        elif line.startswith("    (default: "):
            found[name] = line.removeprefix("    (default: ").removesuffix(")")
    return found, result.stdout


def test_help_shows_what_the_preset_decides_for_the_other_flags():
    found, text = defaults(
        "trainers.sanm", "--dataset=cifar10", "--noise_rate=0.9"
    )
    assert found["epochs"] == "360, from the preset"
    assert found["unlabeled_weight"] == "50, from the preset"
    assert found["clean_threshold"] == "0.6, from the preset"
    assert found["noise_type"] == "symmetric, for cifar10"
    assert found["network"] == "preact_resnet18, from the preset"
    assert found["seed"] == "'0'" and "image_size" not in found
    assert "Preset for cifar10, symmetric noise of rate 0.9: Tu et al." in text
    assert "CVPR 2023, code (90% symmetric noise" in text
    digits, _ = defaults("trainers.sanm", "--epochs=5")
    assert digits["network"] == "tiny, from the preset"
    # Drops and the warm-up move with the epochs that are given.
    assert digits["learning_rate_drops"] == "4, from the preset"
    assert digits["warmup_epochs"] == "2, from the preset"
    assert "epochs" not in digits


def test_help_of_recipes_shows_the_values_of_each_phase():
    found, _ = defaults("trainers.c2d", "--dataset=cifar10")
    assert found["epochs"] == "360, from the preset"
    assert found["pretrain_epochs"] == "1000, from the preset"
    assert found["pretrain_learning_rate"] == "0.5, from the preset"
    assert found["warmup_epochs"] == "5, from the preset"
    found, _ = defaults("trainers.ieg", "--dataset=cifar10")
    assert found["trusted"] == "10, for cifar10"
    assert found["restart_steps"] == "500, from the preset"


def test_help_without_a_preset_says_why():
    found, text = defaults("trainers.sanm", "--dataset=folder:nowhere")
    assert "--dataset: expected folder:PATH" in text
    assert "epochs" not in found
    # Commands without one show their flags alone.
    assert "reset" not in defaults("trainers.audit")[1]


def test_the_reader_of_a_pipe_may_stop_early():
    result = run("trainers.sanm", "--help", "--helpshort")
    assert result.returncode == 0
    words = f"{os.sys.executable} -m trainers.sanm --help | head -1"
    shown = os.popen(f"({words}) 2>&1").read()
    assert shown.startswith("SANM, from") and "Traceback" not in shown


@pytest.mark.large
def test_a_run_trains_and_exports_beside_other_modules(hostile):
    flags = ("--max_train_samples=200", "--epochs=2", "--warmup_epochs=1")
    result = console("sanm", *flags, "--output_dir=run", cwd=hostile)
    assert result.returncode == 0, result.stderr
    assert "of the current directory" not in result.stdout + result.stderr
    assert (hostile / "run" / "export" / "1" / "saved_model.pb").exists()
    assert (hostile / "run" / "summary.json").exists()
