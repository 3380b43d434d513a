"""Pickling of objects that hold tensors, locks and read-only arrays."""

import threading
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from noisy_keras.utils import checks

_LOCK = type(threading.Lock())


class _Tensor(NamedTuple):
    """A tensor on the CPU, as its values."""

    values: np.ndarray


class _ReadOnly(NamedTuple):
    """An array that cannot be written to; pickles do not keep that."""

    values: np.ndarray


class _Lock(NamedTuple):
    """A lock, which nobody holds when it is restored."""


def state(attributes):
    """The attributes of an object, in a form that can be pickled.

    Args:
        attributes: dict.

    Returns:
        dict.
    """
    found = {}
    for name, value in attributes.items():
        if tf.is_tensor(value):
            value = _Tensor(value.numpy())
        elif isinstance(value, np.ndarray) and not value.flags.writeable:
            value = _ReadOnly(value)
        elif isinstance(value, _LOCK):
            value = _Lock()
        found[name] = value
    return found


def restored(state):
    """The attributes of `state`, as they were.

    Args:
        state: dict.

    Returns:
        dict.
    """
    found = {}
    for name, value in state.items():
        if isinstance(value, _Tensor):
            # Images stay on the CPU, even if there is an accelerator.
            with tf.device("CPU"):
                value = tf.constant(value.values)
        elif isinstance(value, _ReadOnly):
            value = checks.read_only(value.values)
        elif isinstance(value, _Lock):
            value = threading.Lock()
        found[name] = value
    return found
