"""Reading again what a file system could not give for a moment."""

import time

import tensorflow as tf

_TRANSIENT = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
)
_WAITS = (0.5, 2.0, 8.0)


def retried(read, path):
    """Calls a function, and again after a failure that may be passing.

    Args:
        read: function without arguments.
        path: what it reads, for messages.

    Returns:
        What it returns.

    Raises:
        OSError: it failed for good, or four times.
    """
    for wait in (*_WAITS, None):
        try:
            return read()
        except tf.errors.OpError as error:
            if wait is None or not isinstance(error, _TRANSIENT):
                raise OSError(f"{path}: {error.message}") from error
        time.sleep(wait)
    raise AssertionError("unreachable")  # pragma: no cover
