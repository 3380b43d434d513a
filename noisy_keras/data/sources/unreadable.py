"""Files of a source that cannot be read, and how many of them are tolerated."""

import collections.abc
import threading
import warnings
from typing import Any

from noisy_keras.utils import names
from noisy_keras.utils.errors import ConfigurationError

#: Share of unreadable images that is tolerated by default, or one image.
TOLERATED = 0.01


class UnreadableWarning(UserWarning):
    """A file that could be read before cannot be read any more."""


class Unreadable:
    """What a source and all its subsets know of files that cannot be read.

    Args:
        total: int, number of files, those left out included.
        most: number of files that may be unreadable (int), or their share
            (float below 1); None for 1 %, and at least one file.

    Attributes:
        found: dict from path (str) to the reason (str).
        failure: `ConfigurationError` that reading raised because of them, or
            None. Inside `tf.data`, where errors lose their class, it tells
            what an error means.

    Raises:
        ValueError: `most` is negative.
    """

    def __init__(self, total: int, most: float | None = None) -> None:
        if most is not None and most < 0:
            raise ConfigurationError(
                "Expected max_unreadable to be a number of files, or a share "
                f"below 1. Received: {most}"
            )
        self.found: dict[str, str] = {}
        self.failure: ConfigurationError | None = None
        self.total = total
        self.most = most
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    @property
    def limit(self) -> float:
        """Largest number of unreadable files that is tolerated."""
        if self.most is None:
            return max(1.0, TOLERATED * self.total)
        return self.most if self.most >= 1 else self.most * self.total

    def note(
        self,
        problems: collections.abc.Mapping[str, str],
        where: str,
        expected: bool = True,
    ) -> None:
        """Adds files that cannot be read.

        Args:
            problems: dict from path to the reason.
            where: str, their folder, for messages.
            expected: bool, whether they were looked for; if not, a warning
                names each file once.

        Raises:
            ValueError: more files are unreadable than tolerated.
        """
        with self._lock:
            new = {k: v for k, v in problems.items() if k not in self.found}
            self.found |= new
            count = len(self.found)
            if new and count > self.limit:
                self.failure = self._error(where, count)
        if count > self.limit and self.failure is not None:
            raise self.failure
        if new and not expected:
            warnings.warn(
                f"{listed(new)} cannot be read any more; trained on as black "
                "and not judged",
                UnreadableWarning,
                stacklevel=2,
            )

    def _error(self, where, count):
        if self.most is None:
            expected = f"{TOLERATED:.0%}"
        elif self.most < 1:
            expected = f"{self.most:.2%}"
        else:
            expected = f"{self.most:g}"
        return ConfigurationError(
            f"Expected at most {expected} of unreadable images. Received: "
            f"{count} of {self.total} in {where}, such as "
            f"{listed(self.found)}. Repair or remove them, or raise "
            "`max_unreadable` (--max_unreadable), a number of files or a "
            "share, to go on without them."
        )


def listed(problems: collections.abc.Mapping[str, str], most: int = 3) -> str:
    """The first few of some unreadable files, with the reasons, in a line."""
    shown = list(problems.items())[:most]
    text = "; ".join(f"{names.one_line(path)}: {why}" for path, why in shown)
    rest = len(problems) - len(shown)
    return f"{text} and {rest} more" if rest > 0 else text
