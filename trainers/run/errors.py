"""Errors of configuration as messages for the user of a command."""

import contextlib

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
