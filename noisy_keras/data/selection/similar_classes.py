"""Which class is mistaken for which."""

import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse.
_CIFAR10 = {9: 1, 2: 0, 3: 5, 5: 3, 4: 7}
# 7 -> 1, 2 -> 7, 5 <-> 6, 3 -> 8: the digits that look alike.
_DIGITS = {7: 1, 2: 7, 5: 6, 6: 5, 3: 8}
# The coarse class of each of CIFAR-100's fine classes, in their order.
_CIFAR100_COARSE = (
    "4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 "
    "11 1 10 12 14 16 9 11 5 5 19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 "
    "17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 13 16 19 2 4 6 19 5 5 "
    "8 19 18 1 2 15 6 0 17 8 14 13"
)


def superclass_successors():
    """CIFAR-100: each fine class's successor within its coarse class.

    Returns:
        dict from fine class to the next fine class, ascending and circular.
    """
    coarse = np.array(_CIFAR100_COARSE.split(), int)
    successors = {}
    for c in range(20):
        members = np.flatnonzero(coarse == c)
        for fine, following in zip(members, np.roll(members, -1), strict=True):
            successors[int(fine)] = int(following)
    return successors


def block_successors():
    """CIFAR-100: each class's successor within its block of five indices.

    The blocks 0-4, 5-9, ... are no coarse classes: indices are alphabetical.

    Returns:
        dict from class to the next class, ascending and circular.
    """
    return {c: c - c % 5 + (c + 1) % 5 for c in range(100)}


#: Functions that make a dict from class to look-alike class, by name.
MAPPINGS = {
    "cifar10": lambda: _CIFAR10,
    "digits": lambda: _DIGITS,
    "cifar100_superclass": superclass_successors,
    "cifar100_blocks": block_successors,
}

# By number of classes, where nothing is told.
_USUAL = {10: "cifar10", 100: "cifar100_superclass"}


def among(mapping, num_classes, kept):
    """What is left of a mapping where only some classes are.

    A class whose look-alike is gone is mistaken for none, or, where the whole
    mapping is circular, for the next that is left.

    Args:
        mapping: as of `targets`.
        num_classes: K, before.
        kept: list of int, the classes that are left, in their new order.

    Returns:
        dict from new number to new number; empty where nothing is known.

    Raises:
        ValueError: a mapping that leaves the K classes.
    """
    mapping = _USUAL.get(num_classes) if mapping is None else mapping
    if not mapping:
        return {}
    following = targets(mapping, num_classes)
    number = {old: new for new, old in enumerate(kept)}
    circular = len(np.unique(following)) == num_classes
    left = {}
    for given, new in number.items():
        wrong = following[given]
        while circular and wrong not in number:
            wrong = following[wrong]
        if wrong in number and wrong != given:
            left[new] = number[wrong]
    return left


def targets(mapping, num_classes):
    """The class that each class is mistaken for.

    Args:
        mapping: dict, name in `MAPPINGS`, or None for what suits K.
        num_classes: K.

    Returns:
        int `[K]`; a class that the mapping leaves out is its own.

    Raises:
        ValueError: no mapping is known for K classes, or it leaves them.
    """
    if mapping is None:
        mapping = _USUAL.get(num_classes)
    if not mapping:
        raise ConfigurationError(
            "Expected a `mapping` from class to look-alike class: "
            f"none is known for {num_classes} classes. Pass "
            "AsymmetricNoise(rate, mapping={0: 1, ...}), or take noise after "
            "a confusion matrix."
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


def groups(following):
    """The classes that a circular mapping leads through.

    Args:
        following: int `[K]`, as `targets` gives.

    Returns:
        members int `[K, L]`, whose first `sizes[c]` columns in row c are the
        classes of c's group, itself first; sizes int `[K]`.

    Raises:
        ValueError: a mapping that does not lead back to where it began.
    """
    start = np.arange(len(following))
    if not np.array_equal(np.sort(following), start):
        raise ConfigurationError(
            "Expected a circular `mapping`, in which each class is mistaken "
            "for by exactly one, such as 'cifar100_superclass'. Received: "
            f"targets {np.unique(following).tolist()} of {len(start)} classes"
        )
    members = [start]
    sizes = np.zeros(len(start), int)
    while not sizes.all():
        reached = following[members[-1]]
        sizes[(reached == start) & (sizes == 0)] = len(members)
        members.append(reached)
    return np.stack(members[:-1], axis=1), sizes
