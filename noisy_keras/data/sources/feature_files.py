"""Sources of features that are read from files."""

import collections.abc
import dataclasses
import os
from typing import Any

import numpy as np

from noisy_keras.data.io import class_labels
from noisy_keras.data.io import feature_arrays
from noisy_keras.data.io import feature_tables
from noisy_keras.data.io import given_labels
from noisy_keras.data.io import splits as splits_module
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.data.sources.reading import Reading
from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


def from_feature_file(
    path: str | os.PathLike,
    labels: str | os.PathLike | None = None,
    split: str | None = None,
    class_names: collections.abc.Sequence[str] | None = None,
    **options: Any,
) -> FeatureSource:
    """Makes a source from a file of features.

    Files hold arrays by name: `features` `[N, D]`, `labels`, and optionally
    `true_labels`, `ids`, `split`, `class_names`, `texts` and `paths`, see
    `from_features`. A Parquet table has them as columns; without a column
    `features` of lists, all its other columns are the features. An `.npy` file
    is the features alone. Nothing is unpickled, and large files are mapped
    into memory.

    Args:
        path: str or path-like, an `.npz`, `.npy` or `.parquet` file (the last
            needs pyarrow, `pip install 'noisy_keras[parquet]'`).
        labels: str or path-like, an `.npy` or `.npz` file, or a `.csv` file
            with a column `label`, where `path` has no labels; or None.
        split: `"train"`, `"validation"` or `"test"`, for files with an array
            `split`; None reads all samples, or the training split.
        class_names: sequence of K str, see `from_features`; or None for those
            of the file, or the labels that occur.
        **options: further arguments of `from_features`.

    Returns:
        A `Source`.

    Raises:
        OSError: a file does not exist.
        ValueError: a file cannot be read, has no features or labels, or holds
            others than `from_features` takes.

    Example:
        >>> np.savez("f.npz", features=np.eye(4), labels=["a", "b", "a", "b"])
        >>> from_feature_file("f.npz")
        <FeatureSource 'f': 4 vectors (4,), 2 classes>
    """
    return FeatureFile.read(path, labels, class_names).source(split, **options)


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureFile:
    """A file of features that has been read: its splits share the classes.

    Attributes:
        table: `FeatureTable`.
        found: `ClassLabels` of all rows.
        soft: float32 array `[N, K]` of all rows, or None.
        split: object array `[N]`, the split of each row; None without any.
    """

    table: feature_tables.FeatureTable
    found: class_labels.ClassLabels
    soft: np.ndarray | None
    split: np.ndarray | None

    @classmethod
    def read(
        cls,
        path: str | os.PathLike,
        labels: str | os.PathLike | None = None,
        class_names: collections.abc.Sequence[str] | None = None,
    ) -> "FeatureFile":
        """Reads a file: arguments as of `from_feature_file`."""
        table = feature_tables.read(
            os.fspath(path), None if labels is None else os.fspath(labels)
        )
        arrays = table.arrays
        features = feature_arrays.read(
            arrays["features"], f"features of {table.path}"
        )
        names = {k: v for k, v in arrays.items() if k != "class_names"}
        checks.same_length(**names | {"features": features})
        if class_names is None and "class_names" in arrays:
            class_names = [str(name) for name in arrays["class_names"]]
        values = arrays["labels"]
        soft = given_labels.distributions(values, class_names)
        if soft is not None:
            width = soft.shape[1]
            values = np.eye(width, dtype=np.uint8)[soft.argmax(axis=1)]
            class_names = class_names or [str(c) for c in range(width)]
        found = class_labels.encode(
            values, class_names, true_labels=arrays.get("true_labels")
        )
        return cls(table, found, soft, _splits(table))

    @property
    def splits(self) -> frozenset[str]:
        """The splits that samples have; empty if they have none."""
        return frozenset(() if self.split is None else self.split.tolist())

    def source(self, split: str | None = None, **options: Any) -> FeatureSource:
        """Makes the source of a split.

        Args:
            split: str, or None for all samples, or the training split.
            **options: further arguments of `from_features`.

        Returns:
            A `FeatureSource`.

        Raises:
            ConfigurationError: there is no such split.
        """
        arrays, path = self.table.arrays, self.table.path
        count = len(self.found.labels)
        rows = np.arange(count)
        wanted = split or "train"
        if self.split is not None:
            rows = np.flatnonzero(self.split == wanted)
        elif wanted != "train":
            rows = rows[:0]
        if not len(rows):
            raise ConfigurationError(
                f"Expected samples of the split {wanted!r} in {path}. "
                f"Received: splits {sorted(self.splits) or 'of no names'}"
            )
        for name in ("ids", "texts", "paths"):
            if name in arrays:
                options.setdefault(name, arrays[name][rows])
        if "ids" not in options:
            # Those of the whole file, so that splits do not share any.
            options["ids"] = checks.as_ids(None, count)[rows]
        stem = os.path.splitext(os.path.basename(path))[0]
        options.setdefault("name", stem)
        given = self.found.labels if self.soft is None else self.soft
        true = self.found.true_labels
        source = FeatureSource(
            arrays["features"],
            given[rows],
            self.found.class_names,
            rows=rows if len(rows) < count else None,
            true_labels=None if true is None else true[rows],
            **options,
        )
        source.reading = self._reading(source, split)
        return source

    def _reading(self, source, split):
        counts = np.bincount(source.labels, minlength=source.num_classes)
        names = self.splits
        return Reading(
            self.table.path,
            dict(zip(source.class_names, counts.tolist(), strict=True)),
            split=(split or "train") if names else None,
            splits={name: name for name in sorted(names)},
            ignored=dict.fromkeys(self.table.others, "no name of an array"),
            notes=(*self.found.notes, *source.columns.notes()),
            what="vectors",
        )


def _splits(table):
    """The split of each row, or None where there are none."""
    if "split" not in table.arrays:
        return None
    given = table.arrays["split"]
    found = [splits_module.split_of(str(name)) for name in given]
    wrong = [i for i, name in enumerate(found) if name is None]
    if wrong:
        shown = [f"{str(given[i])!r} at row {i}" for i in wrong[:4]]
        raise ConfigurationError(
            f"Expected `split` of {table.path} to be train, validation or "
            f"test. Received: {len(wrong)} others: {abbreviated(shown)}"
        )
    return np.array(found, object)
