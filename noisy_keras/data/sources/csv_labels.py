"""Sources from a CSV file of paths and labels."""

import collections.abc
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import class_labels
from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.io.splits import split_of
from noisy_keras.data.sources import csv_columns
from noisy_keras.data.sources import csv_paths
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.data.sources.reading import Reading
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import warn_about_data


def from_csv(
    path: str | os.PathLike,
    root: str | os.PathLike | None = None,
    split: str | None = None,
    image_size: int = 64,
    class_names: collections.abc.Sequence[str] | None = None,
    *,
    path_column: str | None = None,
    label_column: str | None = None,
    image_root: str | os.PathLike | None = None,
    **options: Any,
) -> FileSource:
    """Makes a source from a CSV file of paths and labels.

    The file may be in UTF-8, UTF-16 or Windows-1252, and separated by commas,
    semicolons, tabs or bars. Its header names the columns in any case. Files
    that do not exist are left out like unreadable ones; `source.reading` has
    what was found and left out.

    Args:
        path: str, path of the file. It has a column of paths and one of
            labels, and optionally `true_label` and `split`, in any order;
            other columns are ignored. Paths may lack the extension of the
            file, and may have backslashes.
        root: str, deprecated name of `image_root`.
        split: str, `"train"` (the default), `"validation"` or `"test"`, if
            there is a column `split`.
        image_size: int, side of the images in pixels.
        class_names: sequence of K str, the classes in order. Defaults to the
            labels that occur in the whole file: in the order of numbers if
            all of them are integers, else sorted as text.
        path_column: str, the column of paths. Defaults to `path`, else to the
            one column with a usual name, such as `file`, `filename`, `image`,
            `image_id` or `id`.
        label_column: str, the column of labels. Defaults to `label`, else to
            the one column with a usual name, such as `class`, `category` or
            `target`.
        image_root: str, the folder to which paths are relative. Defaults to
            that of the CSV file. Paths that lead out of it raise an error.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`, as in
            `Source`.

    Returns:
        A `FileSource`, whose ids are the paths as written in the file.

    Raises:
        OSError: the file does not exist.
        ValueError: columns are missing or can be chosen in several ways;
            paths lead out of the root or occur with different labels; labels
            are missing or no classes; there are fewer than two classes; or
            more than 1 % of the files do not exist or are unreadable. Messages
            contain line numbers.
    """
    path = filesystem.expanded(path)
    home = _root(path, root, image_root)
    table = _read(path)
    columns = csv_columns.find(table, path_column, label_column)
    rows = _rows(table, columns)
    found = _classes(path, rows, class_names)
    has_splits = "split" in table.columns
    if has_splits:
        chosen = _of_split(path, rows, split or "train")
    elif split not in (None, "train"):
        raise ConfigurationError(
            f"Expected a column `split` in {path} for split={split!r}. "
            "Received: none"
        )
    else:
        chosen = list(range(len(rows)))
    labels = found.labels[chosen].tolist()
    kept = csv_paths.resolve(
        path,
        home,
        [(rows[i].line, rows[i].path) for i in chosen],
        labels,
        options.get("max_unreadable"),
    )
    _check_classes(path, found, kept, labels)
    where = [chosen[i] for i in kept.rows]
    true_labels = None
    if found.true_labels is not None:
        true_labels = found.true_labels[where]
    options.setdefault("name", os.path.basename(path))
    source = FileSource(
        kept.paths,
        found.labels[where],
        found.class_names,
        ids=[rows[i].path for i in where],
        true_labels=true_labels,
        root=home,
        image_size=image_size,
        **options,
    )
    # Before the files are looked at, so that both are counted.
    source.unreadable.update(kept.missing)
    source = source.readable()
    notes = (*table.notes, *found.notes)
    warn_about_data(notes)
    counts = np.bincount(source.labels, minlength=source.num_classes)
    source.reading = Reading(
        path,
        dict(zip(source.class_names, counts.tolist(), strict=True)),
        split=(split or "train") if has_splits else None,
        splits=_split_values(rows) if has_splits else {},
        ignored=kept.ignored,
        left_out=source.unreadable,
        notes=(*columns.notes, *notes),
    )
    return source


def csv_splits(path: str | os.PathLike) -> set[str]:
    """Returns the splits in a CSV file of labels.

    Args:
        path: str, path of the file.

    Returns:
        Set of `"train"`, `"validation"` and `"test"`, empty if there is no
        column `split`.

    Raises:
        OSError: the file does not exist.
        ValueError: the file is no CSV file.
    """
    table = _read(filesystem.expanded(path))
    found = {split_of(row["split"]) for _, row in table.rows if "split" in row}
    return {split for split in found if split}


def _root(path, root, image_root):
    given = [os.fspath(r) for r in (root, image_root) if r is not None]
    if len(set(given)) > 1:
        raise ConfigurationError(
            "Expected `image_root` or `root`, which mean the same. Received: "
            f"image_root={image_root!r} and root={root!r}"
        )
    if not given:
        return os.path.dirname(path)
    folder = filesystem.expanded(given[0] or ".")
    if not filesystem.is_folder(folder):
        raise ConfigurationError(
            f"Expected a folder as `image_root` (--image_root). Received: "
            f"{folder}, which is none"
        )
    return folder


def _read(path):
    if not filesystem.is_file(path):
        found = "is not a file" if filesystem.exists(path) else "does not exist"
        raise OSError(
            f"Expected a CSV file of images and labels. Received: {path}, "
            f"which {found}"
        )
    return csv_rows.read(path)


def _rows(table, columns):
    """The rows as `csv_columns.Row`s; raises if one lacks a path."""
    rows, short = [], []
    for line, row in table.rows:
        written = row[columns.path]
        if not written.strip() or not row[columns.label].strip():
            short.append(str(line))
        rows.append(
            csv_columns.Row(
                line,
                written,
                row[columns.label],
                row.get("true_label"),
                row.get("split"),
            )
        )
    if short:
        raise ConfigurationError(
            f"Expected a path and a label in every line of {table.path}. "
            f"Received: {len(short)} without: line {abbreviated(short)}"
        )
    if not rows:
        raise ConfigurationError(
            f"Expected at least one line in {table.path}. Received: 0"
        )
    return rows


def _classes(path, rows, class_names):
    """The `ClassLabels` of all rows."""
    true = None
    if rows[0].true_label is not None:
        true = [row.true_label for row in rows]
    try:
        return class_labels.encode(
            [row.label for row in rows],
            class_names,
            true_labels=true,
            what="label",
            where=lambda i: f"line {rows[i].line}",
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{error} (in {path})") from error


def _of_split(path, rows, split):
    """The positions of the rows of a split."""
    wrong = [row for row in rows if split_of(row.split) is None]
    if wrong:
        raise ConfigurationError(
            f"Expected every split in {path} to be train, validation or test. "
            f"Received: {wrong[0].split!r} in line {wrong[0].line}"
            + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        )
    chosen = [i for i, row in enumerate(rows) if split_of(row.split) == split]
    if not chosen:
        raise ConfigurationError(
            f"Expected lines of the split {split!r} in {path}. Received: none"
        )
    return chosen


def _split_values(rows):
    values = dict.fromkeys(row.split.strip() for row in rows)
    return {split_of(value): value for value in values}


def _check_classes(path, found, kept, labels):
    """Raises if no file of a class exists."""
    left = {labels[i] for i in kept.rows}
    gone = [i for i in kept.missing_rows if labels[i] not in left]
    if gone:
        names = sorted({labels[i] for i in gone})
        raise ConfigurationError(
            f"Expected files of every class in {path}. Received: none of "
            + abbreviated([repr(found.class_names[c]) for c in names])
            + f", as there is no {abbreviated([kept.named(i) for i in gone])}"
        )
