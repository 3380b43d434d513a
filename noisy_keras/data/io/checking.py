"""Which files of a data set can be read, before anything relies on them."""

import collections.abc
import os
import sys
import threading
import time

import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.data.io import prints as prints_module
from noisy_keras.data.io import whole

# Seconds until a check says how far it is, and from line to line.
_SILENT = 10.0


def check_whole(
    paths: collections.abc.Sequence[str],
) -> tuple[dict[int, str], prints_module.Prints]:
    """Decodes all files, at a small size where the format allows that.

    Args:
        paths: sequence of n str.

    Returns:
        A pair of a dict from position in `paths` to the reason (str), for files
        that cannot be read; and the `Prints` of all n files, zeros for those.
    """
    prints = prints_module.empty(len(paths))

    def check(position):
        data = decoding.read_bytes(paths[position])
        image = decoding.decode_small(data)
        prints.digests[position] = prints_module.digest(data)
        prints.reduced[position] = prints_module.reduced(image)

    return _each(check, len(paths)), prints


def check_ends(paths: collections.abc.Sequence[str]) -> dict[int, str]:
    """Reads the first and the last bytes of all files.

    That finds files that are no pictures, and most of those that were cut.
    Damage between is not found.

    Args:
        paths: sequence of n str.

    Returns:
        dict from position in `paths` to the reason (str).
    """

    def check(position):
        path = paths[position]
        with tf.io.gfile.GFile(os.fsencode(path), "rb") as stream:
            size = stream.size()
            start = stream.read(whole.START)
            stream.seek(max(0, size - whole.END))
            end = stream.read(whole.END)
        if not whole.is_ended(start, end, size):
            whole.check(decoding.read_bytes(path))

    return _each(check, len(paths))


def _each(check, count):
    """Calls a function of a position in threads; returns the failures."""
    problems: dict[int, str] = {}
    positions = iter(range(count))
    progress = _Progress(count)

    def check_some(_):
        for position in positions:
            try:
                check(position)
            except (OSError, ValueError) as error:
                problems[position] = decoding.reason_of(error)
            except tf.errors.OpError as error:
                problems[position] = str(error.message)
            progress.count()

    # The threads share one iterator: a task per file would cost more.
    workers = decoding.threads()
    list(workers.map(check_some, range(workers._max_workers)))
    return dict(sorted(problems.items()))


class _Progress:
    """Says on standard error how far a long check is."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._next = time.monotonic() + _SILENT
        self._lock = threading.Lock()

    def count(self):
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + _SILENT
            done = self._done
        print(
            f"checking pictures: {done:,} of {self._total:,}",
            file=sys.stderr,
            flush=True,
        )
