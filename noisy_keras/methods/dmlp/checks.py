"""Checks of the features that a user passes."""

import hashlib

import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# Number of rows of a memory-mapped array that are read at once.
_ROWS = 10_000
# Largest distance of equal rows, relative to a row's distance from the mean.
_SAME = 1e-5


def views(features, count, name, of):
    """Checks features that a user passes.

    Args:
        features: float `[N, D]`, or a list or tuple of one or two such views.
        count: int, number of rows N.
        name: str, name of the argument, for error messages.
        of: str, the kind of samples that the rows belong to, for error
            messages.

    Returns:
        List of arrays `[N, D]`. Memory-mapped ones are returned as they are,
        others as float32.

    Raises:
        ValueError: If there are more than two views, an array has another shape
            or is not numeric, a value is not finite, or all rows are equal.
    """
    found = features if isinstance(features, (list, tuple)) else [features]
    if not 1 <= len(found) <= 2:
        raise ConfigurationError(
            f"Expected one or two views in `{name}`. Received: {len(found)}"
        )
    return [_checked(view, count, name, of) for view in found]


def _checked(features, count, name, of):
    if not isinstance(features, np.memmap):
        features = np.asarray(features)
    if features.ndim != 2 or features.dtype.kind not in "fiu":
        raise ConfigurationError(
            f"Expected `{name}` to be numbers of shape [N, D], or a list of "
            f"two such views. Received: {features.dtype} of shape "
            f"{features.shape}"
        )
    if len(features) != count:
        raise ConfigurationError(
            f"Expected one row of `{name}` for each of {count} {of}. "
            f"Received: {len(features)} rows"
        )
    first, alike, broken = np.asarray(features[:1]), True, []
    for start, rows in _chunks(features):
        # Larger values become infinite in float32.
        fine = (np.abs(rows) <= np.finfo(np.float32).max).all(axis=1)
        broken += (start + np.flatnonzero(~fine)).tolist()
        alike &= bool((rows == first).all())
    if broken:
        raise ConfigurationError(
            f"Expected finite numbers in `{name}`. Received: NaN or infinity "
            f"in {len(broken)} rows, the first at {broken[0]}; was the network "
            "that made them trained to its end?"
        )
    if alike and count > 1:
        raise ConfigurationError(
            f"Expected `{name}` that tell samples apart. Received: {count} "
            "rows that are all the same"
        )
    if isinstance(features, np.memmap):
        return features
    return np.ascontiguousarray(features, np.float32)


def fingerprint(*arrays):
    """Hashes the shapes and float32 values of arrays.

    Args:
        *arrays: numeric arrays, in memory or memory-mapped.

    Returns:
        str, 32 hexadecimal digits.
    """
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.shape}".encode())
        for _, rows in _chunks(array):
            found.update(np.ascontiguousarray(rows, np.float32).tobytes())
    return found.hexdigest()


def same_rows(features, others):
    """Finds rows of one array that are also in another, up to rounding.

    Rows of zeros are left out, because different images may have these
    features, for instance where all ReLU units are inactive.

    Args:
        features: float `[N, D]`, in memory or memory-mapped.
        others: float `[V, D]`.

    Returns:
        int `[P, 2]`, pairs of a row of `features` and an equal row of `others`.
    """
    # Equal rows have equal projections to a random line, and few others are
    # close to them there. Only those are compared in full.
    line = np.random.RandomState(0).normal(size=features.shape[1])
    line = (line / np.linalg.norm(line)).astype(np.float32)
    place = np.concatenate([rows @ line for _, rows in _chunks(features)])
    mean = sum(
        rows.sum(axis=0, dtype=np.float64) for _, rows in _chunks(features)
    ) / len(features)
    order = np.argsort(place, kind="stable")
    place = place[order]
    pairs = []
    for number, row in enumerate(np.asarray(others, np.float32)):
        if not row.any():
            continue
        near = _SAME * float(np.linalg.norm(row - mean))
        centre = row @ line
        low, high = np.searchsorted(place, [centre - near, centre + near])
        for candidate in order[low:high]:
            other = np.asarray(features[candidate], np.float32)
            if np.linalg.norm(other - row) <= near:
                pairs.append((candidate, number))
    return np.asarray(pairs, int).reshape(-1, 2)


def _chunks(array):
    for start in range(0, len(array), _ROWS):
        yield start, np.asarray(array[start : start + _ROWS])
