"""Errors of configuration as messages for the user of a command."""

import contextlib
import traceback

from noisy_keras.utils.errors import ConfigurationError
from trainers import UsageError


@contextlib.contextmanager
def reported(*others, flag=None):
    """Turns errors that are the user's to mend into `UsageError`s.

    Anything else is a fault of ours, or of a package below, and passes with
    its traceback.

    Args:
        *others: further classes of exceptions, such as `OSError` where files
            of the user are read.
        flag: str, name of the flag to put before the message, or None.

    Raises:
        UsageError: the block raised a `ConfigurationError`, or one of
            `others`.
    """
    try:
        yield
    except (ConfigurationError, *others) as error:
        message = f"--{flag}: {error}" if flag else str(error)
        raise UsageError(message) from error


@contextlib.contextmanager
def survived(out, what):
    """Lets a run go on after a step that its results do not depend on.

    What went wrong is printed in a line; a fault of ours with its traceback,
    to standard error.

    Args:
        out: rich console.
        what: str, what could not be done.
    """
    try:
        yield
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        out.print(f"{what} ({type(error).__name__}: {reason})")
        if not isinstance(error, (ConfigurationError, OSError)):
            traceback.print_exc()
