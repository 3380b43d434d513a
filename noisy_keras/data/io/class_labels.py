"""Labels as people have them, converted to classes.

Every entry for labels reads them here: files, arrays, data sets and edited
audits. The classes are the labels that occur. If all of them are integers
(`7`, or `7.0` as some programs write it), they are sorted as numbers, else as
text. Classes that no label names exist only if they are asked for: by
`class_names`, or by the columns of one-hot labels.

Nothing here takes memory by the highest label.
"""

import collections.abc
import dataclasses
from typing import Any

import numpy as np

from noisy_keras.data.io import class_lookup
from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True, eq=False)
class ClassLabels:
    """Labels as class numbers, and the classes.

    Attributes:
        labels: int32 array `[N]` in `[0, K)`.
        class_names: tuple of K str.
        true_labels: int32 array `[N]`, -1 where unknown, or None.
        notes: tuple of str, what a person should know about the classes.
    """

    labels: np.ndarray
    class_names: tuple[str, ...]
    true_labels: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class _Column:
    """Values by their distinct texts.

    Attributes:
        texts: list of u str, the distinct values, verbatim.
        codes: int array `[N]`, the row of each value in `texts`.
        numeric: bool, whether the values are of an integer or float type.
        width: int, number of columns of one-hot labels, else 0.
    """

    texts: list[str]
    codes: np.ndarray
    numeric: bool = False
    width: int = 0


def encode(
    labels: Any,
    class_names: collections.abc.Sequence[str] | None = None,
    *,
    true_labels: Any = None,
    what: str = "labels",
    where: collections.abc.Callable[[int], str] | None = None,
) -> ClassLabels:
    """Converts labels to class numbers.

    Args:
        labels: array-like `[N]` or `[N, 1]` of integers, of floats with
            integer values, or of text (str, bytes, or objects of these); or
            one-hot labels `[N, K]`, whose columns are the classes.
        class_names: sequence of K str, the classes in order; or None for the
            labels that occur, in `labels` or in `true_labels`. A label is
            looked up among the names verbatim, then without surrounding
            blanks. Numbers that are no names are class numbers in `[0, K)`.
        true_labels: labels in the same form, or None. A missing one is
            unknown, and so is -1 unless it is a class.
        what: str, name of the labels in messages.
        where: function from row (int) to a description such as `"line 7"`.
            Defaults to the number of the row.

    Returns:
        `ClassLabels`.

    Raises:
        ConfigurationError: labels are missing, not of these types, negative
            or no classes (the message lists rows); or there are fewer than
            two classes.

    Example:
        >>> from noisy_keras.data.io import class_labels
        >>> found = class_labels.encode([57, 101, 88, 57])
        >>> found.class_names, list(map(int, found.labels))
        (('57', '88', '101'), [0, 2, 1, 0])
        >>> class_labels.encode(["b", "a", "b"]).class_names
        ('a', 'b')
    """
    where = where or _row
    given = _column(labels, what, where)
    true, name = None, f"true_{what}"
    if true_labels is not None:
        true = _column(true_labels, name, where, unknown_allowed=True)
        if class_names is None and true.width != given.width:
            raise ConfigurationError(
                f"Expected `{what}` and `{name}` of the same form. Received: "
                "one-hot labels and others"
            )
    if class_names is not None:
        names = tuple(str(n) for n in class_names)
        notes: tuple[str, ...] = ()
    elif given.width:
        names, notes = tuple(map(str, range(given.width))), ()
    else:
        names, notes = _found_classes(given, true, what, where)
    checks.class_count(len(names))
    # Classes that were found in the labels are meant by their names.
    by_name = class_names is None
    numbers = _numbers(given, names, what, where, by_name)
    known = None
    if true is not None:
        known = _numbers(true, names, name, where, by_name, True)
    return ClassLabels(numbers, names, known, notes)


def _row(row):
    return f"row {row}"


def _column(values, what, where, unknown_allowed=False):
    """Reads labels of any form."""
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        values = values.data.astype(object)
        values[masked] = None
    try:
        array = np.asarray(values)
    except ValueError:  # Lists of different lengths.
        array = np.asarray([])
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and len(array) and array.shape[1]:
        return _one_hot(array, what, where)
    if array.ndim != 1 or not len(array):
        raise ConfigurationError(
            f"Expected `{what}` to be one label per sample, [N] or [N, 1], or "
            f"one-hot labels [N, K]. Received: shape {array.shape}"
        )
    if array.dtype.kind in "iu":
        return _distinct_numbers(array)
    if array.dtype.kind == "f":
        if unknown_allowed:
            array = np.where(np.isnan(array), -1.0, array)
        return _distinct_numbers(_whole(array, what, where))
    if array.dtype.kind in "bSUTO":
        return _distinct_texts([_text(v) for v in array.tolist()])
    raise ConfigurationError(
        f"Expected integer `{what}`, or text. Received: dtype {array.dtype}"
    )


def _whole(array, what, where):
    """Integers of the same values as floats; raises if there are others."""
    _check_rows(np.isnan(array), f"a label in every row of `{what}`", where)
    wrong = ~np.isfinite(array)
    wrong[~wrong] = array[~wrong] != np.round(array[~wrong])
    wrong |= np.abs(array) >= 2.0**53
    if wrong.any():
        rows = np.flatnonzero(wrong)
        listing = abbreviated([f"{array[i]} at {where(i)}" for i in rows[:4]])
        raise ConfigurationError(
            f"Expected integer `{what}`, or text. Received: {len(rows)} "
            f"others: {listing}"
        )
    return array.astype(np.int64)


def _one_hot(array, what, where):
    if array.dtype.kind not in "biuf":
        raise ConfigurationError(
            f"Expected `{what}` to be one label per sample, [N]. "
            f"Received: {array.dtype} of shape {array.shape}"
        )
    wrong = ((array != 0) & (array != 1)).any(axis=1)
    wrong |= (array == 1).sum(axis=1) != 1
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigurationError(
            f"Expected `{what}` to be one label per sample, [N], or one-hot "
            "rows with a single 1. Received: shape "
            f"{array.shape} with {int(wrong.sum())} other rows, the first at "
            f"{where(row)}. Distributions over the classes are passed to "
            "`source.relabel`."
        )
    width = array.shape[1]
    texts = [str(c) for c in range(width)]
    return _Column(texts, array.argmax(axis=1), numeric=True, width=width)


def _distinct_numbers(array):
    values, codes = np.unique(array, return_inverse=True)
    texts = [str(int(v)) for v in values]
    return _Column(texts, codes.reshape(-1), numeric=True)


def _distinct_texts(texts):
    place: dict[str, int] = {}
    codes = [place.setdefault(text, len(place)) for text in texts]
    return _Column(list(place), np.asarray(codes, np.int64))


def _text(value):
    """The text of one label; `""` if it is missing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else str(value)
    return "" if value is None else str(value)


def _found_classes(given, true, what, where):
    """The classes that occur, and notes on them."""
    missing = np.asarray(
        [class_lookup.is_missing(text) for text in given.texts], bool
    )
    _check_rows(
        missing[given.codes], f"a label in every row of `{what}`", where
    )
    texts = {text.strip() for text in given.texts}
    if true is not None:
        others = {
            t.strip() for t in true.texts if not class_lookup.is_missing(t)
        }
        texts |= others if "-1" in texts else others - {"-1", "-1.0"}
    integers = {text: class_lookup.as_integer(text) for text in texts}
    if None in integers.values():
        names = tuple(sorted(texts))
    else:
        found = sorted(set(integers.values()))
        _check_negative(found, given, what, where)
        names = tuple(map(str, found))
    notes = class_lookup.notes_on(names)
    blank = [text for text in given.texts if text != text.strip()]
    merged = [t for t in blank if t.strip() in given.texts]
    if merged:
        notes += (
            "labels that differ only by surrounding blanks are one class: "
            + abbreviated([f"{t!r} is {t.strip()!r}" for t in merged]),
        )
    single = np.bincount(given.codes) == 1
    if len(given.codes) > 20 and single.sum() > len(given.codes) / 2:
        notes += (
            f"{int(single.sum())} of {len(names)} classes have a single "
            "sample; are these really the labels?",
        )
    return names, notes


def _check_negative(found, given, what, where):
    """Raises if -1 may stand for samples without a label."""
    # -1 and 1 are the two classes of many data sets.
    if found[0] >= 0 or found == [-1, 1]:
        return
    wrong = np.asarray(
        [(class_lookup.as_integer(t) or 0) < 0 for t in given.texts], bool
    )
    rows = np.flatnonzero(wrong[given.codes])
    if not len(rows):  # Only true labels are negative.
        raise ConfigurationError(
            f"Expected `true_{what}` of at least 0, or -1 where unknown. "
            f"Received: {found[0]}"
        )
    shown = abbreviated(
        [f"{given.texts[given.codes[i]]} at {where(i)}" for i in rows[:4]]
    )
    raise ConfigurationError(
        f"Expected `{what}` of at least 0. Received: {len(rows)} below: "
        f"{shown}. Leave out samples without a label. If it is a class, give "
        "it a name that is no number, or pass `class_names`."
    )


def _numbers(column, names, what, where, by_name, unknown_allowed=False):
    """Class numbers `[N]` of a column, -1 where unknown."""
    if column.width and column.width != len(names):
        raise ConfigurationError(
            f"Expected one-hot `{what}` with a column for each of the "
            f"{len(names)} classes. Received: {column.width} columns"
        )
    lookup = class_lookup.Lookup(names)
    if column.numeric and not by_name:
        found = _by_number(column, lookup, what, unknown_allowed)
    else:
        found = [lookup.find(text) for text in column.texts]
    unknown = [
        number is None
        and (
            class_lookup.is_missing(text)
            or (class_lookup.as_integer(text) == -1 and unknown_allowed)
        )
        for text, number in zip(column.texts, found, strict=True)
    ]
    if not unknown_allowed:
        _check_rows(
            np.asarray(unknown, bool)[column.codes],
            f"a label in every row of `{what}`",
            where,
        )
    wrong = np.asarray(
        [n is None and not u for n, u in zip(found, unknown, strict=True)], bool
    )
    rows = np.flatnonzero(wrong[column.codes])
    if len(rows):
        shown = abbreviated(
            [
                f"{_shown(column, column.codes[i])} at {where(i)}"
                for i in rows[:4]
            ]
        )
        among = (
            f"in [0, {len(names)})"
            if column.numeric
            else f"to be one of the {len(names)} classes "
            + abbreviated(list(names))
        )
        raise ConfigurationError(
            f"Expected `{what}` {among}. Received: {len(rows)} others: {shown}"
        )
    table = np.asarray([-1 if n is None else n for n in found], np.int32)
    return checks.read_only(table[column.codes])


def _by_number(column, lookup, what, unknown_allowed):
    """Numbers of the classes of numeric labels, None for those of none."""
    count = len(lookup.class_names)
    values = [int(text) for text in column.texts]
    numbers = [value if 0 <= value < count else None for value in values]
    if column.width:
        return numbers
    known = [
        None if unknown_allowed and value == -1 else lookup.named(text)
        for value, text in zip(values, column.texts, strict=True)
    ]
    relevant = [v for v in values if not (unknown_allowed and v == -1)]
    named = sum(n is not None for n in known) == len(relevant)
    in_range = all(0 <= value < count for value in relevant)
    # Names such as 1, 2, 3: the label 1 hardly means the second of them.
    if named and in_range and "0" not in lookup.class_names:
        raise ConfigurationError(
            f"Expected `{what}` that can be read in one way. Received: "
            f"integers that are both names of classes, such as "
            f"{lookup.class_names[0]!r}, and numbers in [0, {count}). Pass "
            "them as text to mean the names."
        )
    return known if named and not in_range else numbers


def _shown(column, code):
    text = column.texts[code]
    return text if column.numeric else repr(text)


def _check_rows(wrong, expected, where):
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise ConfigurationError(
            f"Expected {expected}. Received: {len(rows)} without: "
            + abbreviated([where(i) for i in rows[:4]])
        )
