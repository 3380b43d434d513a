"""Runs commands in separate processes, as users do."""

import os
import subprocess
import sys

from tests import forks

# Set for the process of the tests; users do not set it.
_OURS = "TF_CPP_MIN_LOG_LEVEL"


def words(module, *arguments):
    """The words of `python -m module arguments`."""
    return [sys.executable, "-m", module, *arguments]


def run(module, *arguments, env=None, cwd=None, stdin=None):
    """Runs a module and returns a `CompletedProcess` with text.

    The process is forked from one that has imported TensorFlow, see `forks`.
    """
    return forks.run(module, arguments, _environment(env), cwd, stdin)


def _environment(env):
    given = os.environ if env is None else env
    return {k: v for k, v in given.items() if k != _OURS}


def run_alone(module, *arguments, **options):
    """Like `run`, in a process that has imported nothing."""
    return _start(words(module, *arguments), **options)


def console(*arguments, **options):
    """Like `run_alone`, for the installed command `noisy-keras`."""
    script = os.path.join(os.path.dirname(sys.executable), "noisy-keras")
    return _start([script, *arguments], **options)


def _start(command, env=None, **options):
    return subprocess.run(
        command,
        env=_environment(env),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def train(trainer, *flags, **options):
    """Like `run`, for a trainer by its name.

    The model is not exported, which would take longer than its training, unless
    `--export` is among the flags.
    """
    if "--export" not in flags:
        flags = ("--noexport", *flags)
    return run(f"trainers.{trainer}", *flags, **options)


def assert_refused(result, message):
    """Asserts that a command ended with a one-line error before any output."""
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1
