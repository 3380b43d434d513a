"""A listing: which picture files a published data set has, and their labels.

Lists are read in the form their authors published them. No picture is opened.
"""

import dataclasses
import os

import numpy as np

from noisy_keras.data.io import filesystem
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

_PER_SAMPLE = ("paths", "labels", "true_labels", "ids", "verified")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclasses.dataclass(frozen=True, eq=False)
class Listing:
    """One split of a data set of picture files. Arrays are read-only.

    Attributes:
        root: folder that `paths` start from.
        paths: object array `[N]` of strings, with "/", in the published order.
        labels: int32 `[N]` in `[0, K)`, as given, maybe wrong.
        class_names: tuple of K strings.
        true_labels: int32 `[N]`, -1 where unknown; None where none is known.
        ids: object array `[N]` of strings that name samples in files; the
            paths unless given.
        verified: int8 `[N]`, whether a person found the given label right (1)
            or wrong (0), or was not asked (-1); None where nobody was.

    Raises:
        ValueError: arrays of different lengths, or labels out of range.
    """

    root: str
    paths: np.ndarray
    labels: np.ndarray
    class_names: tuple
    true_labels: np.ndarray | None = None
    ids: np.ndarray | None = None
    verified: np.ndarray | None = None

    def __post_init__(self):
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

    def __len__(self):
        return len(self.labels)

    def subset(self, rows):
        """A listing of some of the samples.

        Args:
            rows: bool `[N]`, or positions.

        Returns:
            A `Listing`.
        """
        held = {name: getattr(self, name) for name in _PER_SAMPLE}
        return dataclasses.replace(
            self, **{k: v[rows] for k, v in held.items() if v is not None}
        )


def find_file(root, name, folders=("", "annotations")):
    """Looks for a list file.

    Args:
        root: folder of the data set.
        name: of the file.
        folders: below `root`, searched in this order.

    Returns:
        Its path, or None.
    """
    for folder in folders:
        path = os.path.join(root, folder, name)
        if filesystem.is_file(path):
            return path
    return None


def require_file(root, name, manual, folders=("", "annotations")):
    """Looks for a list file that the data set cannot do without.

    Args:
        root, name, folders: as for `find_file`.
        manual: which files go where, for the message.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: it is in none of the folders, or there is no root.
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


def require_folder(folder, manual):
    """Raises unless a folder is there.

    Args:
        folder: path.
        manual: which files go where, for the message.

    Raises:
        FileNotFoundError: it is not, or it is a file.
    """
    if not filesystem.is_folder(folder):
        raise FileNotFoundError(
            f"Expected the folder {folder}. Received: no such folder.\n{manual}"
        )


def require_split(split, splits):
    """Raises unless a data set has a split.

    Args:
        split: name.
        splits: those there are.

    Raises:
        ValueError: it has not.
    """
    if split not in splits:
        raise ConfigurationError(
            f"Expected a split, one of {', '.join(splits)}. Received: {split!r}"
        )


def read_lines(path, header=None):
    """Reads a text file; blank lines and CRLF are let pass.

    Args:
        path: of the file, UTF-8.
        header: how a first line starts that is no entry.

    Returns:
        List of strings without white space around them. Blank lines and the
        header stay as "", so that a position is a line number less 1.

    Raises:
        ValueError: not UTF-8, or no entry at all.
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
    # `splitlines` also cuts at characters that a name may hold.
    lines = [line.strip() for line in text.split("\n")]
    if header and lines[0].startswith(header):
        lines[0] = ""
    if not any(lines):
        raise ConfigurationError(
            f"Expected entries in {path}. Received: an empty list"
        )
    return lines


def read_keys(path, header=None):
    """Reads a list of one key per line.

    Args:
        path, header: as for `read_lines`.

    Returns:
        Keys, a list of strings, and their line numbers, a list of ints.

    Raises:
        ValueError: as `read_lines`.
    """
    lines = read_lines(path, header)
    numbers = [i for i, line in enumerate(lines, start=1) if line]
    return [lines[i - 1] for i in numbers], numbers


def read_pairs(path, num_classes, header=None):
    """Reads a list of `key label` lines, parted by spaces or tabs.

    Args:
        path, header: as for `read_lines`.
        num_classes: K.

    Returns:
        Keys, a list of N strings, and labels, int32 `[N]` in `[0, K)`. A key
        may hold spaces.

    Raises:
        ValueError: as `read_lines`, other lines, or labels out of range; with
            line numbers.
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
    reject(wrong, "a key and a whole number in each line", path)
    labels = np.asarray(labels)
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    wrong = [(lines[i], numbers[i]) for i in outside]
    reject(wrong, f"labels in [0, {num_classes})", path)
    return keys, labels.astype(np.int32)


def reject(wrong, expected, where):
    """Raises if there are wrong entries.

    Args:
        wrong: list of `(entry, line number)`; the number is None for entries
            that are no lines.
        expected: what they should have been.
        where: file or folder that they are from.

    Raises:
        ValueError: with their count and the first three.
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
