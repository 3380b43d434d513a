"""Checks of labels and images, with messages that say how to fix them."""

import numpy as np

from noisy_keras.utils.errors import ConfigurationError


def read_only(array):
    """Read-only view of an array, which a source can share with its callers.

    Args:
        array: array-like.

    Returns:
        Array that cannot be written to. The original stays writeable.
    """
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def labels(values, num_classes, what="labels", unknown_allowed=False):
    """Checks integer labels.

    Args:
        values: int array-like `[N]`.
        num_classes: int, number of classes K >= 2.
        what: str, name of the argument in the message.
        unknown_allowed: bool, whether -1 may represent an unknown label.

    Returns:
        Int32 array `[N]`, read-only.

    Raises:
        ValueError: If there are fewer than two classes or no labels, the labels
            are not a vector of integers, or one is out of range.
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
    outside = np.flatnonzero((values < lowest) | (values >= num_classes))
    if len(outside):
        shown = ", ".join(f"{values[i]} at row {i}" for i in outside[:3])
        raise ConfigurationError(
            f"Expected `{what}` in [0, {num_classes}). "
            f"Received: {len(outside)} outside: {shown}"
        )
    return read_only(values.astype(np.int32))


def class_count(count):
    """Checks that there are at least two classes.

    Args:
        count: int, number of classes.

    Raises:
        ValueError: If there are fewer than 2.
    """
    if count < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes. Received: {count}"
        )


def positions(index, count):
    """Checks a selection of samples.

    Args:
        index: int array-like `[n]` in `[-count, count)`, or bool array-like
            `[count]`.
        count: int, number of samples to choose from.

    Returns:
        Int array `[n]` in `[0, count)`.

    Raises:
        ValueError: If nothing is selected, `index` is neither integers nor a
            mask, or a position is out of range.
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
    """Checks that strings differ from each other.

    Args:
        values: iterable of str.
        what: str, name of the argument in the message.

    Raises:
        ValueError: If a string occurs twice; the message contains it.
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
        values: float array-like `[N, K]`.
        num_classes: int, number of classes K.

    Returns:
        Float32 array `[N, K]`, rows summing to 1, read-only.

    Raises:
        ValueError: If the shape differs or a row is not a distribution.
    """
    values = np.asarray(values, np.float32)
    if values.ndim != 2 or values.shape[1] != num_classes or not len(values):
        raise ConfigurationError(
            f"Expected soft labels of shape [N, {num_classes}]. "
            f"Received: {values.shape}"
        )
    total = values.sum(axis=1)
    valid = np.isfinite(total) & (values.min(axis=1) >= 0)
    valid &= np.abs(total - 1.0) < 1e-3
    if not valid.all():
        row = int(np.flatnonzero(~valid)[0])
        raise ConfigurationError(
            "Expected soft labels whose rows are non-negative and sum to 1. "
            f"Received: {int((~valid).sum())} other rows, the first at {row}: "
            f"{values[row]}"
        )
    return read_only(values / total[:, None])


def sample_weights(values, count, what="sample_weight"):
    """Checks the weights of samples.

    Args:
        values: array-like `[N]` or `[N, 1]`.
        count: int, number of samples N.
        what: str, name of the argument in the message.

    Returns:
        Float32 array `[N]`, read-only.

    Raises:
        ValueError: If the shape differs, or a weight is negative or not finite.
    """
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,) or values.dtype.kind not in "biuf":
        raise ConfigurationError(
            f"Expected `{what}` to be one number per sample, [{count}]. "
            f"Received: {values.dtype} of shape {values.shape}"
        )
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        shown = abbreviated([f"{values[i]} at row {i}" for i in wrong[:4]])
        raise ConfigurationError(
            f"Expected `{what}` to be finite and not negative. "
            f"Received: {len(wrong)} others: {shown}"
        )
    return read_only(values.astype(np.float32))


def images(values, expected_scale=None):
    """Checks images in memory.

    Args:
        values: array-like `[N, H, W, C]` or `[N, H, W]` (greyscale), uint8, or
            float in `[0, 255]` or `[0, 1]`.
        expected_scale: float, the value of a white pixel where the images do
            not tell; or None.

    Returns:
        Tuple of the images `[N, H, W, C]`, uint8 or float32, and the value of a
        white pixel, 255.0 or 1.0.

    Raises:
        ValueError: If the shape or the dtype is not that of images, or values
            are not finite or out of range.
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
    invalid = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if invalid.any():
        raise ConfigurationError(
            "Expected finite pixel values. Received: NaN or infinity in "
            f"{int(invalid.sum())} images, the first at row "
            f"{int(np.flatnonzero(invalid)[0])}"
        )
    low, high = float(values.min()), float(values.max())
    whole = high > 1.0 or bool(np.all(values == values.round()))
    scale = pixel_scale(low, high, whole, expected_scale)
    if values.dtype.kind in "iu":
        return values.astype(np.uint8), 255.0
    return values.astype(np.float32), scale


def pixel_scale(low, high, whole=False, expected=None):
    """The value of a white pixel, from the range of pixel values.

    Args:
        low: float, lowest value of float images.
        high: float, highest value.
        whole: bool, whether all values are whole numbers. Then those of 0 and
            1 are of black images in either range.
        expected: float, the value of a white pixel for such images, or None.

    Returns:
        Float, 1.0 if all values are in `[0, 1]`, else 255.0.

    Raises:
        ValueError: If values are not in `[0, 255]`; the message says how to
            bring them there.
    """
    if 0.0 <= low and high <= 255.0:
        if high <= 1.0 and whole and expected is not None:
            return expected
        return 1.0 if high <= 1.0 else 255.0
    mend = ""
    if -1.0 <= low and high <= 1.0:
        mend = "; if black is -1, pass `(images + 1) * 127.5`"
    elif -128.0 <= low and high <= 128.0:
        mend = "; if the mean was subtracted, add it again"
    raise ConfigurationError(
        "Expected pixel values in [0, 255] or [0, 1]; networks standardise "
        f"them. Received: values between {low:.4g} and {high:.4g}{mend}"
    )


def same_length(**arrays):
    """Checks that all arrays have the same number of rows.

    Args:
        **arrays: arrays by name.

    Raises:
        ValueError: If the lengths differ; the message lists them.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{n} {name}" for name, n in lengths.items())
        raise ConfigurationError(
            "Expected arrays with one row per sample. Received: different "
            f"lengths: {counts}"
        )


def rate(value, what="rate"):
    """Checks a noise rate.

    Args:
        value: number, share of noisy labels.
        what: str, name of the argument in the message.

    Returns:
        Float in `[0, 1)`.

    Raises:
        ValueError: If the value is not a number in `[0, 1)`.
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
    """Sample ids as strings.

    Args:
        ids: sequence of `count` ids, or None for consecutive numbers.
        count: int, number of samples.

    Returns:
        Object array `[count]` of str.
    """
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
