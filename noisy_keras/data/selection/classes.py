"""Restriction of a source to some of its classes."""

import collections.abc
import difflib
from typing import TYPE_CHECKING
from typing import TypeVar

import numpy as np

from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

if TYPE_CHECKING:
    from noisy_keras.data.sources.source import Source

_Source = TypeVar("_Source", bound="Source")


def numbers(
    source: "Source", classes: collections.abc.Sequence[str | int]
) -> list[int]:
    """Returns the numbers of classes given by name or number.

    Args:
        source: `Source`.
        classes: sequence of class names (str) and of numbers in `[0, K)`,
            given as int or as str that is not a class name.

    Returns:
        List of distinct int, in the order of `classes`.

    Raises:
        ValueError: `classes` is not a sequence, or empty; a class is unknown
            or given twice.
    """
    if isinstance(classes, str | bytes) or not len(classes):
        raise ConfigurationError(
            "Expected a list of classes, by name or number. "
            f"Received: {classes!r}"
        )
    found = [_number(source, name) for name in classes]
    names = [source.class_names[number] for number in found]
    checks.distinct(names, "classes")
    return found


def restricted(
    source: _Source,
    kept: collections.abc.Sequence[int],
    name: str | None = None,
) -> _Source:
    """Makes a source of the samples of some classes; see `Source.of_classes`.

    Args:
        source: `Source`.
        kept: sequence of distinct int, at least one: the numbers of the
            classes, in the order of the new numbers.
        name: str, name of the new source. Defaults to that of `source`.

    Returns:
        A `Source`.

    Raises:
        ValueError: `source` has no samples of these classes.
    """
    number = np.full(source.num_classes + 1, -1, np.int32)
    number[kept] = np.arange(len(kept))
    labels, true_labels = number[source.labels], source.true_labels
    selected = labels >= 0
    if true_labels is not None:
        # An unknown true label, -1, selects the last entry, which is -1.
        selected &= (true_labels < 0) | (number[true_labels] >= 0)
    names = tuple(source.class_names[c] for c in kept)
    if not selected.any():
        raise ConfigurationError(
            f"Expected samples of the classes {abbreviated(list(names))} in "
            f"{source.name}. Received: none"
        )
    part = source.subset(selected, name)
    part.class_names = names
    part.labels = checks.read_only(labels[selected])
    if true_labels is not None:
        part.true_labels = checks.read_only(number[part.true_labels])
    if part.soft_labels is not None:
        # The given label is the class of the highest probability and is among
        # the selected classes, so no row sums to 0.
        soft = part.soft_labels[:, kept]
        soft = soft / soft.sum(axis=1, keepdims=True)
        part.soft_labels = checks.read_only(soft)
    # Imported here to avoid an import cycle: noise generators import sources,
    # which import this file.
    from noisy_keras.data.selection import similar_classes

    part.look_alikes = similar_classes.among(
        source.look_alikes, source.num_classes, kept
    )
    return part


def _number(source, name):
    names = source.class_names
    if isinstance(name, str) and name in names:
        return names.index(name)
    number = -1
    if isinstance(name, str) and name.isdecimal():
        number = int(name)
    elif isinstance(name, int | np.integer) and not isinstance(name, bool):
        number = int(name)
    if not 0 <= number < len(names):
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Expected classes of {source.name}: {abbreviated(names)}, or "
            f"numbers in [0, {len(names)}). Received: {name!r}.{hint}"
        )
    return number
