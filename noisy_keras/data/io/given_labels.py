"""Labels of given classes, soft labels included.

Integers, integers as floats, `[N, 1]`, one-hot and soft rows `[N, K]`, and
names of classes mean the same wherever a model or a source takes labels.
Integers are always numbers of classes here. Names are read by `class_labels`,
which also finds classes in labels of files and arrays.
"""

import collections.abc
from typing import Any
from typing import NamedTuple

import numpy as np

from noisy_keras.data.io import class_labels
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

# Of the sum of a row from 1, as in `checks.soft_labels`.
_TOLERANCE = 1e-3


class Given(NamedTuple):
    """Labels that were read.

    Attributes:
        labels: int32 `[N]`, the classes; of soft labels the likeliest. They
            are not checked against a number of classes that is not known.
        soft: float32 `[N, K]`, the distributions, or None.
        class_names: tuple of K str, if the labels name the classes; or None.
        num_classes: int, K, if the form of the labels tells it; or None.
    """

    labels: np.ndarray
    soft: np.ndarray | None = None
    class_names: tuple | None = None
    num_classes: int | None = None


def read(
    values: Any,
    class_names: collections.abc.Sequence[str] | None = None,
    num_classes: int | None = None,
    what: str = "labels",
    soft_allowed: bool = True,
    unknown_allowed: bool = False,
) -> Given:
    """Reads labels in any form.

    Args:
        values: array-like, one of:
            integers `[N]` or `[N, 1]`, also as floats;
            names of classes, `[N]` or `[N, 1]` of str or bytes;
            one-hot rows or distributions `[N, K]`.
        class_names: sequence of K str, the classes; or None. Names are looked
            up in it; without it the classes are the names that occur.
        num_classes: int, K where there are no names; or None.
        what: str, name of the argument in messages.
        soft_allowed: bool, whether rows may be distributions that are not
            one-hot.
        unknown_allowed: bool, whether -1 may represent an unknown label.

    Returns:
        `Given`.

    Raises:
        ConfigurationError: labels of another form, or that are no classes;
            the message has the rows.
    """
    if class_names is not None:
        class_names = tuple(str(name) for name in class_names)
        num_classes = len(class_names)
    values = as_array(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind == "O":
        values = _unboxed(values, what)
    if values.ndim == 2 and values.dtype.kind in "biuf" and len(values):
        return _of_rows(values, num_classes, what, soft_allowed)
    if values.ndim != 1 or len(values) == 0:
        raise ConfigurationError(
            f"Expected `{what}` to be one class per sample, [N], or one row "
            f"per sample, [N, {num_classes or 'K'}]. "
            f"Received: shape {values.shape}"
        )
    if values.dtype.kind in "US":
        return _of_names(values, class_names, num_classes, what)
    if values.dtype.kind == "f":
        values = _whole(values, what)
    elif values.dtype.kind not in "biu":
        raise ConfigurationError(
            f"Expected `{what}` to be integers, names of classes or rows of "
            f"probabilities. Received: dtype {values.dtype}"
        )
    if num_classes is not None:
        values = checks.labels(
            values.astype(np.int64), num_classes, what, unknown_allowed
        )
    return Given(values, num_classes=num_classes)


def distributions(
    values: Any,
    class_names: collections.abc.Sequence[str] | None = None,
    what: str = "labels",
) -> np.ndarray | None:
    """Reads labels that are distributions over the classes.

    Args:
        values: array-like, labels in any form.
        class_names: sequence of K str, or None.
        what: str, name of the argument in messages.

    Returns:
        float32 `[N, K]`; None if the labels have another form.

    Raises:
        ConfigurationError: rows of numbers that are neither distributions nor
            one-hot.
    """
    values = as_array(values)
    if values.ndim != 2 or values.shape[1] < 2 or not len(values):
        return None
    if values.dtype.kind not in "biuf":
        return None
    return read(values, class_names, what=what).soft


def as_array(values: Any) -> np.ndarray:
    """Labels as an array, which fails in one line if rows differ in length.

    Args:
        values: array-like.

    Returns:
        NumPy array.

    Raises:
        ConfigurationError: rows of different lengths.
    """
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ConfigurationError(
            f"Expected labels of one form. Received: {error}"
        ) from error


def _unboxed(values, what):
    """Python objects as an array of str, integers or floats."""
    flat = values.reshape(-1).tolist()
    flat = [
        v.decode("utf-8", "replace") if isinstance(v, bytes) else v
        for v in flat
    ]
    named = [isinstance(v, str) for v in flat]
    if all(named):
        return np.array(flat, str).reshape(values.shape)
    if any(named):
        wrong = [i for i, is_name in enumerate(named) if not is_name]
        raise ConfigurationError(
            f"Expected `{what}` to be all names of classes or all numbers. "
            f"Received: {len(wrong)} that are no names: " + _shown(flat, wrong)
        )
    try:
        return np.array(
            [float("nan") if v is None else v for v in flat]
        ).reshape(values.shape)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"Expected `{what}` to be integers, names of classes or rows of "
            f"probabilities. Received: objects ({error})"
        ) from error


def _whole(values, what):
    """Floats as integers."""
    wrong = np.flatnonzero(~np.isfinite(values) | (values != values.round()))
    if len(wrong):
        raise ConfigurationError(
            f"Expected integer `{what}`, or floats with integer values. "
            f"Received: {len(wrong)} others: {_shown(values, wrong)}"
        )
    return values.astype(np.int64)


def _of_rows(values, num_classes, what, soft_allowed):
    """One-hot rows, or distributions."""
    count = values.shape[1]
    if num_classes is not None and count != num_classes:
        raise ConfigurationError(
            f"Expected `{what}` with one column per class, of shape "
            f"[N, {num_classes}]. Received: {values.shape}"
        )
    checks.class_count(count)
    rows = values.astype(np.float32)
    labels = rows.argmax(axis=1).astype(np.int32)
    ones = (rows == 1.0).sum(axis=1) == 1
    if (ones & ((rows != 0.0).sum(axis=1) == 1)).all():
        return Given(checks.read_only(labels), num_classes=count)
    total = rows.sum(axis=1)
    valid = np.isfinite(total) & (np.nan_to_num(rows).min(axis=1) >= 0.0)
    valid &= np.abs(total - 1.0) < _TOLERANCE
    wrong = np.flatnonzero(~valid)
    if len(wrong):
        raise ConfigurationError(
            f"Expected rows of `{what}` that are one-hot, or non-negative and "
            f"sum to 1. Received: {len(wrong)} other rows: "
            + _shown(rows, wrong)
        )
    if not soft_allowed:
        wrong = np.flatnonzero(~ones)
        raise ConfigurationError(
            f"Expected one class per sample in `{what}`, because loss and "
            "metrics compare predictions with it; `labels.argmax(axis=1)` has "
            f"the likeliest. Received: {len(wrong)} soft rows: "
            f"{_shown(rows, wrong)}"
        )
    soft = checks.soft_labels(rows, count)
    return Given(checks.read_only(labels), soft, num_classes=count)


def _of_names(values, class_names, num_classes, what):
    """Names of classes."""
    found = class_labels.encode(values, class_names, what=what)
    names = found.class_names
    if class_names is None and num_classes not in (None, len(names)):
        raise ConfigurationError(
            f"Expected `{what}` with the {num_classes} classes of the "
            "model, whose names are not known. Received: "
            f"{len(names)} names: {checks.abbreviated(list(names))}"
        )
    return Given(found.labels, None, names, len(names))


def _shown(values, rows):
    """The first few of some values, with their rows."""
    if np.ndim(values[rows[0]]):
        first = np.round(values[rows[0]][:5], 3).tolist()
        return f"the first at row {rows[0]}, {first}"
    return checks.abbreviated(
        [f"{_plain(values[i])!r} at row {i}" for i in rows[:4]]
    )


def _plain(value):
    return (
        value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    )
