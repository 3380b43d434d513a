"""The command-line flags, checks of them, and the settings they resolve to."""

import os

from trainers import UsageError


def require_file(flag, path, what):
    """Raises unless a flag names a file.

    Args:
        flag: its name.
        path: its value; whether remote paths are there, TensorFlow will tell.
        what: was expected.

    Raises:
        UsageError: there is no such file.
    """
    local = "://" not in path
    if local and not os.path.isfile(os.path.expanduser(path)):
        raise UsageError(
            f"--{flag}: expected {what}; got {path!r}, which is no file"
        )


def require_run(folder):
    """Raises unless `--run` was given.

    Args:
        folder: its value.

    Raises:
        UsageError: it was not.
    """
    if folder is None:
        raise UsageError("--run: expected the folder of a run; got none")


def require_some(flag, given, allowed, what):
    """Raises unless a flag lists some of what it can.

    Args:
        flag: its name.
        given: its value, a list.
        allowed: what may be in it.
        what: these are, in the message.

    Raises:
        UsageError: it lists others, or nothing.
    """
    wrong = [name for name in given if name not in allowed]
    if wrong or not given:
        raise UsageError(
            f"--{flag}: expected {what} {', '.join(allowed)}; "
            f"got {', '.join(wrong) or 'none'}"
        )
