"""Checks of features."""

import hashlib

import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# Number of rows that are read at once.
_ROWS = 10_000
# Distance of rows that count as the same, relative to the distance of a row
# from the mean of all.
_SAME = 1e-5


def views(features, count, name, of):
    """Checks features.

    Args:
        features: array `[N, D]`, or a list or tuple of one or two such views.
        count: int, number of rows N.
        name: str, name of the argument, for messages.
        of: str, what the rows stand for, for messages.

    Returns:
        A list of arrays; those in memory as float32.

    Raises:
        ConfigurationError: another number of views or rows, another rank or
            dtype, NaN or infinity, or rows that are all the same.
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
        # Larger numbers are infinite in float32.
        fine = (np.abs(rows) <= np.finfo(np.float32).max).all(axis=1)
        broken += (start + np.flatnonzero(~fine)).tolist()
        alike &= bool((rows == first).all())
    if broken:
        raise ConfigurationError(
            f"Expected finite numbers in `{name}`. Received: NaN or infinity "
            f"in {len(broken)} rows, the first at {broken[0]}; has the "
            "training of the encoder diverged?"
        )
    if alike and count > 1:
        raise ConfigurationError(
            f"Expected `{name}` that differ between samples. Received: {count} "
            "rows that are all the same"
        )
    if isinstance(features, np.memmap):
        return features
    return np.ascontiguousarray(features, np.float32)


def fingerprint(*arrays):
    """A hash of arrays.

    Args:
        *arrays: arrays of numbers.

    Returns:
        str, hexadecimal.
    """
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.shape}".encode())
        for _, rows in _chunks(array):
            found.update(np.ascontiguousarray(rows, np.float32).tobytes())
    return found.hexdigest()


def same_rows(features, others):
    """Finds rows of one array that are also in another, up to rounding.

    Rows of zeros are left out: images in which a network finds nothing have
    them in common.

    Args:
        features: float `[N, D]`.
        others: float `[V, D]`.

    Returns:
        int `[P, 2]`, pairs of a row of `features` and the same of `others`.
    """
    # Only the few rows that are close to each other on a random line are
    # compared.
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
