"""Mappings from classes to similar classes, for asymmetric noise."""

import collections.abc

import numpy as np

from noisy_keras.utils.errors import ConfigurationError

Mapping = collections.abc.Mapping[int, int]

# truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse.
_CIFAR10 = {9: 1, 2: 0, 3: 5, 5: 3, 4: 7}
# 7 -> 1, 2 -> 7, 5 <-> 6, 3 -> 8: the pairs that are used for MNIST.
_DIGITS = {7: 1, 2: 7, 5: 6, 6: 5, 3: 8}
# The coarse class of each fine class of CIFAR-100, in the order of the fine
# classes.
_CIFAR100_COARSE = (
    "4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 "
    "11 1 10 12 14 16 9 11 5 5 19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 "
    "17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 13 16 19 2 4 6 19 5 5 "
    "8 19 18 1 2 15 6 0 17 8 14 13"
)


def superclass_successors() -> dict[int, int]:
    """Maps each fine class of CIFAR-100 to the next of its coarse class.

    Returns:
        dict from fine class to the next fine class in ascending order; the
        last one of a coarse class maps to the first.
    """
    coarse = np.array(_CIFAR100_COARSE.split(), int)
    successors = {}
    for c in range(20):
        members = np.flatnonzero(coarse == c)
        for fine, following in zip(members, np.roll(members, -1), strict=True):
            successors[int(fine)] = int(following)
    return successors


def block_successors() -> dict[int, int]:
    """Maps each class of CIFAR-100 to the next of its block of five indices.

    The blocks 0-4, 5-9, ... are not coarse classes, because fine classes are in
    alphabetical order.

    Returns:
        dict from class to the next class in ascending order; the last one of a
        block maps to the first.
    """
    return {c: c - c % 5 + (c + 1) % 5 for c in range(100)}


#: By name: functions that return a dict from class to similar class.
MAPPINGS: dict[str, collections.abc.Callable[[], dict[int, int]]] = {
    "cifar10": lambda: _CIFAR10,
    "digits": lambda: _DIGITS,
    "cifar100_superclass": superclass_successors,
    "cifar100_blocks": block_successors,
}

# The default mapping by number of classes.
_DEFAULTS = {10: "cifar10", 100: "cifar100_superclass"}


def among(
    mapping: Mapping | str | None,
    num_classes: int,
    kept: collections.abc.Sequence[int],
) -> dict[int, int]:
    """Restricts a mapping to some of the classes.

    If the similar class of a class is left out, the class is left out of the
    mapping, or, if the whole mapping is circular, mapped to the next class
    that is kept.

    Args:
        mapping: mapping, name or None, as in `targets`.
        num_classes: int, number of classes K before the restriction.
        kept: sequence of int, the classes that are kept, in their new order.

    Returns:
        dict from new class number to new class number, empty if no mapping is
        known.

    Raises:
        ValueError: the mapping contains numbers outside `[0, K)`.
    """
    mapping = _DEFAULTS.get(num_classes) if mapping is None else mapping
    if not mapping:
        return {}
    following = targets(mapping, num_classes)
    number = {old: new for new, old in enumerate(kept)}
    circular = len(np.unique(following)) == num_classes
    remaining = {}
    for given, new in number.items():
        wrong = following[given]
        while circular and wrong not in number:
            wrong = following[wrong]
        if wrong in number and wrong != given:
            remaining[new] = number[wrong]
    return remaining


def targets(mapping: Mapping | str | None, num_classes: int) -> np.ndarray:
    """Returns the similar class of each class.

    Args:
        mapping: mapping from class to class, name in `MAPPINGS`, or None for
            the default mapping of K classes.
        num_classes: int, number of classes K.

    Returns:
        int array `[K]`. Classes that are not in the mapping map to themselves.

    Raises:
        ValueError: no mapping is known for K classes, or the mapping contains
            numbers outside `[0, K)`.
    """
    if mapping is None:
        mapping = _DEFAULTS.get(num_classes)
    if not mapping:
        raise ConfigurationError(
            "Expected a `mapping` from class to similar class. Received: none, "
            f"and none is known for {num_classes} classes. Pass "
            "AsymmetricNoise(rate, mapping={0: 1, ...}), or use noise from a "
            "confusion matrix."
        )
    if isinstance(mapping, str):
        mapping = MAPPINGS[mapping]()
    found = np.arange(num_classes)
    for given, wrong in mapping.items():
        if not (0 <= given < num_classes and 0 <= wrong < num_classes):
            raise ConfigurationError(
                f"Expected a mapping within [0, {num_classes}). "
                f"Received: {given} -> {wrong}"
            )
        found[given] = wrong
    return found


def groups(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the circles of a circular mapping.

    Args:
        following: int array `[K]`, the next class of each class, as `targets`
            returns.

    Returns:
        A pair of int arrays. Members `[K, L]` contain in the first `sizes[c]`
        columns of row c the classes of c's circle, beginning with c; sizes
        `[K]` are the lengths of the circles.

    Raises:
        ValueError: the mapping is not circular.
    """
    start = np.arange(len(following))
    if not np.array_equal(np.sort(following), start):
        raise ConfigurationError(
            "Expected a circular `mapping`, in which each class is the similar "
            "class of exactly one, such as 'cifar100_superclass'. Received: "
            f"targets {np.unique(following).tolist()} of {len(start)} classes"
        )
    members = [start]
    sizes = np.zeros(len(start), int)
    while not sizes.all():
        reached = following[members[-1]]
        sizes[(reached == start) & (sizes == 0)] = len(members)
        members.append(reached)
    return np.stack(members[:-1], axis=1), sizes
