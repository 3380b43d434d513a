"""Readers of data sets of picture files, as their authors publish them.

Each takes the folder that a user unpacked and gives a `Listing`. Nothing is
downloaded: most authors want to be asked first.
"""

import collections.abc
import dataclasses
import functools

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
    """How to read one data set.

    Attributes:
        read: `read(root, split)`, which returns a `Listing`.
        splits: names that `read` takes.
        manual: which files go where, for people.
        counts: dict from split to the number of samples published, where it
            is known.
        more: `more(root)`, which returns listings of files that belong to the
            data set and to no split of it; None where there are none.
        trusted: `trusted(root)`, the `Listing` of labels that people checked
            and found right; None where nobody did.
    """

    read: collections.abc.Callable
    splits: tuple
    manual: str
    counts: dict
    more: collections.abc.Callable | None = None
    trusted: collections.abc.Callable | None = None

    def beside(self, root, split=None):
        """Lists that tell a split's neighbours from files in no list.

        Args:
            root: folder of the data set.
            split: left out; None leaves none out.

        Returns:
            List of `Listing`s: those of the other splits and more, as far as
            they can be read.
        """
        readers = [
            functools.partial(self.read, split=other)
            for other in self.splits
            if other != split
        ]
        if self.more:
            readers.append(self.more)
        found = []
        for reader in readers:
            try:
                listings = reader(root)
            except (OSError, ValueError):
                continue  # Nobody asked for it; its own loading will tell.
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
        # Its pictures lie among those of the other classes.
        webvision.read_lists,
    ),
    "webvision": Layout(
        webvision.read, webvision.SPLITS, webvision.MANUAL, webvision.COUNTS
    ),
}

MANUAL = {name: layout.manual for name, layout in BY_NAME.items()}
