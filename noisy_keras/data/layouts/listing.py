"""Listings: the image files of a published data set and their labels.

Lists are read in the format of their authors. No image is opened.
"""

import collections.abc
import dataclasses
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import filesystem
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike

_PER_SAMPLE = ("paths", "labels", "true_labels", "ids", "verified")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclasses.dataclass(frozen=True, eq=False)
class Listing:
    """One split of a data set of image files. Arrays are read-only.

    Attributes:
        root: str, folder to which `paths` are relative.
        paths: object array `[N]` of str, separated by "/", in the published
            order.
        labels: int32 array `[N]` in `[0, K)`, the given labels, which may be
            wrong.
        class_names: tuple of K str.
        true_labels: int32 array `[N]`, the true labels, -1 where unknown; None
            if none is known.
        ids: object array `[N]` of str, which identify samples in files.
            Defaults to the paths.
        verified: int8 array `[N]`, whether annotators found the given label
            right (1) or wrong (0), or did not verify it (-1); None if none was
            verified.

    Raises:
        ValueError: arrays have different lengths, or labels are out of range.
    """

    root: str
    paths: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    true_labels: np.ndarray | None = None
    ids: np.ndarray | None = None
    verified: np.ndarray | None = None

    def __post_init__(self) -> None:
        class_names = tuple(str(name) for name in self.class_names)
        count = len(class_names)
        rows = {
            "paths": np.asarray(self.paths, object),
            "labels": checks.labels(self.labels, count),
        }
        if self.true_labels is not None:
            rows["true_labels"] = checks.labels(
                self.true_labels, count, "true_labels", unknown_allowed=True
            )
        ids = self.paths if self.ids is None else self.ids
        rows["ids"] = np.asarray(ids, object)
        if self.verified is not None:
            flags = checks.labels(
                self.verified, 2, "verified", unknown_allowed=True
            )
            rows["verified"] = flags.astype(np.int8)
        checks.same_length(**rows)
        object.__setattr__(self, "root", os.fspath(self.root))
        object.__setattr__(self, "class_names", class_names)
        for name, values in rows.items():
            object.__setattr__(self, name, checks.read_only(values))

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, rows: ArrayLike) -> "Listing":
        """Makes a listing of some of the samples.

        Args:
            rows: bool array `[N]`, or int array of positions.

        Returns:
            A `Listing`.
        """
        held = {name: getattr(self, name) for name in _PER_SAMPLE}
        return dataclasses.replace(
            self, **{k: v[rows] for k, v in held.items() if v is not None}
        )


def find_file(
    root: str | os.PathLike,
    name: str,
    folders: collections.abc.Sequence[str] = ("", "annotations"),
) -> str | None:
    """Searches for a list file.

    Args:
        root: str, folder of the data set.
        name: str, name of the file.
        folders: sequence of str, folders in `root`, searched in this order.

    Returns:
        str, path of the file, or None.
    """
    for folder in folders:
        path = os.path.join(root, folder, name)
        if filesystem.is_file(path):
            return path
    return None


def require_file(
    root: str | os.PathLike,
    name: str,
    manual: str,
    folders: collections.abc.Sequence[str] = ("", "annotations"),
) -> str:
    """Searches for a list file and raises an error if there is none.

    Args:
        root: str, folder of the data set.
        name: str, name of the file.
        manual: str, the expected folder structure, for the error message.
        folders: sequence of str, folders in `root`, searched in this order.

    Returns:
        str, path of the file.

    Raises:
        FileNotFoundError: the folder or the file does not exist.
    """
    require_folder(root, manual)
    path = find_file(root, name, folders)
    if path is None:
        places = " or ".join(os.path.join(root, folder) for folder in folders)
        raise FileNotFoundError(
            f"Expected the list {name} in {places}. Received: no such file.\n"
            f"{manual}"
        )
    return path


def require_folder(folder: str | os.PathLike, manual: str) -> None:
    """Raises an error if a folder does not exist.

    Args:
        folder: str, path of the folder.
        manual: str, the expected folder structure, for the error message.

    Raises:
        FileNotFoundError: the folder does not exist, or is a file.
    """
    if not filesystem.is_folder(folder):
        raise FileNotFoundError(
            f"Expected the folder {folder}. Received: no such folder.\n{manual}"
        )


def require_split(split: str, splits: collections.abc.Iterable[str]) -> None:
    """Raises an error if a split is unknown.

    Args:
        split: str, name of the split.
        splits: iterable of str, the splits of the data set.

    Raises:
        ValueError: the split is unknown.
    """
    if split not in splits:
        raise ConfigurationError(
            f"Expected a split, one of {', '.join(splits)}. Received: {split!r}"
        )


def read_lines(path: str, header: str | None = None) -> list[str]:
    """Reads a text file, with line ends of any kind.

    Args:
        path: str, path of the file, in UTF-8.
        header: str, the start of a first line that is not an entry; or None.

    Returns:
        List of str, one per line, without surrounding white space. Blank lines
        and the header are "", so the position of a line is its number less 1.

    Raises:
        ValueError: the file is not UTF-8 text, or has no entry.
    """
    data = filesystem.read(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            f"Expected UTF-8 text in {path}. "
            f"Received: other bytes at line {number}"
        ) from error
    # `splitlines` would also split at characters that may be part of a name.
    lines = [line.strip() for line in text.split("\n")]
    if header and lines[0].startswith(header):
        lines[0] = ""
    if not any(lines):
        raise ConfigurationError(
            f"Expected entries in {path}. Received: an empty list"
        )
    return lines


def read_keys(
    path: str, header: str | None = None
) -> tuple[list[str], list[int]]:
    """Reads a list of one key per line.

    Args:
        path: str, path of the file, in UTF-8.
        header: str, the start of a first line that is not an entry; or None.

    Returns:
        A pair of lists: the keys (str) and their line numbers (int, from 1).

    Raises:
        ValueError: as in `read_lines`.
    """
    lines = read_lines(path, header)
    numbers = [i for i, line in enumerate(lines, start=1) if line]
    return [lines[i - 1] for i in numbers], numbers


def read_pairs(
    path: str, num_classes: int, header: str | None = None
) -> tuple[list[str], np.ndarray]:
    """Reads a list of lines `key label`, separated by spaces or tabs.

    Args:
        path: str, path of the file, in UTF-8.
        num_classes: int, number of classes K.
        header: str, the start of a first line that is not an entry; or None.

    Returns:
        A pair of the keys, a list of N str, which may contain spaces, and the
        labels, an int32 array `[N]` in `[0, K)`.

    Raises:
        ValueError: as in `read_lines`, or lines are invalid or labels out of
            range; the message contains line numbers.
    """
    lines, numbers = read_keys(path, header)
    keys, labels, wrong = [], [], []
    for number, line in zip(numbers, lines, strict=True):
        parts = line.rsplit(None, 1)
        try:
            # Some published lists write labels as "3.0".
            label = float(parts[1])
            if not label.is_integer():
                raise ValueError
        except (IndexError, ValueError):
            wrong.append((line, number))
            continue
        keys.append(parts[0])
        labels.append(label)
    reject(wrong, "a key and an integer in each line", path)
    labels = np.asarray(labels)
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    wrong = [(lines[i], numbers[i]) for i in outside]
    reject(wrong, f"labels in [0, {num_classes})", path)
    return keys, labels.astype(np.int32)


def reject(
    wrong: collections.abc.Sequence[tuple[Any, int | None]],
    expected: str,
    where: str,
) -> None:
    """Raises an error if there are invalid entries.

    Args:
        wrong: sequence of pairs `(entry, line number)`; the number is None for
            entries that are not lines.
        expected: str, the expected entries, for the error message.
        where: str, file or folder of the entries, for the error message.

    Raises:
        ValueError: there are invalid entries; the message contains their
            number and the first three.
    """
    if not wrong:
        return
    shown = ", ".join(
        repr(entry) + (f" at line {number}" if number else "")
        for entry, number in wrong[:3]
    )
    raise ConfigurationError(
        f"Expected {expected} in {where}. Received: {len(wrong)} other: {shown}"
    )
