"""Files of features: NumPy arrays and archives, and Parquet tables.

Nothing is unpickled. `.npy` files, and large arrays in archives that are not
compressed, are mapped into memory and read as rows are needed.
"""

import dataclasses
import hashlib
import os
import struct
import zipfile
from typing import Any

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.io import filesystem
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

#: The endings of files of features.
SUFFIXES = (".npz", ".npy", ".parquet")
#: The endings of files of labels.
LABEL_SUFFIXES = (".npy", ".npz", ".csv")
#: The arrays of a table, and the names that they may have in files.
NAMES = {
    "features": ("features", "feature", "embeddings", "embedding"),
    "labels": ("labels", "label", "class", "category", "target"),
    "true_labels": ("true_labels", "true_label"),
    "class_names": ("class_names",),
    "ids": ("ids", "id"),
    "split": ("split", "splits"),
    "texts": ("texts", "text"),
    "paths": ("paths", "path", "links", "link", "urls", "url"),
}
#: The array with the SHA-256 of the bytes of the features, row by row.
CHECKSUM = "sha256"
#: The array with a hash of what features were made of.
MADE_OF = "made_of"
# Bytes from which arrays of an archive are mapped.
_MAPPED = 2**26


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """The arrays of a file of features, as they are there.

    Attributes:
        path: str, path of the file.
        arrays: dict from a key of `NAMES` to an array.
        others: tuple of str, names of further arrays, which are not used.
    """

    path: str
    arrays: dict[str, np.ndarray]
    others: tuple[str, ...] = ()


def read(
    path: str, labels: str | None = None, labels_needed: bool = True
) -> FeatureTable:
    """Reads a file of features, and the file of their labels if it is another.

    Args:
        path: str, path of an `.npz`, `.npy` or `.parquet` file.
        labels: str, path of an `.npy`, `.npz` or `.csv` file with a label per
            row; or None. Where both files have `ids`, labels are matched by
            them, else by their order.
        labels_needed: bool, whether there must be labels.

    Returns:
        A `FeatureTable` with at least `features`.

    Raises:
        OSError: a file does not exist.
        ConfigurationError: another kind of file, one that cannot be read, or
            one without features or labels.
    """
    found = _table(filesystem.expanded(path), SUFFIXES)
    if "features" not in found.arrays:
        raise ConfigurationError(
            f"Expected an array `features` in {found.path}. "
            f"Received: {_listed([*found.arrays, *found.others])}"
        )
    if labels is not None:
        given = _table(filesystem.expanded(labels), LABEL_SUFFIXES)
        found = _joined(found, given)
    if labels_needed and "labels" not in found.arrays:
        raise ConfigurationError(
            f"Expected labels beside the features of {found.path}: an array "
            "`labels` in the file, or a file of them, `labels=` (--labels). "
            f"Received: {_listed([*found.arrays, *found.others])}"
        )
    return found


def _table(path, suffixes):
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in suffixes:
        raise ConfigurationError(
            f"Expected a file that ends in {', '.join(suffixes)}. "
            f"Received: {path}"
        )
    if not filesystem.is_file(path):
        raise FileNotFoundError(f"Expected a file. Received: {path}")
    if suffix == ".npy":
        kind = "features" if suffixes is SUFFIXES else "labels"
        return FeatureTable(path, {kind: _array(path)})
    if suffix == ".npz":
        return _named(path, _archive(path))
    if suffix == ".csv":
        return _named(path, _csv(path))
    return _named(path, _parquet(path))


def _named(path, arrays):
    """The arrays by their usual names."""
    found, others = {}, []
    for name, values in arrays.items():
        key = next((k for k, v in NAMES.items() if name.lower() in v), None)
        if key is None:
            others.append(name)
        elif key in found:
            raise ConfigurationError(
                f"Expected one array of {key} in {path}. Received: two, "
                f"named {' and '.join(n for n in arrays if n in NAMES[key])}"
            )
        else:
            found[key] = values
    return FeatureTable(path, found, tuple(others))


def _joined(table, given):
    """A table with the arrays of a second file, in the order of the first."""
    if "labels" not in given.arrays:
        raise ConfigurationError(
            f"Expected labels in {given.path}: a column or an array `label`. "
            f"Received: {_listed([*given.arrays, *given.others])}"
        )
    arrays = {k: v for k, v in given.arrays.items() if k != "features"}
    ids, own = arrays.get("ids"), table.arrays.get("ids")
    if ids is not None and own is not None:
        place = {str(name): row for row, name in enumerate(ids)}
        missing = [str(name) for name in own if str(name) not in place]
        if missing:
            raise ConfigurationError(
                f"Expected a label for each of the {len(own)} ids of "
                f"{table.path} in {given.path}. Received: none for "
                f"{len(missing)}: {abbreviated(missing)}"
            )
        rows = np.array([place[str(name)] for name in own])
        arrays = {
            k: v if k == "class_names" else v[rows] for k, v in arrays.items()
        }
    return FeatureTable(table.path, table.arrays | arrays, table.others)


def _array(path):
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise _unreadable(path, error) from error


def _archive(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {
                name: _mapped(path, name)
                if name in NAMES["features"]
                else archive[name]
                for name in archive.files
            }
        for name, values in found.items():
            if not isinstance(values, np.ndarray):
                raise ValueError(f"{name} is no array")
        _check_sum(path, found)
        return found
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _check_sum(path, arrays):
    """Raises where features are not those of their checksum."""
    expected = arrays.pop(CHECKSUM, None)
    arrays.pop(MADE_OF, None)
    if expected is None or "features" not in arrays:
        return
    digest = hashlib.sha256()
    features = arrays["features"]
    size = max(1, _MAPPED // max(1, features[:1].nbytes))
    for start in range(0, len(features), size):
        digest.update(np.ascontiguousarray(features[start : start + size]))
    if digest.hexdigest() != str(expected):
        raise ValueError("the features are not those of its checksum")


def _mapped(path, name):
    """An array of an archive, mapped if it is large and not compressed."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        stored = member.compress_type == zipfile.ZIP_STORED
        with archive.open(member) as stream:
            if not stored or member.file_size < _MAPPED:
                return np.lib.format.read_array(stream, allow_pickle=False)
            version = np.lib.format.read_magic(stream)
            reader = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = reader(stream)
            inside = stream.tell()
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    # The member's own header precedes it; its lengths are the last two fields.
    with open(path, "rb") as raw:
        raw.seek(member.header_offset + 26)
        lengths = struct.unpack("<HH", raw.read(4))
    offset = member.header_offset + 30 + sum(lengths) + inside
    order: Any = "F" if fortran else "C"
    return np.memmap(path, dtype, "r", offset, shape, order)


def _unreadable(path, error):
    mend = ""
    if "allow_pickle" in str(error) or "object" in str(error).lower():
        mend = (
            "; arrays of Python objects are not read: save text as "
            "`np.array(values, str)`"
        )
    return ConfigurationError(
        f"Expected NumPy arrays in {path}. Received: a file that cannot be "
        f"read ({error}){mend}"
    )


def _csv(path):
    table = csv_rows.read(path)
    table.check_distinct(table.columns)
    if not table.rows:
        raise ConfigurationError(
            f"Expected a header line and lines of labels in {path}. "
            f"Received: {len(table.columns)} columns and no lines"
        )
    return {
        name: np.array(
            [csv_rows.cell(row, name) for _, row in table.rows], object
        )
        for name in table.columns
    }


def _parquet(path):
    try:
        from pyarrow import lib
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError(
            f"Expected pyarrow to be installed, which reads {path}: "
            "pip install 'noisy_keras[parquet]'. Received: no such package"
        ) from error
    try:
        table = parquet.read_table(path)
    except (lib.ArrowException, OSError) as error:
        raise ConfigurationError(
            f"Expected a Parquet table in {path}. Received: a file that "
            f"cannot be read ({str(error).splitlines()[0]})"
        ) from error
    known = {name for names in NAMES.values() for name in names}
    columns, numbers = {}, {}
    for name in table.column_names:
        column = table.column(name)
        if name.lower() not in known:
            numbers[name] = column
        elif name.lower() in NAMES["features"]:
            columns[name] = _rows(path, name, column)
        else:
            columns[name] = np.array(column.to_pylist(), object)
    if not any(n.lower() in NAMES["features"] for n in columns) and numbers:
        # A table whose other columns are the features.
        columns["features"] = _stacked(path, numbers)
        return columns
    return columns | {name: np.zeros(0) for name in numbers}


def _rows(path, name, column):
    """A column of lists of numbers, as an array `[N, D]`."""
    lists = column.combine_chunks()
    lengths = {len(row) if row is not None else -1 for row in lists}
    if len(lengths) != 1 or -1 in lengths:
        raise ConfigurationError(
            f"Expected lists of one length in column {name} of {path}. "
            f"Received: lengths {sorted(lengths)[:4]} (-1: missing)"
        )
    return np.asarray(lists.flatten()).reshape(len(lists), lengths.pop())


def _stacked(path, columns):
    arrays = {k: v.to_numpy() for k, v in columns.items()}
    wrong = [k for k, v in arrays.items() if v.dtype.kind not in "biuf"]
    if wrong:
        raise ConfigurationError(
            f"Expected numbers in the columns of {path} that are features, or "
            "a column `features` of lists. Received: other values in "
            f"{abbreviated(wrong)}"
        )
    return np.column_stack([np.asarray(v, np.float32) for v in arrays.values()])


def _listed(names):
    return abbreviated(sorted(names)) if names else "no arrays"
