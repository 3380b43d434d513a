"""Files that record which samples a run was given, and what became of each.

A record is a file of NumPy arrays (`.npz`, read without pickle): `id`, `path`,
`split`, `given_label` and `true_label` `[n]` (-1 where there is none),
`class_names` `[K]`, and `roots`, JSON with the folder that the paths of a split
are relative to. That folder is relative to the place of the data set, so that
the data set may be moved.

Samples that are files are found again by their path alone, whatever else is in
the folder now. Nothing is drawn again.
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Iterable
from collections.abc import Mapping
from typing import IO

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.io import folder_walk
from noisy_keras.data.sources import csv_columns
from noisy_keras.data.sources import folder_layout
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

#: What a sample can be to a run; `"unused"` ones were left out.
SPLITS = ("train", "validation", "test", "trusted", "unused")

# Number of examples in a line.
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Changes:
    """How the files of a data set differ from those that a run was given.

    Attributes:
        known: int, number of samples that the run was given.
        gone: tuple of str, ids of those whose file is not there.
        new: tuple of str, paths of files that are not among them.
    """

    known: int
    gone: tuple = ()
    new: tuple = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)

    def __str__(self) -> str:
        parts = []
        if self.gone:
            parts.append(
                f"{len(self.gone)} of the {self.known} samples of the run are "
                f"gone or moved, such as {_examples(self.gone)}"
            )
        if self.new:
            parts.append(
                f"{len(self.new)} images are new and no part of the run, such "
                f"as {_examples(self.new)}"
            )
        return "; ".join(parts)


@dataclasses.dataclass(frozen=True, eq=False)
class SampleRecord:
    """Which samples a run was given.

    Attributes:
        ids: str array `[n]`.
        paths: str array `[n]`, the paths of samples that are files, else the
            ids. A CSV file may spell a path in another way than the disk, and
            its ids are as it spells them.
        split: str array `[n]`, each one of `SPLITS`.
        given_label: int32 array `[n]`, -1 for unused samples.
        true_label: int32 array `[n]`, -1 where unknown.
        class_names: tuple of K str.
        roots: dict from a split to the folder of its files, relative to the
            place of the data set or absolute; splits whose samples are not
            files are not in it.
    """

    ids: np.ndarray
    paths: np.ndarray
    split: np.ndarray
    given_label: np.ndarray
    true_label: np.ndarray
    class_names: tuple
    roots: dict

    @classmethod
    def of_sources(
        cls,
        sources: Mapping[str, Source | None],
        loaded: Source,
        place: str | None,
    ) -> "SampleRecord":
        """Records sources.

        Args:
            sources: dict from a split to its `Source`, or None.
            loaded: the training `Source` as it was loaded, of which others were
                held out or left out.
            place: str, folder of the data set; None if it is not of files.

        Returns:
            A `SampleRecord`.
        """
        home = getattr(loaded, "root", None)
        place_of = dict(zip(loaded.ids, _paths(loaded), strict=True))
        parts: list[tuple] = []
        roots: dict[str, str] = {}
        used: set[str] = set()
        for split, source in sources.items():
            if source is None:
                continue
            true = source.true_labels
            if true is None:
                true = np.full(source.num_samples, -1, np.int32)
            # Foreign pictures among those in training have another root.
            root = home if split == "train" else getattr(source, "root", None)
            paths = _paths(source)
            if root == home:
                paths = [
                    place_of.get(name, path)
                    for name, path in zip(source.ids, paths, strict=True)
                ]
            parts.append((split, source.ids, source.labels, true, paths))
            if place is not None and root is not None:
                roots[split] = _relative(root, place)
            if root == home:
                used |= set(source.ids)
        rest = [name for name in loaded.ids if name not in used]
        # What cannot be read is known, too: it is not new.
        rest += sorted(getattr(loaded, "unreadable", {}))
        rest = list(dict.fromkeys(rest))
        if rest:
            none = np.full(len(rest), -1, np.int32)
            paths = [place_of.get(name, name) for name in rest]
            parts.append(("unused", rest, none, none, paths))
        if "train" in roots:
            roots["unused"] = roots["train"]
        split, ids, given, true, paths = (
            [part[column] for part in parts] for column in range(5)
        )
        return cls(
            ids=np.asarray([str(name) for each in ids for name in each]),
            paths=np.asarray([str(name) for each in paths for name in each]),
            split=np.repeat(
                np.asarray(split, str), [len(each) for each in ids]
            ),
            given_label=np.concatenate(given).astype(np.int32),
            true_label=np.concatenate(true).astype(np.int32),
            class_names=tuple((sources["train"] or loaded).class_names),
            roots=roots,
        )

    def save(self, stream: IO[bytes] | str | os.PathLike) -> None:
        """Writes the record.

        Args:
            stream: writable binary file, or its path.
        """
        np.savez_compressed(
            stream,
            id=self.ids,
            path=self.paths,
            split=self.split,
            given_label=self.given_label,
            true_label=self.true_label,
            class_names=np.asarray(self.class_names),
            roots=np.asarray(json.dumps(self.roots)),
        )

    def rows(self, split: str) -> np.ndarray:
        """Positions of the samples of a split, int `[m]`."""
        return np.flatnonzero(self.split == split)

    def is_of_files(self) -> bool:
        """Whether the training samples are files, each with its path."""
        return "train" in self.roots

    def restored(
        self,
        split: str,
        place: str,
        image_size: int | None = None,
        max_unreadable: float | None = None,
    ) -> tuple[FileSource | None, tuple]:
        """The samples of a split that are still there.

        Args:
            split: str, one of `SPLITS`.
            place: str, folder where the data set is now.
            image_size: int, side of the images in pixels; default: that of
                `FileSource`.
            max_unreadable: as of `FileSource`.

        Returns:
            A `FileSource` with the recorded labels, or None if there are no
            samples; and a tuple with the ids of those that are gone.
        """
        rows = self.rows(split)
        if not len(rows) or split not in self.roots:
            return None, ()
        root = os.path.join(place, self.roots[split])
        there = _exist(root, self.paths[rows])
        gone = tuple(str(name) for name in self.ids[rows[~there]])
        rows = rows[there]
        if not len(rows):
            return None, gone
        size = {} if image_size is None else {"image_size": image_size}
        true = self.true_label[rows]
        source = FileSource(
            self.paths[rows],
            self.given_label[rows],
            self.class_names,
            ids=self.ids[rows],
            root=root,
            max_unreadable=max_unreadable,
            true_labels=true if (true >= 0).any() else None,
            name=os.path.basename(os.path.normpath(place)),
            **size,
        )
        return source, gone

    def labelled(self, split: str, source: Source) -> Source:
        """The recorded samples of a source, with their recorded labels.

        Args:
            split: str, one of `SPLITS`.
            source: `Source` that has all samples of the split.

        Returns:
            A `Source`, in the order of the record.

        Raises:
            ConfigurationError: samples of the split are not in the source.
        """
        rows = self.rows(split)
        place = {str(name): row for row, name in enumerate(source.ids)}
        missing = [name for name in self.ids[rows] if str(name) not in place]
        if missing:
            raise ConfigurationError(
                f"Expected the {len(rows)} samples of the {split} split that "
                f"the run was given. Received: {source}, without "
                f"{len(missing)} of them: {abbreviated(missing)}"
            )
        index = [place[str(name)] for name in self.ids[rows]]
        part = source.subset(index)
        if np.array_equal(part.labels, self.given_label[rows]):
            return part
        return part.relabel(self.given_label[rows], noise=part.noise)

    def new_files(
        self,
        place: str,
        listing: str | None = None,
        **columns: str | None,
    ) -> tuple:
        """Files that are not among the recorded ones.

        Args:
            place: str, folder where the data set is now.
            listing: str, path of the CSV file that lists the images; None looks
                into the folders of the classes.
            **columns: `path_column` and `label_column` of `from_csv`.

        Returns:
            tuple of str, paths relative to the folder of their split.
        """
        known: dict[str, set[str]] = {}
        for split, root in self.roots.items():
            if split != "trusted":
                names = (self.paths if listing is None else self.ids)[
                    self.split == split
                ]
                names = map(os.path.normpath, names)
                known.setdefault(root, set()).update(names)
        if listing is not None:
            everywhere = set().union(*known.values())
            return tuple(
                path
                for path in dict.fromkeys(_listed(listing, columns))
                if os.path.normpath(path) not in everywhere
            )
        return tuple(
            path
            for root, names in known.items()
            for path in folder_walk.below(os.path.join(place, root)).files
            # In the folder of a class, as all samples are.
            if "/" in path
            and folder_layout.is_picture(path)
            and os.path.normpath(path) not in names
            and not _of_other_root(path, root, known)
        )


def load(path: str | os.PathLike) -> SampleRecord:
    """Reads a record.

    Args:
        path: str, path of a file that `SampleRecord.save` wrote.

    Returns:
        A `SampleRecord`.

    Raises:
        OSError: the file cannot be read.
        ConfigurationError: it is not a record.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return SampleRecord(
                arrays["id"],
                arrays["path"],
                arrays["split"],
                arrays["given_label"],
                arrays["true_label"],
                tuple(str(name) for name in arrays["class_names"]),
                json.loads(str(arrays["roots"])),
            )
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"Expected a record of samples. Received: {path} ({error})"
        ) from error


def _paths(source):
    return source.ids if source.paths is None else source.paths


def _relative(root, place):
    """A folder relative to the place of the data set, if it is below it."""
    if filesystem.is_remote(root) or filesystem.is_remote(place):
        base = place.rstrip("/")
        if root.rstrip("/") == base:
            return ""
        return root.removeprefix(f"{base}/")
    root, place = (os.path.abspath(p or ".") for p in (root, place))
    if root == place:
        return ""
    inside = os.path.relpath(root, place)
    return root if inside.startswith("..") else inside


def _exist(root, names):
    """Which files exist, bool `[m]`; each folder is listed once."""
    folders: dict[str, set] = {}
    found = []
    for name in names:
        folder, base = os.path.split(str(name))
        if folder not in folders:
            inside = filesystem.entries(os.path.join(root, folder))
            folders[folder] = set(inside[1])
        found.append(base in folders[folder])
    return np.asarray(found, bool)


def _listed(path, columns):
    try:
        table = csv_rows.read(path)
        column = csv_columns.find(table, **columns).path
    except (ConfigurationError, OSError):
        return []
    return [row[column] for _, row in table.rows if row[column].strip()]


def _of_other_root(path, root, roots):
    """Whether a file below one folder is below the folder of another split."""
    full = os.path.normpath(os.path.join(root, path))
    return any(
        other != root and full.startswith(os.path.join(other, ""))
        for other in roots
        if other
    )


def _examples(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:_SHOWN])
