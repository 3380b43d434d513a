"""Which sample stands where in the fixed batches."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """Which sample stands where, for good.

    A batch has b places for training samples and then q for followers; places
    left over are -1.

    Attributes:
        samples: int64 `[n, b]`, positions in the source.
        followers: int64 `[n, q]`.
        slices: `(S, size)`, S * size = b.
    """

    samples: np.ndarray
    followers: np.ndarray
    slices: tuple

    @classmethod
    def deal(cls, count, num_followers, batch_size, slice_size, seed):
        """Deals samples at random into batches of equal size, to one or two.

        Args:
            count: N.
            num_followers: of followers.
            batch_size: at most so many samples in a batch.
            slice_size: about so many in each slice of a batch.
            seed: of the order.

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
            # No slice is without samples.
            for places, few in zip(
                row.reshape(slices), np.array_split(part, parts), strict=True
            ):
                places[: len(few)] = few
        followers = np.full((batches, -(-num_followers // batches)), -1)
        # Neighbours go to different batches.
        followers.T.flat[:num_followers] = np.arange(num_followers)
        return cls(samples, followers, slices)

    def spread(self, samples, followers):
        """Rows by batch, from those by sample and by follower.

        Args:
            samples: `[N, ...]`.
            followers: `[F, ...]`.

        Returns:
            Iterator over batches, `[b + q, ...]` each; 0 at empty places.
        """
        for chosen, following in zip(self.samples, self.followers, strict=True):
            yield np.concatenate(
                [placed(samples, chosen), placed(followers, following)]
            )

    def places(self, name):
        """Where samples, or followers, stand in a batch.

        Args:
            name: "samples" or "followers".

        Returns:
            slice of the rows of a batch.
        """
        width = self.samples.shape[1]
        return slice(width) if name == "samples" else slice(width, None)

    def gather(self, name, batches):
        """The reverse of `spread`, of samples or of followers.

        Args:
            name: "samples" or "followers".
            batches: at their `places`, `[n, b, ...]` or `[n, q, ...]`.

        Returns:
            `[N, ...]` or `[F, ...]`.
        """
        place = getattr(self, name)
        there = place >= 0
        values = np.empty((there.sum(), *batches.shape[2:]), batches.dtype)
        values[place[there]] = batches[there]
        return values


def placed(rows, places):
    """Rows at their places: `[len(places), ...]`, 0 where a place is -1."""
    there = places >= 0
    placed = np.zeros((len(places), *rows.shape[1:]), rows.dtype)
    placed[there] = rows[places[there]]
    return placed
