"""Commands as a user gives them, in processes of their own."""

import subprocess
import sys


def words(module, *arguments):
    """The words of `python -m module arguments`."""
    return [sys.executable, "-m", module, *arguments]


def run(module, *arguments, **options):
    """Runs a module, whatever comes of it: a `CompletedProcess` with text."""
    return subprocess.run(
        words(module, *arguments),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def train(trainer, *flags, **options):
    """As `run`, of a trainer by its name."""
    return run(f"trainers.{trainer}", *flags, **options)


def assert_refused(result, told):
    """Asserts that a command ended in one line, before it did anything."""
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: ") and told in result.stderr
    assert result.stderr.count("\n") == 1
