"""Dividing samples by their loss with a two-component mixture.

Reference: Li et al., DivideMix, ICLR 2020, section 3.1.
"""

from typing import Any

import numpy as np

from noisy_keras.labels import class_sizes
from noisy_keras.labels import loss_rules
from noisy_keras.mixtures import GaussianMixture
from noisy_keras.mixtures.mixture import TwoComponentMixture
from noisy_keras.tables.sample_table import SampleTable

#: Above this overlap of the two components the losses cannot tell. A mixture
#: finds two components in any losses: in simulated ones that do not depend on
#: whether the label is right (normal, exponential, gamma, or the cross-entropy
#: of normal margins), they overlapped by 0.29 to 0.43; in flat ones, which
#: losses never are, by 0.14. Where the losses had an area under the ROC curve
#: of 0.97 or more, by at most 0.27.
UNCLEAR = 0.25
# Points at which densities are compared, standard deviations that they reach
# beyond the means, and digits of the result.
_GRID, _REACH, _DIGITS = 20_000, 8.0, 4


class LossDivision:
    """Turns losses into clean probabilities, one column per network.

    Args:
        mixture: two-component mixture with `fit` and `clean_probability`;
            default: `GaussianMixture()`.

    Example:
        >>> loss = np.array([[0.0], [0.02], [0.01], [0.9], [1.0]], np.float32)
        >>> LossDivision()(loss, previous=np.ones_like(loss)).round()[:, 0]
        array([1., 1., 1., 0., 0.], dtype=float32)
    """

    def __init__(self, mixture: TwoComponentMixture | None = None) -> None:
        self.mixture = mixture or GaussianMixture()

    def __call__(self, loss: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """Divides.

        Args:
            loss: float `[N, M]` in `[0, 1]`, one column per network.
            previous: float `[N, M]`, clean probabilities that are kept for a
                column whose mixture has collapsed, because all its losses are
                alike.

        Returns:
            float32 `[N, M]` in `[0, 1]`.
        """
        columns = []
        for m in range(loss.shape[1]):
            self.mixture.fit(loss[:, m])
            if self.mixture.collapsed:
                columns.append(previous[:, m])
            else:
                columns.append(self.mixture.clean_probability(loss[:, m]))
        return np.stack(columns, axis=1).astype(np.float32)

    def fitted(self, loss: np.ndarray | None) -> list[tuple[np.ndarray, dict]]:
        """The mixtures that divide losses, to be shown.

        Args:
            loss: as of `__call__`, or None.

        Returns:
            A list of one pair per column: its losses `[N]`, and the mixture as
            of `describe`; empty without losses.
        """
        columns = () if loss is None else loss.T
        return [(c, describe(self.mixture.fit(c))) for c in columns]


def by_class(
    divide: LossDivision,
    loss: np.ndarray,
    previous: np.ndarray,
    labels: np.ndarray,
) -> np.ndarray:
    """Divides the losses of each given class on their own.

    One mixture of all losses separates classes that are learnt late, as rare
    ones are, from the others, and not wrong labels from right ones. Classes
    with fewer than `class_sizes.OWN_ALONE` samples are too small for a mixture:
    they are divided by that of all losses above the easiest of their class, see
    `loss_rules.above_easiest`, of which rare classes lose a bounded share.

    Args:
        divide: `LossDivision`.
        loss: float `[N, M]` in `[0, 1]`, as of `LossDivision.__call__`.
        previous: float `[N, M]`, likewise.
        labels: int `[N]`, the given labels.

    Returns:
        float32 `[N, M]` in `[0, 1]`.
    """
    labels = np.asarray(labels)
    above = [loss_rules.above_easiest(column, labels) for column in loss.T]
    clean = divide(loss_rules.normalized(np.stack(above, 1)), previous)
    for k, size in enumerate(np.bincount(labels)):
        if size >= class_sizes.OWN_ALONE:
            here = labels == k
            own = loss_rules.normalized(loss[here])
            clean[here] = divide(own, previous[here])
    columns = [class_sizes.within_bounds(c, labels) for c in clean.T]
    return np.stack(columns, axis=1)


def describe(mixture: TwoComponentMixture) -> dict[str, Any]:
    """The parameters of a fitted mixture, as JSON holds them.

    Args:
        mixture: `GaussianMixture` or `BetaMixture`.

    Returns:
        dict of `family`, `"gaussian"` or `"beta"`, `weights`, and the family's
        own parameters.
    """
    found = {"family": "beta", "weights": mixture.weights.tolist()}
    names = ("concentration1", "concentration0")
    if isinstance(mixture, GaussianMixture):
        found["family"], names = "gaussian", ("means", "variances")
    return found | {n: getattr(mixture, n).tolist() for n in names}


def overlap(described: dict[str, Any] | None) -> float:
    """How far the two components of a mixture overlap.

    The Bayes error of telling the components apart, `int min(w0 f0, w1 f1)`, as
    a share of that of always naming the larger one, `min(w0, w1)`. At 0 the
    losses tell right labels from wrong ones; see `UNCLEAR`. For two
    Gaussians of equal weight and standard deviation s, whose means are d apart,
    it is `2 Phi(-d / (2 s))`, the overlap coefficient.

    Args:
        described: as of `describe`; None, where all losses are alike, so that
            nothing can be told.

    Returns:
        float in `[0, 1]`.

    Example:
        >>> overlap(
        ...     {
        ...         "family": "gaussian",
        ...         "weights": [0.5, 0.5],
        ...         "means": [0.2, 0.6],
        ...         "variances": [0.01, 0.01],
        ...     }
        ... )
        0.0455
    """
    if described is None:
        return 1.0
    weights = np.asarray(described["weights"], np.float64)
    if not weights.min() > 0.0:
        return 1.0
    density = _densities(described)
    # Of mass 1 on the grid, also where a density is infinite at an edge.
    density = np.exp(density - density.max(axis=1, keepdims=True))
    density /= density.sum(axis=1, keepdims=True)
    shared = np.minimum(*(weights[:, None] * density)).sum()
    return round(float(shared / weights.min()), _DIGITS)


def _densities(described):
    """Logarithms of both densities on a grid, up to constants: `[2, n]`."""
    unit = (np.arange(_GRID) + 0.5) / _GRID
    if described["family"] == "gaussian":
        mean, variance = (
            np.asarray(described[n], np.float64)[:, None]
            for n in ("means", "variances")
        )
        reach = _REACH * np.sqrt(variance)
        low, high = (mean - reach).min(), (mean + reach).max()
        x = low + (high - low) * unit
        return -np.square(x - mean) / (2.0 * variance)
    a, b = (
        np.asarray(described[n], np.float64)[:, None]
        for n in ("concentration1", "concentration0")
    )
    return (a - 1.0) * np.log(unit) + (b - 1.0) * np.log1p(-unit)


def of_arrays(found: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """As `describe`, of a detection that was stored as arrays.

    Args:
        found: dict of arrays, see `found` of a recipe's `Division`.

    Returns:
        dict, or None where no mixture was fitted.
    """
    names = ("weights", "concentration1", "concentration0")
    if names[0] not in found:
        return None
    return {"family": "beta"} | {n: found[n].tolist() for n in names}


class LossHistory:
    """The normalised losses of the last divisions, kept in a `SampleTable`.

    At 90 % noise the losses of one epoch are too noisy to divide by; the mean
    of five is used instead. The first block of columns is the newest.

    Args:
        table: `SampleTable` of `length * M` columns for M networks; a negative
            entry is empty.
        length: int, number of divisions to average over.
    """

    def __init__(self, table: SampleTable, length: int) -> None:
        self.table = table
        self.length = length

    @classmethod
    def of(cls, num_samples: int, networks: int, length: int) -> "LossHistory":
        """A history with an empty table.

        Args:
            num_samples: int, number of samples N.
            networks: int, number of networks M.
            length: int, number of divisions to average over.
        """
        table = SampleTable(
            num_samples,
            networks * length,
            initial_value=-1.0,
            name="loss_history",
        )
        return cls(table, length)

    def push(
        self, loss: np.ndarray, index: np.ndarray | None = None
    ) -> np.ndarray:
        """Adds the losses of a division.

        Args:
            loss: float `[n, M]`, as measured.
            index: int `[n]`, the samples that were measured; None: all N.

        Returns:
            float32 `[n, M]` in `[0, 1]`: the mean of the last `length` of each
            sample, each of them normalised.
        """
        mean, rows = self._with(loss, index)
        if index is not None:
            every = np.array(self.table.numpy())
            every[index] = rows
            rows = every
        self.table.assign(rows)
        return mean

    def mean(self) -> np.ndarray | None:
        """What `push` returned last, or None before."""
        rows = self.table.numpy()
        blocks = rows.reshape(len(rows), self.length, -1)
        if (blocks[:, 0] < 0.0).any():
            return None
        return np.mean(blocks, axis=1, where=blocks >= 0.0)

    def peek(self, loss: np.ndarray) -> np.ndarray:
        """As `push`, but the losses are not kept."""
        return self._with(loss)[0]

    def _with(self, loss, index=None):
        width = loss.shape[1]
        kept = self.table.numpy()[:, : (self.length - 1) * width]
        kept = kept if index is None else kept[index]
        rows = np.concatenate([loss_rules.normalized(loss), kept], axis=1)
        blocks = rows.reshape(len(rows), self.length, width)
        mean = np.mean(blocks, axis=1, where=blocks >= 0.0)
        return mean.astype(np.float32), rows
