"""Readers of image data sets in their authors' folder structure.

Each reader takes the folder that a user has unpacked and returns a `Listing`.
Nothing is downloaded, because most authors require a request first.
"""

import collections.abc
import dataclasses
import functools
import os

from noisy_keras.data.layouts import animal10n
from noisy_keras.data.layouts import clothing1m
from noisy_keras.data.layouts import food101n
from noisy_keras.data.layouts import webvision
from noisy_keras.data.layouts.files import FileReport
from noisy_keras.data.layouts.files import check_files
from noisy_keras.data.layouts.listing import Listing

__all__ = [
    "BY_NAME",
    "MANUAL",
    "FileReport",
    "Layout",
    "Listing",
    "check_files",
]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Functions and facts to read one data set.

    Attributes:
        read: function `read(root, split)` that returns a `Listing`.
        splits: tuple of str, the splits that `read` accepts.
        manual: str, the expected folder structure, for error messages.
        counts: dict from split to the published number of samples (int), for
            splits of which it is known.
        more: function `more(root)` that returns a list of `Listing`s of files
            that belong to the data set but to none of its splits; or None.
        trusted: function `trusted(root)` that returns the `Listing` of samples
            with verified labels; or None.
    """

    read: collections.abc.Callable[..., Listing]
    splits: tuple[str, ...]
    manual: str
    counts: dict[str, int]
    more: collections.abc.Callable[..., list[Listing]] | None = None
    trusted: collections.abc.Callable[..., Listing] | None = None

    def beside(
        self, root: str | os.PathLike, split: str | None = None
    ) -> list[Listing]:
        """Lists the files that belong to the data set but not to a split.

        Args:
            root: str, folder of the data set.
            split: str, the split to leave out; None leaves out none.

        Returns:
            List of `Listing`s of the other splits and of `more`. Lists that
            cannot be read are skipped.
        """
        readers: list[collections.abc.Callable] = [
            functools.partial(self.read, split=other)
            for other in self.splits
            if other != split
        ]
        if self.more:
            readers.append(self.more)
        found: list[Listing] = []
        for reader in readers:
            try:
                listings = reader(root)
            except (OSError, ValueError):
                continue  # Reported when that split itself is loaded.
            found.extend(listings if isinstance(listings, list) else [listings])
        return found


BY_NAME = {
    "animal10n": Layout(
        animal10n.read, animal10n.SPLITS, animal10n.MANUAL, animal10n.COUNTS
    ),
    "clothing1m": Layout(
        clothing1m.read,
        clothing1m.SPLITS,
        clothing1m.MANUAL,
        clothing1m.COUNTS,
        trusted=clothing1m.read_trusted,
    ),
    "food101n": Layout(
        food101n.read,
        food101n.SPLITS,
        food101n.MANUAL,
        food101n.COUNTS,
        trusted=food101n.read_trusted,
    ),
    "mini_webvision": Layout(
        webvision.read_mini,
        webvision.SPLITS,
        webvision.MANUAL,
        webvision.MINI_COUNTS,
        # Its images are in the same folders as those of the other classes.
        webvision.read_lists,
    ),
    "webvision": Layout(
        webvision.read, webvision.SPLITS, webvision.MANUAL, webvision.COUNTS
    ),
}

MANUAL = {name: layout.manual for name, layout in BY_NAME.items()}
