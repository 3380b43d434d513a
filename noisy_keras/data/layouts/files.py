"""Comparison of listings with the files on disk, for millions of files."""

import collections.abc
import dataclasses
import os

from noisy_keras.data.io import filesystem
from noisy_keras.data.layouts.listing import Listing


@dataclasses.dataclass(frozen=True)
class FileReport:
    """The result of `check_files`.

    Attributes:
        listed: int, number of samples in the listings.
        missing: int, number of samples whose file does not exist.
        first_missing: tuple of up to three of their paths (str), in the order
            of the listings.
        surplus: int, number of files in the same folders that no listing
            contains.
        first_surplus: tuple of up to three of their paths (str), by folder and
            name.
    """

    listed: int
    missing: int
    first_missing: tuple[str, ...]
    surplus: int
    first_surplus: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.missing} of {self.listed} listed files missing"
            f"{_shown(self.first_missing, self.missing)}, "
            f"{self.surplus} files in no list"
            f"{_shown(self.first_surplus, self.surplus)}"
        )

    def require_all(self) -> None:
        """Raises an error if a listed file does not exist.

        Raises:
            FileNotFoundError: files are missing; the message contains their
                number and the first three.
        """
        if self.missing:
            raise FileNotFoundError(
                "Expected every listed file to exist. "
                f"Received: {self}. Unpack the archives again, or remove the "
                "missing files from the list."
            )


def check_files(
    *listings: Listing, beside: collections.abc.Iterable[Listing] = ()
) -> FileReport:
    """Compares listings with the files on disk.

    Each folder that the listings contain is read once, instead of a request
    for each file. Splits often share folders, so pass the listings of all
    splits if `surplus` matters; files of other splits count as surplus.

    Args:
        *listings: `Listing`s whose files have to exist.
        beside: iterable of `Listing`s whose files may be missing and do not
            count as surplus.

    Returns:
        A `FileReport`. Only files with a suffix of a listed file count as
        surplus; hidden files do not.
    """
    rows = _rows(listings)
    wanted: dict[tuple[str, str], set[str]] = {}
    for root, folder, name in rows:
        wanted.setdefault((root, folder), set()).add(name)
    present = {
        (root, folder): _files_in(os.path.join(root, folder))
        for root, folder in wanted
    }
    missing = [
        os.path.join(root, folder, name)
        for root, folder, name in rows
        if name not in present[root, folder]
    ]
    for root, folder, name in _rows(beside):
        if (root, folder) in wanted:
            wanted[root, folder].add(name)
    suffixes = {_suffix(name) for _, _, name in rows}
    surplus = [
        os.path.join(root, folder, name)
        for (root, folder), names in wanted.items()
        for name in sorted(present[root, folder] - names)
        if _suffix(name) in suffixes and not name.startswith(".")
    ]
    return FileReport(
        len(rows),
        len(missing),
        tuple(missing[:3]),
        len(surplus),
        tuple(surplus[:3]),
    )


def _rows(listings):
    return [
        (listing.root, *path.rpartition("/")[::2])
        for listing in listings
        for path in listing.paths
    ]


def _shown(paths, count):
    if not paths:
        return ""
    return f" ({', '.join(paths)}{', ...' if count > len(paths) else ''})"


def _suffix(name):
    return os.path.splitext(name)[1].lower()


def _files_in(folder):
    return set(filesystem.entries(folder)[1])
