"""The assignment of samples to the fixed batches."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The assignment of samples to batches, fixed for the whole purification.

    Each of n batches has b places for training samples, followed by q places
    for followers (see `choice`). Empty places are -1.

    Attributes:
        samples: int64 `[n, b]`, positions of training samples in the source.
        followers: int64 `[n, q]`, positions among the followers.
        slices: pair `(S, size)` of ints: the b places are S slices of `size`
            places, one for each step of the auxiliary classifier.
    """

    samples: np.ndarray
    followers: np.ndarray
    slices: tuple

    @classmethod
    def at_random(cls, count, num_followers, batch_size, slice_size, seed):
        """Assigns samples at random to batches whose sizes differ by at most 1.

        Args:
            count: int, number of training samples N.
            num_followers: int, number of followers F.
            batch_size: int, upper bound on the number of samples in a batch.
            slice_size: int, approximate number of samples in a slice of a
                batch.
            seed: int, seed of the random order.

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
            # Samples are spread evenly, so that no slice is empty.
            for places, few in zip(
                row.reshape(slices), np.array_split(part, parts), strict=True
            ):
                places[: len(few)] = few
        followers = np.full((batches, -(-num_followers // batches)), -1)
        # Followers of the same sample go to different batches.
        followers.T.flat[:num_followers] = np.arange(num_followers)
        return cls(samples, followers, slices)

    def spread(self, samples, followers):
        """Arranges rows of samples and followers by batch.

        Args:
            samples: array `[N, ...]`, a row for each training sample.
            followers: array `[F, ...]`, a row for each follower.

        Returns:
            Iterator over the batches, arrays `[b + q, ...]` with zeros at empty
            places.
        """
        for chosen, following in zip(self.samples, self.followers, strict=True):
            yield np.concatenate(
                [placed(samples, chosen), placed(followers, following)]
            )

    def places(self, name):
        """The rows of a batch that belong to samples, or to followers.

        Args:
            name: str, `"samples"` or `"followers"`.

        Returns:
            slice over the `b + q` rows of a batch.
        """
        width = self.samples.shape[1]
        return slice(width) if name == "samples" else slice(width, None)

    def gather(self, name, batches):
        """Inverse of `spread`, for samples or for followers.

        Args:
            name: str, `"samples"` or `"followers"`.
            batches: array `[n, b, ...]` or `[n, q, ...]`, the rows of all
                batches that `places` selects.

        Returns:
            Array `[N, ...]` or `[F, ...]`.
        """
        place = getattr(self, name)
        there = place >= 0
        values = np.empty((there.sum(), *batches.shape[2:]), batches.dtype)
        values[place[there]] = batches[there]
        return values


def placed(rows, places):
    """Gathers rows by position.

    Args:
        rows: array `[N, ...]`, in memory or memory-mapped.
        places: int `[P]`, positions of rows; -1 for none.

    Returns:
        Array `[P, ...]`, with zeros where the position is -1.
    """
    there = places >= 0
    placed = np.zeros((len(places), *rows.shape[1:]), rows.dtype)
    placed[there] = rows[places[there]]
    return placed
