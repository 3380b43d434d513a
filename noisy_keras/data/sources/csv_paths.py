"""The files that the paths of a CSV file mean."""

import collections.abc
import dataclasses
import os
import unicodedata
from typing import Any

from noisy_keras.data.io import filesystem
from noisy_keras.data.io import folder_walk
from noisy_keras.data.sources import folder_layout
from noisy_keras.data.sources import unreadable
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

_MISSING = "no such file"


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The files of the rows of a CSV file.

    Attributes:
        written: list of pairs of line number (int) and path (str), the rows.
        rows: list of n int, the positions of rows whose file exists, the first
            one of each file.
        paths: list of n str, their paths, relative to the root or absolute.
        missing: dict from path as written (str) to the reason (str) why it is
            left out.
        missing_rows: list of int, positions of the rows of `missing`.
        repeated: int, number of further rows of the same files.
    """

    written: list[tuple[int, str]]
    rows: list[int]
    paths: list[str]
    missing: dict[str, str]
    missing_rows: list[int]
    repeated: int

    @property
    def ignored(self) -> dict[str, str]:
        """What a `Reading` says about repeated rows."""
        if not self.repeated:
            return {}
        return {
            f"{self.repeated} lines": "of paths and labels that occur before"
        }

    def named(self, row: int) -> str:
        """Returns the path of a row with its line, for a message."""
        line, path = self.written[row]
        return f"{path} (line {line})"


def resolve(
    path: str,
    root: str,
    written: list[tuple[int, str]],
    labels: collections.abc.Sequence[int],
    max_unreadable: Any = None,
) -> Resolved:
    """Finds the files of the rows of a CSV file.

    A path is tried as it is written; without surrounding blanks; with slashes
    for backslashes; with the extension that the one image of this name has;
    and in another case or form of accents, if one file has it.

    Args:
        path: str, path of the CSV file, for messages.
        root: str, the folder to which paths are relative.
        written: list of N pairs of line number (int) and path (str).
        labels: sequence of N int, the labels.
        max_unreadable: number of files that may be missing, or their share
            (below 1). Defaults to 1 %, at least one file.

    Returns:
        `Resolved`.

    Raises:
        ConfigurationError: paths lead out of the root or occur with different
            labels, or too many files are missing.
    """
    finder = _Finder(root)
    kept, paths, missing_rows = [], [], []
    outside, conflicting = [], []
    missing: dict[str, str] = {}
    first: dict[str, int] = {}
    repeated = 0
    for row, (_, text) in enumerate(written):
        full, actual, problem = finder.find(text)
        if full is None:
            outside.append(row)
            continue
        before = first.setdefault(full, row)
        if before != row:
            repeated += labels[before] == labels[row]
            if labels[before] != labels[row]:
                conflicting.append(row)
        elif problem:
            missing[text] = problem
            missing_rows.append(row)
        else:
            kept.append(row)
            paths.append(actual)
    found = Resolved(written, kept, paths, missing, missing_rows, repeated)
    shown = root or "."
    _check(path, found, outside, f"paths below {shown}", _OTHER_ROOT)
    _check(path, found, conflicting, "one label per path", "")
    if len(missing) > unreadable.Unreadable(len(first), max_unreadable).limit:
        of = f"{len(missing)} of {len(first)} files are missing"
        hint = finder.elsewhere([written[row][1] for row in missing_rows[:3]])
        raise ConfigurationError(
            f"Expected files that exist below {shown} in {path}. Received: "
            f"{of}: {abbreviated([found.named(row) for row in missing_rows])}. "
            f"{hint or _OTHER_ROOT} To train without them, raise "
            "--max_unreadable."
        )
    return found


_OTHER_ROOT = (
    "If paths start from another folder than that of the CSV file, pass it as "
    "`image_root` (--image_root)."
)


def _check(path, found, rows, wanted, hint):
    if rows:
        listing = abbreviated([found.named(row) for row in rows])
        raise ConfigurationError(
            f"Expected {wanted} in {path}. Received: {len(rows)} others: "
            f"{listing}" + (f". {hint}" if hint else "")
        )


class _Finder:
    """Finds files below a folder, listing each of its folders once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._scheme, self._home = "", os.path.realpath(root or ".")
        if filesystem.is_remote(root):
            scheme, _, self._home = root.partition("://")
            self._scheme = f"{scheme}://"
        self._folders: dict[str, _Folder] = {}
        self._real: dict[str, str] = {}

    def find(self, text: str) -> tuple[str | None, str, str]:
        """Finds the file of a path.

        Args:
            text: str, the path as written.

        Returns:
            The normalised full path, or None if it leads out of the root; the
            path by which to read the file; and a problem, or `""`.
        """
        slashes = text.replace("\\", "/")
        texts = dict.fromkeys((text, text.strip(), slashes, slashes.strip()))
        full, problem = None, ""
        for loose in (False, True):
            for variant in texts:
                inside = self._inside(variant)
                if inside is None:
                    continue
                folder, name = os.path.split(inside)
                file, why = self._folder(folder).find(name, loose)
                if file and file == name and variant == text:
                    return inside, self._as_written(text, inside), ""
                if file:
                    inside = os.path.join(folder, file)
                    return inside, self._relative(inside), ""
                full, problem = full or inside, problem or why
            if full is None:
                return None, "", ""
        return full, "", problem or _MISSING

    def elsewhere(self, texts: list[str]) -> str:
        """Returns where files are that are not below the root, or `""`."""
        for name in folder_layout.sub_folders(self._root or ".")[0]:
            other = _Finder(os.path.join(self._root, name))
            for text in texts:
                full, _, problem = other.find(text)
                if full is not None and not problem:
                    return (
                        f"They are in {os.path.join(self._root, name)}: pass "
                        "that as `image_root` (--image_root)."
                    )
        return ""

    def _inside(self, text):
        """The normalised full path, or None if it is not below the root."""
        if "\0" in text:
            return None
        full = os.path.normpath(os.path.join(self._home, text))
        start = os.path.join(self._home, "")
        if full.startswith(start):
            return full
        if self._scheme or not os.path.isabs(text):
            return None
        folder, name = os.path.split(full)
        if folder not in self._real:
            # Links may lead to the root by another name.
            self._real[folder] = os.path.realpath(folder)
        full = os.path.join(self._real[folder], name)
        return full if full.startswith(start) else None

    def _as_written(self, text, inside):
        # As other programs know it, unless it is the other name of the root.
        normal = os.path.normpath(os.path.join(self._home, text))
        return text if normal == inside else self._relative(inside)

    def _relative(self, inside):
        return os.path.relpath(inside, self._home)

    def _folder(self, folder):
        if folder not in self._folders:
            self._folders[folder] = _Folder(self._scheme + folder)
        return self._folders[folder]


class _Folder:
    """The files of a folder by name, by stem and by likeness."""

    def __init__(self, path: str) -> None:
        self._names, self._others = folder_walk.regular_files(path)
        self._alike: dict[str, list[str]] | None = None

    def find(self, name: str, loose: bool) -> tuple[str, str]:
        """Finds a file.

        Args:
            name: str, name of the file.
            loose: bool, whether names may differ in extension, case or form.

        Returns:
            The name of the file or `""`, and the reason why there is none.
        """
        if name in self._names:
            return name, ""
        if name in self._others:
            return "", self._others[name]
        if not loose or not name:
            return "", ""
        if self._alike is None:
            self._alike = {}
            for file in self._names:
                keys = {_likeness(file)}
                if folder_layout.is_picture(file):
                    keys.add(_likeness(os.path.splitext(file)[0]))
                for key in keys:
                    self._alike.setdefault(key, []).append(file)
        found = self._alike.get(_likeness(name), [])
        exact = [f for f in found if os.path.splitext(f)[0] == name]
        found = exact if len(exact) == 1 else found
        if len(found) > 1:
            return "", f"several files: {abbreviated(sorted(found))}"
        return (found[0], "") if found else ("", "")


def _likeness(name):
    return unicodedata.normalize("NFC", name).casefold()
