"""Arrays of features `[N, D]`: what is accepted, and statistics of columns."""

from typing import Any
from typing import NamedTuple

import numpy as np

from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

# Values that are converted at a time, 32 MB as float64.
_VALUES = 2**22
# The largest integers up to which float32 holds every integer.
_MOST_INTEGER = 2**24
# Smaller deviations would be divided by 1: their inverse is not finite.
_LEAST_STD = 1e-30
_EXAMPLES = 4


class Columns(NamedTuple):
    """Statistics of the columns of an array of features.

    Attributes:
        mean: float64 `[D]`.
        std: float64 `[D]`, at least 0.
        constant: int array, numbers of the columns of a single value.
    """

    mean: np.ndarray
    std: np.ndarray
    constant: np.ndarray

    @property
    def scale(self) -> np.ndarray:
        """`std`, with 1 where a column is constant: float64 `[D]`."""
        return np.where(self.std < _LEAST_STD, 1.0, self.std)

    def notes(self) -> list[str]:
        """What a person should check, as lines."""
        if not len(self.constant):
            return []
        shown = abbreviated([str(c) for c in self.constant[:_EXAMPLES]])
        one = len(self.constant) == 1
        return [
            f"{len(self.constant)} of {len(self.mean)} columns of the features "
            f"{'is' if one else 'are'} constant and tell{'s' * one} nothing "
            f"about the classes: {'number' if one else 'numbers'} {shown}"
            + (", ..." if len(self.constant) > _EXAMPLES else "")
        ]


def read(features: Any, what: str = "features") -> np.ndarray:
    """Checks the form of features; values are not read.

    Args:
        features: array-like `[N, D]` of numbers; memory-mapped arrays stay as
            they are.
        what: str, name of the argument in messages.

    Returns:
        Array `[N, D]` of numbers, of the given dtype.

    Raises:
        ConfigurationError: another shape or dtype.
    """
    if hasattr(features, "toarray"):
        raise ConfigurationError(
            f"Expected `{what}` as a dense array [N, D]. Received: a sparse "
            f"one of shape {features.shape}; pass `features.toarray()`, or "
            "fewer columns, such as those of scikit-learn's TruncatedSVD"
        )
    try:
        found = np.asanyarray(features)
    except ValueError as error:
        raise ConfigurationError(
            f"Expected `{what}` as rows of one length. Received: {error}"
        ) from error
    if found.dtype.kind not in "biuf":
        raise ConfigurationError(
            f"Expected numbers as `{what}`. Received: dtype {found.dtype}"
        )
    if found.ndim != 2:
        mend = ""
        if found.ndim == 1:
            mend = "; one column is `features.reshape(-1, 1)`"
        elif found.ndim > 2:
            mend = (
                "; pictures belong into `nk.data.from_arrays`, and "
                f"`features.reshape({len(found)}, -1)` makes vectors"
            )
        raise ConfigurationError(
            f"Expected `{what}` of two dimensions, [N, D]. "
            f"Received: shape {found.shape}{mend}"
        )
    if min(found.shape) == 0:
        raise ConfigurationError(
            f"Expected `{what}` with at least one row and one column. "
            f"Received: shape {found.shape}"
        )
    if isinstance(found, np.memmap) or found.flags.c_contiguous:
        return found
    return np.ascontiguousarray(found)  # Rows are read, not columns.


def scan(
    features: np.ndarray,
    what: str = "features",
    rows: np.ndarray | None = None,
) -> Columns:
    """Reads all values once, in blocks, and checks them.

    Args:
        features: array of `read`.
        what: str, name of the argument in messages.
        rows: int array, the rows to read; None reads all.

    Returns:
        `Columns`.

    Raises:
        ConfigurationError: NaN or infinity, or numbers that float32 cannot
            hold; the message has their count and the first row.
    """
    width = features.shape[1]
    count = len(features) if rows is None else len(rows)
    size = max(1, _VALUES // width)
    mean, squares = np.zeros(width), np.zeros(width)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    bad: list[int] = []
    largest = float(np.finfo(np.float32).max)
    if features.dtype.kind in "iu":
        largest = float(_MOST_INTEGER)
    large: list[int] = []
    for start in range(0, count, size):
        part = slice(start, start + size)
        block = features[part if rows is None else rows[part]]
        block = np.asarray(block).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            least, most = block.min(axis=0), block.max(axis=0)
        edge = np.maximum(np.abs(least), np.abs(most)).max()
        if not edge <= largest:  # NaN as well.
            finite = np.isfinite(block).all(axis=1)
            bad += (start + np.flatnonzero(~finite)).tolist()
            beyond = (np.abs(block) > largest).any(axis=1) & finite
            large += (start + np.flatnonzero(beyond)).tolist()
        if bad or large:
            continue
        low, high = np.minimum(low, least), np.maximum(high, most)
        # Means of blocks are merged without loss of digits (Chan et al., 1983).
        more, own = len(block), block.mean(axis=0)
        block -= own
        shift = own - mean
        total = start + more
        squares += np.einsum("nd,nd->d", block, block)
        squares += shift**2 * (start * more / total)
        mean += shift * (more / total)
    if bad:
        raise ConfigurationError(
            f"Expected finite numbers as `{what}`. Received: NaN or infinity "
            f"in {len(bad)} of {count} rows, the first at row {bad[0]}"
        )
    if large:
        kind = "integers" if features.dtype.kind in "iu" else "numbers"
        raise ConfigurationError(
            f"Expected {kind} of at most {largest:.9g} as `{what}`, which "
            f"float32 holds. Received: larger ones in {len(large)} of {count} "
            f"rows, the first at row {large[0]}; scale these columns"
        )
    return Columns(mean, np.sqrt(squares / count), np.flatnonzero(low == high))
