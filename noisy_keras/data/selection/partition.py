"""Choosing samples: in proportion to classes, or as many of each."""

import dataclasses
import os

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def stratified(labels, count, random):
    """Positions of `count` samples, each class in proportion, ascending.

    Args:
        labels: int `[N]`.
        count: at most N.
        random: `np.random.RandomState`.

    Returns:
        int64 `[count]`.
    """
    # Within each class in random order, samples get evenly spaced ranks; the
    # lowest ranks over all classes are a proportional choice of exact size.
    ranks = np.empty(len(labels))
    for c in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == c))
        offset = random.uniform()
        ranks[members] = (np.arange(len(members)) + offset) / len(members)
    return np.sort(np.argsort(ranks, kind="stable")[:count])


def held_out(labels, size, seed):
    """Splits positions at random, each class in proportion.

    Args:
        labels: int `[N]`.
        size: samples to hold out: a count, or a share in (0, 1).
        seed: of the choice.

    Returns:
        Positions of the rest and of those held out, both ascending.

    Raises:
        ValueError: a size that leaves one of them empty.
    """
    count = size if size >= 1 else round(size * len(labels))
    if not 1 <= count < len(labels):
        raise ConfigurationError(
            "Expected a held-out size that leaves samples on both sides. "
            f"Received: size={size} of {len(labels)} samples"
        )
    held = stratified(labels, int(count), np.random.RandomState(seed))
    return np.setdiff1d(np.arange(len(labels)), held), held


def trusted(source, which, seed):
    """Which samples are to be trusted.

    Args:
        source: a `Source`.
        which: as of `Source.split`.
        seed: of the choice, where there is one.

    Returns:
        Positions, int64 `[n]`, ascending, and their right labels, int `[n]`,
        or None where those are not told.

    Raises:
        OSError: a file that cannot be read.
        ValueError: a class with too few samples, or samples that are not
            there, or twice, or leave none to train on.
    """
    if isinstance(which, int | np.integer) and not isinstance(which, bool):
        rows, labels = of_each_class(source, which, seed), None
    else:
        rows, labels = _named(source, which)
    if len(rows) >= source.num_samples:
        raise ConfigurationError(
            "Expected samples to train on beside the trusted ones. Received: "
            f"all {source.num_samples} trusted"
        )
    if source.true_labels is not None and labels is None:
        labels = source.true_labels[rows]
        labels = np.where(labels >= 0, labels, source.labels[rows])
    return rows, labels


def of_each_class(source, count, seed, spare=1):
    """As many samples of each class, by true label where known.

    Args:
        source: a `Source`.
        count: samples per class, at least 1.
        seed: of the choice.
        spare: samples per class that must be left.

    Returns:
        Positions, int64 `[K * count]`, ascending.

    Raises:
        ValueError: classes with too few samples.
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
        more = " and more samples than that" if spare else ""
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
        path: of the file.
        column: that has the names, `"id"` or `"path"`.
        names: list of strings.
        labels: list of strings, or None without such a column.
        lines: numbers of their lines in the file.
    """

    path: str
    column: str
    names: list
    labels: list | None
    lines: list

    def told(self, rows):
        """Some of the names, for a message."""
        return abbreviated(
            [f"{self.names[i]!r} at line {self.lines[i]}" for i in rows]
        )

    def numbers(self, class_names):
        """The labels as classes, by name or number.

        Args:
            class_names: K strings.

        Returns:
            int `[n]`, or None without labels.

        Raises:
            ValueError: labels of no class; with line numbers.
        """
        if self.labels is None:
            return None
        number = {name: c for c, name in enumerate(class_names)}
        found, wrong = [], []
        for label, line in zip(self.labels, self.lines, strict=True):
            found.append(number.get(label, -1))
            if found[-1] < 0 and label.isdecimal():
                found[-1] = int(label) if int(label) < len(number) else -1
            if found[-1] < 0:
                wrong.append(f"{label!r} at line {line}")
        if wrong:
            raise ConfigurationError(
                f"Expected labels of the {len(number)} classes in {self.path}. "
                f"Received: {len(wrong)} others: {abbreviated(wrong)}"
            )
        return np.asarray(found)


def read_names(path):
    """Reads a CSV file that names samples.

    Args:
        path: of the file, UTF-8, with a header: the column `id` or `path`, and
            maybe `label`; others are left alone.

    Returns:
        `NamedSamples`, one at least.

    Raises:
        OSError: the file cannot be read.
        ValueError: no text, no such column, or lines without a name.
    """
    path = filesystem.expanded(path)
    columns, rows = csv_rows.read(path)
    column = next((name for name in ("id", "path") if name in columns), None)
    if column is None or not rows:
        told = ", ".join(columns) or "an empty file"
        raise ConfigurationError(
            "Expected lines with the column id or path, and maybe label, in "
            f"{path}. Received: {told}"
            + (" and no lines" if columns and not rows else "")
        )
    names = [row[column] for _, row in rows]
    lines = [line for line, _ in rows]
    unnamed = [
        str(line) for line, name in zip(lines, names, strict=True) if not name
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
    """Samples by id, of a list or a CSV file that may tell their labels."""
    if isinstance(which, str | os.PathLike):
        listed = read_names(os.fspath(which))
        ids, where, told = listed.names, listed.path, listed.told
        labels = listed.numbers(source.class_names)
    else:
        ids, labels, where = [str(i) for i in which], None, "`trusted`"

        def told(rows):
            return abbreviated([ids[i] for i in rows])

    place = {text: row for row, text in enumerate(source.ids)}
    missing = [i for i, text in enumerate(ids) if text not in place]
    if missing or not ids:
        raise ConfigurationError(
            f"Expected ids of samples in {where}. Received: "
            + (
                f"{len(missing)} of {len(ids)} that are not there: "
                f"{told(missing)}. Ids look like {source.ids[0]!r}"
                if ids
                else "none"
            )
        )
    rows = np.asarray([place[text] for text in ids])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    doubled = order[1:][np.diff(rows) == 0]
    if len(doubled):
        raise ConfigurationError(
            f"Expected each id once in {where}. Received: {len(doubled)} "
            f"doubled: {told(doubled)}"
        )
    return rows, None if labels is None else labels[order]
