"""Checks of labels and images; every message says how to mend."""

import numpy as np

from noisy_keras.utils.errors import ConfigurationError


def read_only(array):
    """Forbids writing to an array, which a source shares with others."""
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def labels(values, num_classes, what="labels", unknown_allowed=False):
    """Checks integer labels.

    Args:
        values: array-like `[N]`.
        num_classes: K; at least 2.
        what: name of the argument, for the message.
        unknown_allowed: whether -1 may stand for an unknown label.

    Returns:
        int32 `[N]`, read-only.

    Raises:
        ValueError: see the messages.
    """
    class_count(num_classes)
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0:
        raise ConfigurationError(
            f"Expected `{what}` to be one integer per sample, [N]. "
            f"Received: shape {values.shape}"
        )
    if values.dtype.kind not in "iu":
        whole = values.dtype.kind == "f" and np.all(values == values.round())
        raise ConfigurationError(
            f"Expected integer `{what}`. Received: dtype {values.dtype}"
            + ("; convert them with `.astype(int)`" if whole else "")
        )
    lowest = -1 if unknown_allowed else 0
    wrong = np.flatnonzero((values < lowest) | (values >= num_classes))
    if len(wrong):
        shown = ", ".join(f"{values[i]} at row {i}" for i in wrong[:3])
        raise ConfigurationError(
            f"Expected `{what}` in [0, {num_classes}). "
            f"Received: {len(wrong)} outside: {shown}"
        )
    return read_only(values.astype(np.int32))


def class_count(count):
    """Raises unless there are classes to tell apart.

    Args:
        count: of classes.

    Raises:
        ValueError: fewer than 2.
    """
    if count < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes. Received: {count}"
        )


def positions(index, count):
    """Checks which samples are meant.

    Args:
        index: int `[n]` in `[-count, count)`, or bool `[count]`.
        count: samples there are.

    Returns:
        int `[n]` in `[0, count)`.

    Raises:
        ValueError: no integers, none at all, or outside.
    """
    index = np.asarray(index)
    if index.dtype == bool and index.shape == (count,):
        index = np.flatnonzero(index)
    if index.ndim != 1 or len(index) == 0 or index.dtype.kind not in "iu":
        raise ConfigurationError(
            "Expected at least one sample, as integers [n] or one bool per "
            f"sample, [{count}]. Received: {index.dtype} of shape {index.shape}"
        )
    outside = (index < -count) | (index >= count)
    if outside.any():
        raise ConfigurationError(
            f"Expected positions in [0, {count}). Received: {index[outside][0]}"
        )
    return np.where(index < 0, index + count, index)


def distinct(values, what):
    """Raises unless values differ from each other.

    Args:
        values: strings.
        what: name of the argument.

    Raises:
        ValueError: with the first that stands twice.
    """
    seen = set()
    for value in values:
        if value in seen:
            raise ConfigurationError(
                f"Expected `{what}` that differ. Received: {value!r} twice"
            )
        seen.add(value)


def soft_labels(values, num_classes):
    """Checks label distributions.

    Args:
        values: float `[N, K]`.
        num_classes: K.

    Returns:
        float32 `[N, K]`, rows summing to 1, read-only.

    Raises:
        ValueError: another shape, or rows that are no distributions.
    """
    values = np.asarray(values, np.float32)
    if values.ndim != 2 or values.shape[1] != num_classes or not len(values):
        raise ConfigurationError(
            f"Expected soft labels of shape [N, {num_classes}]. "
            f"Received: {values.shape}"
        )
    total = values.sum(axis=1)
    good = np.isfinite(total) & (values.min(axis=1) >= 0)
    good &= np.abs(total - 1.0) < 1e-3
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise ConfigurationError(
            "Expected soft labels whose rows are non-negative and sum to 1. "
            f"Received: {int((~good).sum())} other rows, the first at {row}: "
            f"{values[row]}"
        )
    return read_only(values / total[:, None])


def images(values):
    """Checks images held in memory.

    Args:
        values: array-like `[N, H, W, C]` or `[N, H, W]` (grey), uint8, or
            float in `[0, 255]` or `[0, 1]`.

    Returns:
        `[N, H, W, C]`, uint8 or float32, and the value of a white pixel.

    Raises:
        ValueError: see the messages.
    """
    values = np.asarray(values)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4:
        raise ConfigurationError(
            "Expected images of rank 4, [N, H, W, C], or grey ones of rank 3. "
            f"Received: shape {values.shape}"
        )
    if min(values.shape) == 0:
        raise ConfigurationError(
            "Expected at least one image and no empty axis. "
            f"Received: shape {values.shape}"
        )
    if values.shape[3] not in (1, 3):
        raise ConfigurationError(
            "Expected 1 or 3 channels in the last axis, [N, H, W, C]. "
            f"Received: shape {values.shape}"
            + (
                "; move the channels with `np.moveaxis(images, 1, -1)`"
                if values.shape[1] in (1, 3)
                else ""
            )
        )
    if values.dtype.kind == "b" or values.dtype.kind not in "iuf":
        raise ConfigurationError(
            f"Expected images of dtype uint8 or float. Received: {values.dtype}"
        )
    if values.dtype == np.uint8:
        return values, 255.0
    broken = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if broken.any():
        raise ConfigurationError(
            "Expected finite pixel values. Received: NaN or infinity in "
            f"{int(broken.sum())} images, the first at row "
            f"{int(np.flatnonzero(broken)[0])}"
        )
    low, high = float(values.min()), float(values.max())
    if low < 0.0 or high > 255.0:
        raise ConfigurationError(
            "Expected pixel values in [0, 255] or [0, 1]; networks standardise "
            "them on their own. Received: values between "
            f"{low:.4g} and {high:.4g}"
        )
    if values.dtype.kind in "iu":
        return values.astype(np.uint8), 255.0
    return values.astype(np.float32), 1.0 if high <= 1.0 else 255.0


def same_length(**arrays):
    """Raises unless all arrays have as many rows.

    Args:
        **arrays: by name.

    Raises:
        ValueError: with the name and length of each.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{n} {name}" for name, n in lengths.items())
        raise ConfigurationError(
            f"Expected one row per sample in each. Got: {told}"
        )


def rate(value, what="rate"):
    """Checks a noise rate.

    Args:
        value: number.
        what: name of the argument.

    Returns:
        float in `[0, 1)`.

    Raises:
        ValueError: outside, or no number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0.0 <= number < 1.0:
        raise ConfigurationError(
            f"Expected `{what}` in [0, 1), a share of labels. "
            f"Received: {what}={value!r}"
        )
    return number


def as_ids(ids, count):
    """Ids as strings `[count]`; numbers where there are none."""
    if ids is None:
        ids = [f"{i:06d}" for i in range(count)]
    return np.asarray([str(i) for i in ids], object)


def abbreviated(items: list, shown: int = 3) -> str:
    """Joins the first few items of a list for a message.

    Args:
        items: list of strings.
        shown: int, how many of them to name.

    Returns:
        str, ending in `...` where some were left out.
    """
    named = ", ".join(items[:shown])
    return named + (", ..." if len(items) > shown else "")
