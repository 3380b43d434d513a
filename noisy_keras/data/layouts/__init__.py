"""Readers of data sets of picture files, as their authors publish them.

Each takes the folder that a user unpacked and gives a `Listing`. Nothing is
downloaded: most authors want to be asked first.
"""

import collections.abc
import dataclasses

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
    """

    read: collections.abc.Callable
    splits: tuple
    manual: str


BY_NAME = {
    "animal10n": Layout(animal10n.read, animal10n.SPLITS, animal10n.MANUAL),
    "clothing1m": Layout(clothing1m.read, clothing1m.SPLITS, clothing1m.MANUAL),
    "food101n": Layout(food101n.read, food101n.SPLITS, food101n.MANUAL),
    "mini_webvision": Layout(
        webvision.read_mini, webvision.SPLITS, webvision.MANUAL
    ),
    "webvision": Layout(webvision.read, webvision.SPLITS, webvision.MANUAL),
}

MANUAL = {name: layout.manual for name, layout in BY_NAME.items()}
