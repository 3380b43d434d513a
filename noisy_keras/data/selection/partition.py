"""Selection of samples: stratified, or the same number of each class."""

import collections.abc
import dataclasses
import os
from typing import TYPE_CHECKING

import numpy as np

from noisy_keras.data.io import class_lookup
from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.selection.sample_ids import Ids
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

if TYPE_CHECKING:
    from noisy_keras.data.sources.source import Source


def stratified(
    labels: np.ndarray, count: int, random: np.random.RandomState
) -> np.ndarray:
    """Chooses `count` samples at random, each class in proportion.

    Args:
        labels: int array `[N]`, the classes of the samples.
        count: int in `[0, N]`, number of samples to choose.
        random: `np.random.RandomState`.

    Returns:
        int64 array `[count]`, positions in ascending order.
    """
    # The samples of each class get evenly spaced ranks in random order. The
    # lowest ranks over all classes are a proportional choice of exact size.
    ranks = np.empty(len(labels))
    for c in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == c))
        offset = random.uniform()
        ranks[members] = (np.arange(len(members)) + offset) / len(members)
    return np.sort(np.argsort(ranks, kind="stable")[:count])


def held_out(
    labels: np.ndarray, size: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Splits positions into two parts at random, each class in proportion.

    Args:
        labels: int array `[N]`, the classes of the samples.
        size: number of samples to hold out (int), or their share (float in
            `(0, 1)`).
        seed: int, the seed of the choice.

    Returns:
        A pair of int arrays: the positions of the remaining samples and of
        those held out, both in ascending order.

    Raises:
        ValueError: one of the parts would be empty.
    """
    count = size if size >= 1 else round(size * len(labels))
    if not 1 <= count < len(labels):
        raise ConfigurationError(
            "Expected a held-out size that leaves samples in both parts. "
            f"Received: size={size} of {len(labels)} samples"
        )
    held = stratified(labels, int(count), np.random.RandomState(seed))
    return np.setdiff1d(np.arange(len(labels)), held), held


def trusted(
    source: "Source",
    which: int | str | os.PathLike | collections.abc.Iterable[str],
    seed: int,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Selects the trusted samples of a source.

    Args:
        source: `Source`.
        which: samples per class (int), ids (iterable of str) or path of a CSV
            file (str), as in `Source.split`.
        seed: int, the seed of the choice of samples per class.

    Returns:
        A pair of int arrays `[n]`: positions in ascending order, and the true
        labels of these samples, or None where they are not known.

    Raises:
        OSError: the file cannot be read.
        ValueError: a class has too few samples; ids are unknown or occur
            twice; or no samples are left to train on.
    """
    if isinstance(which, int | np.integer) and not isinstance(which, bool):
        rows, labels = of_each_class(source, which, seed), None
    else:
        rows, labels = _named(source, which)
    if len(rows) >= source.num_samples:
        raise ConfigurationError(
            "Expected samples to train on besides the trusted ones. Received: "
            f"all {source.num_samples} trusted"
        )
    if source.true_labels is not None and labels is None:
        labels = source.true_labels[rows]
        labels = np.where(labels >= 0, labels, source.labels[rows])
    return rows, labels


def of_each_class(
    source: "Source", count: int, seed: int, spare: int = 1
) -> np.ndarray:
    """Chooses the same number of samples of each class.

    Classes are those of the true labels if the source has any, else those of
    the given labels.

    Args:
        source: `Source`.
        count: int, at least 1, number of samples per class.
        seed: int, the seed of the choice.
        spare: int, number of further samples that each class must have.

    Returns:
        int64 array `[K * count]`, positions in ascending order.

    Raises:
        ValueError: a class has too few samples.
    """
    labels = source.labels
    if source.true_labels is not None:
        labels = source.true_labels
    members = [np.flatnonzero(labels == c) for c in range(source.num_classes)]
    few = [
        f"class {name!r} has {len(rows)} samples"
        for name, rows in zip(source.class_names, members, strict=True)
        if len(rows) < count + spare
    ]
    if few or count < 1:
        more = " and further samples to train on" if spare else ""
        raise ConfigurationError(
            f"Expected at least 1 trusted sample per class{more}. Received: "
            f"trusted={count}" + (f"; {abbreviated(few)}" if few else "")
        )
    random = np.random.RandomState(seed)
    chosen = [random.permutation(rows)[:count] for rows in members]
    return np.sort(np.concatenate(chosen))


@dataclasses.dataclass(frozen=True)
class NamedSamples:
    """Samples that a CSV file names.

    Attributes:
        path: str, path of the file.
        column: str, the column with the names: `"id"` or `"path"`.
        names: list of n str.
        labels: list of n str, or None if there is no such column.
        lines: list of n int, line numbers in the file, from 1.
    """

    path: str
    column: str
    names: list[str]
    labels: list[str] | None
    lines: list[int]

    def listing(self, rows: collections.abc.Iterable[int]) -> str:
        """Lists some of the names with their lines, for an error message."""
        return abbreviated(
            [f"{self.names[i]!r} at line {self.lines[i]}" for i in rows]
        )

    def numbers(
        self, class_names: collections.abc.Sequence[str]
    ) -> np.ndarray | None:
        """Converts the labels to class numbers.

        Args:
            class_names: sequence of K str.

        Returns:
            int array `[n]`, or None if there are no labels.

        Raises:
            ValueError: a label is neither a class name nor a number in
                `[0, K)`; the message lists the lines.
        """
        if self.labels is None:
            return None
        lookup = class_lookup.Lookup(class_names)
        found: list[int] = []
        wrong = []
        for label, line in zip(self.labels, self.lines, strict=True):
            number = lookup.find(label)
            found.append(-1 if number is None else number)
            if number is None:
                wrong.append(f"{label!r} at line {line}")
        if wrong:
            raise ConfigurationError(
                f"Expected labels of the {len(class_names)} classes in "
                f"{self.path}. "
                f"Received: {len(wrong)} others: {abbreviated(wrong)}"
            )
        return np.asarray(found)


def read_names(path: str | os.PathLike) -> NamedSamples:
    """Reads a CSV file that names samples.

    Args:
        path: str, path of the file, with a header. It has the column `id` or
            `path`, and optionally `label`; other columns are ignored.

    Returns:
        `NamedSamples` with at least one sample.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not text, has no such column or no lines, or a
            line has no name.
    """
    path = filesystem.expanded(path)
    table = csv_rows.read(path)
    table.check_distinct(("id", "path", "label"))
    columns, rows = table.columns, table.rows
    column = next((name for name in ("id", "path") if name in columns), None)
    if column is None or not rows:
        found = ", ".join(table.header) or "an empty file"
        raise ConfigurationError(
            "Expected lines with the column id or path, and optionally label, "
            f"in {path}. Received: {found}"
            + (" and no lines" if columns and not rows else "")
        )
    names = [row[column] for _, row in rows]
    lines = [line for line, _ in rows]
    unnamed = [
        str(line)
        for line, name in zip(lines, names, strict=True)
        if not name.strip()
    ]
    if unnamed:
        raise ConfigurationError(
            f"Expected the column {column} in every line of {path}. Received: "
            f"{len(unnamed)} without: line {abbreviated(unnamed)}"
        )
    labels = None
    if "label" in columns:
        labels = [row["label"] for _, row in rows]
    return NamedSamples(path, column, names, labels, lines)


def _named(source, which):
    """Finds samples by id; a CSV file may contain their labels."""
    if isinstance(which, str | os.PathLike):
        listed = read_names(os.fspath(which))
        ids, where, listing = listed.names, listed.path, listed.listing
        labels = listed.numbers(source.class_names)
    else:
        ids, labels, where = [str(i) for i in which], None, "`trusted`"

        def listing(rows):
            return abbreviated([ids[i] for i in rows])

    known = Ids(source.ids)
    places = [known.find(text) for text in ids]
    missing = [i for i, place in enumerate(places) if place is None]
    if missing or not ids:
        raise ConfigurationError(
            f"Expected ids of samples in {where}. Received: "
            + (
                f"{len(missing)} unknown ids of {len(ids)}: "
                f"{listing(missing)}. Ids look like {source.ids[0]!r}"
                if ids
                else "none"
            )
        )
    rows = np.asarray(places)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    duplicated = order[1:][np.diff(rows) == 0]
    if len(duplicated):
        raise ConfigurationError(
            f"Expected each id once in {where}. Received: {len(duplicated)} "
            f"more than once: {listing(duplicated)}"
        )
    return rows, None if labels is None else labels[order]
