"""Sources from a CSV file of paths and labels."""

import collections.abc
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.data.io.splits import split_of
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def from_csv(
    path: str | os.PathLike,
    root: str | os.PathLike | None = None,
    split: str | None = None,
    image_size: int = 64,
    class_names: collections.abc.Sequence[str] | None = None,
    **options: Any,
) -> FileSource:
    """Makes a source from a CSV file of paths and labels.

    Args:
        path: str, path of the file, in UTF-8 with a header. It has the columns
            `path` and `label`, and optionally `true_label` and `split`, in any
            order; other columns are ignored.
        root: str, the folder to which paths are relative. Defaults to that of
            the CSV file. Paths that lead out of it raise an error.
        split: str, `"train"` (the default), `"validation"` or `"test"`, if
            there is a column `split`.
        image_size: int, side of the images in pixels.
        class_names: sequence of K str, the classes in order. Defaults to the
            sorted labels of the whole file, or, if all labels are
            non-negative integers, to the numbers up to the highest.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`, as in
            `Source`.

    Returns:
        A `FileSource`, whose ids are the paths as written in the file.

    Raises:
        OSError: the file does not exist.
        ValueError: columns are missing; paths do not exist, lead out of the
            root or occur with different labels; labels are not classes; there
            are fewer than two classes; or more than 1 % of the images are
            unreadable. Messages contain line numbers.
    """
    path = filesystem.expanded(path)
    root = os.path.dirname(path) if root is None else str(root)
    rows = _read_rows(path)
    has_splits = "split" in rows[0]
    names = _class_names(rows, class_names)
    index = {name: label for label, name in enumerate(names)}
    _check_labels(path, rows, index)
    if has_splits:
        rows = _of_split(path, rows, split or "train")
    elif split not in (None, "train"):
        raise ConfigurationError(
            f"Expected a column `split` in {path} for split={split!r}. "
            "Received: none"
        )
    rows = _check_paths(path, root, rows)
    true_labels = None
    if "true_label" in rows[0]:
        true_labels = np.asarray(
            [index.get(row["true_label"], -1) for row in rows]
        )
    options.setdefault("name", os.path.basename(path))
    source = FileSource(
        [row["path"] for row in rows],
        np.asarray([index[row["label"]] for row in rows]),
        names,
        true_labels=true_labels,
        root=root,
        image_size=image_size,
        **options,
    )
    return source.readable()


def csv_splits(path: str | os.PathLike) -> set[str]:
    """Returns the splits in a CSV file of labels.

    Args:
        path: str, path of the file.

    Returns:
        Set of `"train"`, `"validation"` and `"test"`, empty if there is no
        column `split`.

    Raises:
        OSError: the file does not exist.
        ValueError: columns are missing.
    """
    rows = _read_rows(filesystem.expanded(path))
    found = {split_of(row["split"]) for row in rows if "split" in row}
    return {split for split in found if split}


def _read_rows(path):
    """Reads the rows as dicts, each with its line number as `line`."""
    if not filesystem.is_file(path):
        found = "is not a file" if filesystem.exists(path) else "does not exist"
        raise OSError(
            f"Expected a CSV file of images and labels. Received: {path}, "
            f"which {found}"
        )
    names, lines = csv_rows.read(path)
    missing = [name for name in ("path", "label") if name not in names]
    if missing:
        raise ConfigurationError(
            "Expected a header line with the columns path and label in "
            f"{path}. Received: {', '.join(names) or 'an empty file'}"
        )
    rows, short = [], []
    for line, row in lines:
        if row["path"] and row["label"]:
            rows.append(row | {"line": line})
        else:
            short.append(str(line))
    if short:
        raise ConfigurationError(
            f"Expected a path and a label in every line of {path}. Received: "
            f"{len(short)} without: line {abbreviated(short)}"
        )
    if not rows:
        raise ConfigurationError(
            f"Expected at least one line in {path}. Received: 0"
        )
    return rows


def _class_names(rows, class_names):
    if class_names is not None:
        return [str(name) for name in class_names]
    found = {row["label"] for row in rows}
    found |= {row.get("true_label", "") for row in rows} - {""}
    if all(name.isascii() and name.isdigit() for name in found):
        # Integers are the class numbers; some classes may have no sample.
        return [str(label) for label in range(max(map(int, found)) + 1)]
    return sorted(found)


def _check_labels(path, rows, index):
    for column in ("label", "true_label"):
        wrong = [
            row for row in rows if row.get(column) and row[column] not in index
        ]
        if wrong:
            listing = abbreviated(
                [f"{row[column]!r} in line {row['line']}" for row in wrong]
            )
            raise ConfigurationError(
                f"Expected every {column} in {path} to be one of the "
                f"{len(index)} classes. Received: {len(wrong)} others: "
                f"{listing}"
            )
    if len(index) < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes in {path}. "
            f"Received: {', '.join(index)}"
        )


def _of_split(path, rows, split):
    wrong = [row for row in rows if split_of(row["split"]) is None]
    if wrong:
        raise ConfigurationError(
            f"Expected every split in {path} to be train, validation or test. "
            f"Received: {wrong[0]['split']!r} in line {wrong[0]['line']}"
            + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        )
    chosen = [row for row in rows if split_of(row["split"]) == split]
    if not chosen:
        raise ConfigurationError(
            f"Expected lines of the split {split!r} in {path}. Received: none"
        )
    return chosen


def _check_paths(path, root, rows):
    """Returns the rows without repetitions; raises if files are missing."""
    scheme, home = "", os.path.realpath(root or ".")
    if filesystem.is_remote(root):
        scheme, _, home = root.partition("://")
        scheme += "://"
    outside, missing, conflicting = [], [], []
    seen, files = {}, {}
    for row in rows:
        full = os.path.normpath(os.path.join(home, row["path"]))
        folder, name = os.path.split(full)
        if not full.startswith(os.path.join(home, "")):
            outside.append(row)
        else:
            # Each folder is listed once, instead of a request per file.
            if folder not in files:
                files[folder] = set(filesystem.entries(scheme + folder)[1])
            if name not in files[folder]:
                missing.append(row)
        before = seen.setdefault(full, row)
        if before["label"] != row["label"]:
            conflicting.append(row)
    for problem, wanted in (
        (outside, f"paths below {root or '.'}"),
        (missing, f"files that exist below {root or '.'}"),
        (conflicting, "one label per path"),
    ):
        if problem:
            listing = abbreviated(
                [f"{r['path']} (line {r['line']})" for r in problem]
            )
            raise ConfigurationError(
                f"Expected {wanted} in {path}. "
                f"Received: {len(problem)} others: {listing}"
            )
    return list(seen.values())
