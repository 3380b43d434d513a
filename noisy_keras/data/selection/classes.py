"""Some classes of a source, numbered anew."""

import difflib

import numpy as np

from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def numbers(source, classes):
    """The numbers of classes told by name or number.

    Args:
        source: a `Source`.
        classes: list of names, and of numbers in `[0, K)`, as integers or as
            text that is no class's name.

    Returns:
        List of distinct int, in the order given.

    Raises:
        ValueError: no list, an empty one, no such class, or one twice.
    """
    if isinstance(classes, str | bytes) or not len(classes):
        raise ConfigurationError(
            "Expected a list of classes, by name or number. "
            f"Received: {classes!r}"
        )
    found = [_number(source, told) for told in classes]
    names = [source.class_names[number] for number in found]
    checks.distinct(names, "classes")
    return found


def restricted(source, kept, name=None):
    """A new source of the samples of some classes: see `Source.of_classes`.

    Args:
        source: a `Source`.
        kept: list of distinct class numbers, one at least.
        name: of the new source; default: that of this one.

    Returns:
        A `Source`.

    Raises:
        ValueError: there are no such samples.
    """
    number = np.full(source.num_classes + 1, -1, np.int32)
    number[kept] = np.arange(len(kept))
    labels, true_labels = number[source.labels], source.true_labels
    stays = labels >= 0
    if true_labels is not None:
        # An unknown class, -1, stays one: the last number stands for it.
        stays &= (true_labels < 0) | (number[true_labels] >= 0)
    names = tuple(source.class_names[c] for c in kept)
    if not stays.any():
        raise ConfigurationError(
            f"Expected samples of the classes {abbreviated(names)} in "
            f"{source.name}. Received: none"
        )
    part = source.subset(stays, name)
    part.class_names = names
    part.labels = checks.read_only(labels[stays])
    if true_labels is not None:
        part.true_labels = checks.read_only(number[part.true_labels])
    if source.soft_labels is not None:
        # The given label, which is the top class, is among them: no sum is 0.
        soft = part.soft_labels[:, kept]
        soft = soft / soft.sum(axis=1, keepdims=True)
        part.soft_labels = checks.read_only(soft)
    # Imported here: generators of noise know sources, hence this file.
    from noisy_keras.data.selection import similar_classes

    part.look_alikes = similar_classes.among(
        source.look_alikes, source.num_classes, kept
    )
    return part


def _number(source, told):
    names = source.class_names
    if isinstance(told, str) and told in names:
        return names.index(told)
    number = -1
    if isinstance(told, str) and told.isdecimal():
        number = int(told)
    elif isinstance(told, int | np.integer) and not isinstance(told, bool):
        number = int(told)
    if not 0 <= number < len(names):
        near = difflib.get_close_matches(str(told), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Expected classes of {source.name}: {abbreviated(names)}, or "
            f"numbers in [0, {len(names)}). Received: {told!r}.{hint}"
        )
    return number
