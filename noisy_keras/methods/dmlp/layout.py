"""The positions of samples in the fixed batches."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The positions of samples in the batches, which do not change.

    A batch has b places for training samples, followed by q for followers;
    empty places are -1.

    Attributes:
        samples: int64 `[n, b]`, positions in the source.
        followers: int64 `[n, q]`, numbers of the followers.
        slices: pair `(S, size)`, number and size of slices; S * size = b.
    """

    samples: np.ndarray
    followers: np.ndarray
    slices: tuple

    @classmethod
    def at_random(cls, count, num_followers, batch_size, slice_size, seed):
        """Distributes samples at random over batches of nearly equal size.

        Args:
            count: int, number of samples N.
            num_followers: int, number of followers.
            batch_size: int, upper bound on the samples in a batch.
            slice_size: int, approximate number of samples in a slice.
            seed: int, seed of the order.

        Returns:
            A `Layout`.
        """
        batches = -(-count // batch_size)
        most = -(-count // batches)
        parts = max(1, round(most / slice_size))
        slices = (parts, -(-most // parts))
        order = np.random.RandomState(seed).permutation(count)
        samples = np.full((batches, slices[0] * slices[1]), -1)
        for row, part in zip(
            samples, np.array_split(order, batches), strict=True
        ):
            # No slice is empty.
            for places, few in zip(
                row.reshape(slices), np.array_split(part, parts), strict=True
            ):
                places[: len(few)] = few
        followers = np.full((batches, -(-num_followers // batches)), -1)
        # Successive followers are in different batches.
        followers.T.flat[:num_followers] = np.arange(num_followers)
        return cls(samples, followers, slices)

    def spread(self, samples, followers):
        """Brings rows of samples and of followers into batches.

        Args:
            samples: array `[N, ...]`.
            followers: array `[F, ...]`.

        Returns:
            An iterator over arrays `[b + q, ...]`, one per batch; 0 at empty
            places.
        """
        for chosen, following in zip(self.samples, self.followers, strict=True):
            yield np.concatenate(
                [placed(samples, chosen), placed(followers, following)]
            )

    def places(self, name):
        """The rows of a batch that are of samples, or of followers.

        Args:
            name: str, "samples" or "followers".

        Returns:
            A slice.
        """
        width = self.samples.shape[1]
        return slice(width) if name == "samples" else slice(width, None)

    def gather(self, name, batches):
        """The reverse of `spread`, for samples or for followers.

        Args:
            name: str, "samples" or "followers".
            batches: array `[n, b, ...]` or `[n, q, ...]`, the rows of
                `places(name)` in each batch.

        Returns:
            Array `[N, ...]` or `[F, ...]`.
        """
        place = getattr(self, name)
        there = place >= 0
        values = np.empty((there.sum(), *batches.shape[2:]), batches.dtype)
        values[place[there]] = batches[there]
        return values


def placed(rows, places):
    """Puts rows at places.

    Args:
        rows: array `[N, ...]`.
        places: int `[m]`, a row number for each place, or -1.

    Returns:
        Array `[m, ...]`; 0 where the place is -1.
    """
    there = places >= 0
    placed = np.zeros((len(places), *rows.shape[1:]), rows.dtype)
    placed[there] = rows[places[there]]
    return placed
