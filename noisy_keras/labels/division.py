"""Dividing samples by their loss, as hosts with a Gaussian mixture do it.

Reference: Li et al., DivideMix, ICLR 2020, section 3.1.
"""

import numpy as np

from noisy_keras.labels import measuring
from noisy_keras.mixtures import GaussianMixture
from noisy_keras.tables.sample_table import SampleTable


class LossDivision:
    """Turns a measurement into clean probabilities, one column per network.

    Args:
        mixture: a two-component mixture with `fit` and `clean_probability`;
            default: `GaussianMixture()`.
    """

    def __init__(self, mixture=None):
        self.mixture = mixture or GaussianMixture()

    def __call__(self, loss, previous):
        """Divides.

        Args:
            loss: float `[N, M]`, normalised, one column per network.
            previous: float `[N, M]`, kept where a column has collapsed, that
                is, where all losses are alike and a mixture says nothing.

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

    def fitted(self, loss):
        """The mixtures that divide losses, to be shown.

        Args:
            loss: as of `__call__`, or None.

        Returns:
            For each column its losses `[N]` and the mixture's attributes: a
            list of pairs, empty without losses.
        """
        columns = [] if loss is None else loss.T
        return [(c, describe(self.mixture.fit(c))) for c in columns]


def describe(mixture):
    """What a fitted mixture found, as JSON holds it.

    Args:
        mixture: a `GaussianMixture` or a `BetaMixture`.

    Returns:
        dict of `family`, `weights` and the family's own parameters.
    """
    found = {"family": "beta", "weights": mixture.weights.tolist()}
    names = ("concentration1", "concentration0")
    if isinstance(mixture, GaussianMixture):
        found["family"], names = "gaussian", ("means", "variances")
    return found | {n: getattr(mixture, n).tolist() for n in names}


def of_arrays(found):
    """As `describe`, of a detection that was kept as arrays.

    Args:
        found: dict of arrays, as a recipe's `Division.found`.

    Returns:
        dict, or None where no mixture was fitted.
    """
    names = ("weights", "concentration1", "concentration0")
    if names[0] not in found:
        return None
    return {"family": "beta"} | {n: found[n].tolist() for n in names}


class LossHistory:
    """The normalised losses of the last divisions, kept in a `SampleTable`.

    At 90 % noise one epoch's losses are too noisy to divide by; the mean of
    five is used instead. The newest column block of the table is the first.

    Args:
        table: a `SampleTable` of `length * M` columns; a negative entry is
            empty.
        length: divisions to average over.
    """

    def __init__(self, table, length):
        self.table = table
        self.length = length

    @classmethod
    def of(cls, num_samples, networks, length):
        """With an empty table: for N samples, M networks and a length."""
        table = SampleTable(
            num_samples,
            networks * length,
            initial_value=-1.0,
            name="loss_history",
        )
        return cls(table, length)

    def push(self, loss):
        """Adds a division's losses.

        Args:
            loss: float `[N, M]`, raw.

        Returns:
            float32 `[N, M]`: the mean of the last `length`, normalised each.
        """
        mean, rows = self._with(loss)
        self.table.assign(rows)
        return mean

    def mean(self):
        """What `push` last returned, or None."""
        rows = self.table.numpy()
        blocks = rows.reshape(len(rows), self.length, -1)
        if (blocks[:, 0] < 0.0).any():
            return None
        return np.mean(blocks, axis=1, where=blocks >= 0.0)

    def peek(self, loss):
        """As `push`, without keeping the losses."""
        return self._with(loss)[0]

    def _with(self, loss):
        width = loss.shape[1]
        kept = self.table.numpy()[:, : (self.length - 1) * width]
        rows = np.concatenate([measuring.normalized(loss), kept], axis=1)
        blocks = rows.reshape(len(rows), self.length, width)
        mean = np.mean(blocks, axis=1, where=blocks >= 0.0)
        return mean.astype(np.float32), rows
