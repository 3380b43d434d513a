"""Whether the files of listings are there, for a million of them."""

import dataclasses
import os

from noisy_keras.data.io import filesystem


@dataclasses.dataclass(frozen=True)
class FileReport:
    """What `check_files` found.

    Attributes:
        listed: samples in the listings.
        missing: samples whose file is not there.
        first_missing: up to three of their paths, in the order listed.
        surplus: files beside the listed ones that no listing names.
        first_surplus: up to three of their paths, by folder and name.
    """

    listed: int
    missing: int
    first_missing: tuple
    surplus: int
    first_surplus: tuple = ()

    def __str__(self):
        return (
            f"{self.missing} of {self.listed} listed files missing"
            f"{_shown(self.first_missing, self.missing)}, "
            f"{self.surplus} files in no list"
            f"{_shown(self.first_surplus, self.surplus)}"
        )

    def require_all(self):
        """Raises if a listed file is missing.

        Raises:
            FileNotFoundError: with their count and the first three.
        """
        if self.missing:
            raise FileNotFoundError(
                "Expected every listed file to be there. "
                f"Received: {self}. Unpack the archives again, or take the "
                "missing files out of the list."
            )


def check_files(*listings, beside=()):
    """Compares listings with what is on disk.

    Reads each folder once instead of asking for each file. Only folders that
    the listings name are looked at. Splits often share folders, so pass all
    of them where `surplus` matters: a file of a split left out counts in it.

    Args:
        *listings: `Listing`s.
        beside: `Listing`s whose files are no surplus, but may be missing.

    Returns:
        A `FileReport`. Surplus files count if their suffix is a listed one;
        hidden ones do not.
    """
    rows = _rows(listings)
    wanted = {}
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
