"""What the user can mend is one line; a fault of ours keeps its traceback."""

import io

import pytest
from absl import app
from rich import console

import noisy_keras as nk
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers import run
from trainers.run import data as data_module
from trainers.run import errors
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import prepare


def build(network, source, settings):
    return nk.CrossEntropy(network, source.num_samples, **settings.arguments)


def prepared(build=build, **flags):
    settings = resolve("cross_entropy", max_train_samples=100, width=4, **flags)
    return prepare.prepare(settings, None, "none", build)


def raising(error):
    def function(*_, **__):
        raise error

    return function


@pytest.mark.parametrize("error", [ValueError("a fault"), TypeError("another")])
def test_a_fault_in_building_keeps_its_traceback(error):
    with pytest.raises(type(error), match=str(error)) as caught:
        prepared(raising(error))
    assert caught.value is error
    assert caught.traceback[-1].name == "function"


def test_a_fault_in_loading_keeps_its_traceback(monkeypatch):
    error = ValueError("a fault")
    monkeypatch.setattr(data_module.noise, "add", raising(error))
    with pytest.raises(ValueError, match="a fault") as caught:
        prepared()
    assert caught.value is error


@pytest.mark.parametrize(
    "error", [nk.ConfigurationError("Expected x."), FileNotFoundError("y.png")]
)
def test_what_the_user_can_mend_is_one_line(error):
    with pytest.raises(UsageError, match=str(error)) as caught:
        prepared(raising(error))
    assert caught.value.__cause__ is error


def test_arguments_that_do_not_fit_are_one_line():
    with pytest.raises(UsageError, match="Expected a network name"):
        prepared(network="resnet")


def test_a_fault_in_reading_a_run_keeps_its_traceback(tmp_path, monkeypatch):
    found = prepared()
    settings = {"settings": found.settings.as_dict()}
    run_folder.write_json(tmp_path / run_folder.CONFIG, settings)
    run_folder.keep_labels(tmp_path, found.train, resumed=False)
    run_folder.save_model(str(tmp_path / run_folder.MODEL), found.model)
    assert finished_run.load(str(tmp_path), None).train.num_samples == 100
    error = ValueError("a fault")
    monkeypatch.setattr(nk.CrossEntropy, "from_config", raising(error))
    with pytest.raises(ValueError, match="a fault"):
        finished_run.load_model(str(tmp_path))
    monkeypatch.setattr(data_module, "_bounded", raising(error))
    with pytest.raises(ValueError, match="a fault"):
        finished_run.load(str(tmp_path), None)


def test_commands_end_with_a_status_and_faults_with_a_traceback(capsys):
    app.define_help_flags()
    argv = ["trainers.sanm"]
    assert run.exit_status(argv, lambda: None) == 0
    assert run.exit_status(argv, raising(UsageError("--x: got y"))) == 2
    assert run.exit_status(argv, raising(FloatingPointError("NaN"))) == 1
    assert run.exit_status([*argv, "digits"], lambda: None) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["error: --x: got y", "error: NaN"]
    assert lines[2].endswith("got 'digits'") and len(lines) == 3
    with pytest.raises(ValueError, match="a fault"):
        run.exit_status(argv, raising(ValueError("a fault")))


def test_flags_are_named():
    with pytest.raises(UsageError, match="^--audit: Expected x.$"):
        with errors.reported(flag="audit"):
            raise nk.ConfigurationError("Expected x.")
    with pytest.raises(OSError):
        with errors.reported(flag="audit"):
            raise OSError("y")


@pytest.mark.parametrize(
    ("error", "traced"), [(ValueError("x\ny"), True), (OSError("x"), False)]
)
def test_a_step_that_may_fail_is_printed(error, traced, capsys):
    stream = io.StringIO()
    with errors.survived(console.Console(file=stream), "no report"):
        raise error
    assert stream.getvalue() == f"no report ({type(error).__name__}: x)\n"
    assert ("Traceback" in capsys.readouterr().err) is traced
