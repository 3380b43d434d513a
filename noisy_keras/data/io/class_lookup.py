"""Names of classes: which one a text means, and which may mean the same."""

import collections.abc
import re
import unicodedata
from typing import Any

from noisy_keras.utils.checks import abbreviated

#: Texts that stand for a label that is missing, in lower case.
MISSING = ("", "nan", "<na>", "null", "n/a", "#n/a")

_INTEGER = re.compile(r"([+-]?)(0|[1-9][0-9]*)(?:\.0*)?")


class Lookup:
    """Finds classes by what a person has written.

    A text is a class by its name, else by its name without surrounding
    blanks. It is also a class if it is the integer of the name, as `1` and
    `1.0` are of `01`: spreadsheets write these. If no name is an integer, an
    integer in `[0, K)` is the number of a class.

    Args:
        class_names: sequence of K str.
    """

    def __init__(self, class_names: collections.abc.Sequence[str]) -> None:
        self.class_names = tuple(class_names)
        self._by_name = {name: c for c, name in enumerate(self.class_names)}
        self._stripped = _unique(name.strip() for name in self.class_names)
        integers = [as_integer(name, zeros=True) for name in self.class_names]
        self._by_integer = _unique(integers)
        self._by_integer.pop(None, None)
        self._numbered = all(i is None for i in integers)

    def is_name(self, text: str) -> bool:
        """Returns whether a text is the name of a class, verbatim.

        Args:
            text: str.
        """
        return text in self._by_name

    def named(self, text: str) -> int | None:
        """Returns the number of the class of a name, verbatim, or None.

        Args:
            text: str.
        """
        return self._by_name.get(text)

    def find(self, text: str) -> int | None:
        """Returns the number of a class, or None if there is no such class.

        Args:
            text: str.
        """
        if text in self._by_name:
            return self._by_name[text]
        text = text.strip()
        if text in self._by_name:
            return self._by_name[text]
        if text in self._stripped:
            return self._stripped[text]
        integer = as_integer(text)
        if integer is None:
            return None
        if self._numbered:
            return integer if 0 <= integer < len(self.class_names) else None
        return self._by_integer.get(integer)


def is_missing(text: str) -> bool:
    """Returns whether a text stands for a label that is missing."""
    return text.strip().casefold() in MISSING


def as_integer(text: str, zeros: bool = False) -> int | None:
    """Reads an integer, which may have the form `7.0`.

    Args:
        text: str.
        zeros: bool, whether leading zeros are allowed.

    Returns:
        int, or None if the text is a name.
    """
    text = text.strip()
    if zeros:
        text = re.sub(r"^([+-]?)0+(?=\d)", r"\1", text)
    found = _INTEGER.fullmatch(text)
    # Text beyond the length of any integer type is a name.
    if found is None or len(text) > 20:
        return None
    return int(found[1] + found[2])


def notes_on(class_names: collections.abc.Iterable[str]) -> tuple[str, ...]:
    """Finds classes that may be meant to be one.

    Args:
        class_names: iterable of str.

    Returns:
        tuple of str: a line if names differ only by case, blanks, leading
        zeros or the form of accents, else nothing.
    """
    alike: dict[str, list[str]] = {}
    for name in class_names:
        alike.setdefault(_likeness(name), []).append(name)
    groups = [
        " and ".join(map(repr, names))
        for names in alike.values()
        if len(names) > 1
    ]
    if not groups:
        return ()
    return (
        "classes that differ only by case, blanks or leading zeros: "
        + abbreviated(groups)
        + "; give them one name if they are one class",
    )


def _likeness(name):
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"\s+", "", text)
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)


def _unique(values):
    """dict from value to position, for values that occur once."""
    found: dict[Any, int | None] = {}
    for position, value in enumerate(values):
        found[value] = None if value in found else position
    return {value: p for value, p in found.items() if p is not None}
