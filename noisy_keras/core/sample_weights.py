"""Weights of samples and classes in the loss, as Keras' `fit` takes them."""

import collections.abc
import math

import numpy as np

from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


def weighted(source, sample_weight=None, class_weight=None):
    """A source with the weights of `fit`; both kinds are multiplied.

    Args:
        source: `Source`; weights that it has are multiplied as well.
        sample_weight: float array `[N]`, or None.
        class_weight: dict from class, by number or name, to its weight; 1 for
            classes that it lacks; or None. The class of a sample is that of
            its given label.

    Returns:
        A `Source`.

    Raises:
        ConfigurationError: weights of another length, or that are negative or
            not finite; or unknown classes.
    """
    if sample_weight is None and class_weight is None:
        return source
    total = np.ones(source.num_samples, np.float32)
    if source.sample_weights is not None:
        total *= source.sample_weights
    if sample_weight is not None:
        total *= checks.sample_weights(sample_weight, source.num_samples)
    if class_weight is not None:
        total *= _of_classes(class_weight, source.class_names)[source.labels]
    return source.with_sample_weights(total)


def _of_classes(given, names):
    """The weight of every class: float32 `[K]`."""
    if not isinstance(given, collections.abc.Mapping):
        raise ConfigurationError(
            "Expected `class_weight` to be a dict from class to weight. "
            f"Received: {type(given).__name__}"
        )
    numbers = {name: k for k, name in enumerate(names)}
    weights = np.ones(len(names), np.float32)
    for key, value in given.items():
        # Numbers first, as in Keras; names may be numerals themselves.
        number = numbers.get(key) if isinstance(key, str) else key
        try:
            known = number == int(number) and 0 <= number < len(names)
        except (TypeError, ValueError):
            known = False
        if not known:
            raise ConfigurationError(
                f"Expected `class_weight` of classes, in [0, {len(names)}) or "
                f"of {checks.abbreviated(list(names))}. Received: {key!r}"
            )
        try:
            valid = math.isfinite(value) and value >= 0.0
        except TypeError:
            valid = False
        if not valid:
            raise ConfigurationError(
                "Expected `class_weight` with finite numbers of at least 0. "
                f"Received: {value!r} for class {key!r}"
            )
        weights[int(number)] = value
    return weights


def check(source, reason, who):
    """Raises if a source has weights that cannot be honoured.

    Args:
        source: `Source`.
        reason: str, why not, or "" if they can.
        who: str, name of what would have to honour them.

    Raises:
        ConfigurationError: it has.
    """
    if source.sample_weights is not None and reason:
        raise ConfigurationError(
            f"Expected no `sample_weight` or `class_weight`: {who} {reason}. "
            "`nk.CrossEntropy`, `nk.GCE` and `nk.ELR` take them. "
            f"Received: weights of {source.num_samples} samples; "
            "`source.with_sample_weights(None)` leaves them out"
        )
