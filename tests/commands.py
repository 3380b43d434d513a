"""Runs commands in separate processes, as users do."""

import os
import subprocess
import sys

# Set for the process of the tests; users do not set it.
_OURS = "TF_CPP_MIN_LOG_LEVEL"


def words(module, *arguments):
    """The words of `python -m module arguments`."""
    return [sys.executable, "-m", module, *arguments]


def run(module, *arguments, **options):
    """Runs a module and returns a `CompletedProcess` with text."""
    return _run(words(module, *arguments), options)


def _run(command, options):
    given = options.setdefault("env", os.environ)
    options["env"] = {k: v for k, v in given.items() if k != _OURS}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )


def console(*arguments, **options):
    """Like `run`, for the installed command `noisy-keras`."""
    script = os.path.join(os.path.dirname(sys.executable), "noisy-keras")
    return _run([script, *arguments], options)


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
