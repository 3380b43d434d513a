"""Retries of reads that fail temporarily."""

import collections.abc
import time
from typing import TypeVar

import tensorflow as tf

_Result = TypeVar("_Result")

_TRANSIENT = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
)
_WAITS = (0.5, 2.0, 8.0)


def retried(read: collections.abc.Callable[[], _Result], path: str) -> _Result:
    """Calls a function, and retries after failures that may be temporary.

    Args:
        read: function without arguments.
        path: str, the path that it reads, for error messages.

    Returns:
        The result of `read`.

    Raises:
        OSError: the failure is permanent, or the fourth call failed as well.
    """
    for wait in (*_WAITS, None):
        try:
            return read()
        except tf.errors.OpError as error:
            if wait is None or not isinstance(error, _TRANSIENT):
                raise OSError(f"{path}: {error.message}") from error
        time.sleep(wait)
    raise AssertionError("unreachable")  # pragma: no cover
