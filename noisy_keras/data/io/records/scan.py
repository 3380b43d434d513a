"""Sets of TFRecord shards without an index file: each record is read once."""

import collections.abc
import concurrent.futures
import dataclasses
import os
from typing import Any

import numpy as np

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files
from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class Scanned:
    """The content of a set except the images, in the order of the index.

    Attributes:
        records: `files.RecordFiles`.
        labels: int array `[N]`, the given labels.
        true_labels: int array `[N]`, the true labels, -1 where unknown; or
            None.
        ids: object array `[N]` of str, or None.
    """

    records: files.RecordFiles
    labels: np.ndarray
    true_labels: np.ndarray | None
    ids: np.ndarray | None


def scan(
    paths: collections.abc.Sequence[str],
    features: collections.abc.Mapping[str, Any],
) -> Scanned:
    """Reads all records of some files and keeps everything except the images.

    Args:
        paths: sequence of str, paths of the files.
        features: mapping from key to name, as `examples.names` returns.

    Returns:
        `Scanned`.

    Raises:
        ValueError: files are damaged or compressed, features are missing or of
            another type, there are no records, or the indices are not 0 to
            N - 1.
    """
    workers = max(2, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as threads:
        parts = list(threads.map(lambda path: _scan_one(path, features), paths))
    places = np.repeat(np.arange(len(paths)), [len(p["label"]) for p in parts])
    fields = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }
    if not len(places):
        raise ConfigurationError(
            f"Expected records in {abbreviated([str(p) for p in paths])}. "
            "Received: none"
        )
    records = files.RecordFiles(
        paths, places, fields["offset"], fields["length"]
    )
    order = np.arange(len(places))
    if features["index"] is not None:
        order = _order(fields["index"], records)
    records = files.RecordFiles(
        paths,
        places[order],
        fields["offset"][order],
        fields["length"][order],
    )
    ids, true_labels = fields["id"][order], fields["true_label"][order]
    lacking = np.equal(ids, None)  # type: ignore[call-overload]
    if lacking.any() and not lacking.all():
        row = int(np.flatnonzero(lacking)[0])
        raise ConfigurationError(
            f"Expected the feature {features['id']!r} in every record or in "
            f"none. Received: {int(lacking.sum())} without, the first in "
            f"{records.location(row)}"
        )
    return Scanned(
        records,
        fields["label"][order],
        true_labels if (true_labels >= 0).any() else None,
        None if lacking.any() else ids,
    )


def check_labels(scanned: Scanned, num_classes: int | None) -> None:
    """Checks that labels are class numbers, and reports where they are not.

    Args:
        scanned: `Scanned`.
        num_classes: int, number of classes K, or None if any number is valid.

    Raises:
        ValueError: labels are outside `[0, K)`.
    """
    most = np.iinfo(np.int32).max if num_classes is None else num_classes
    labels = scanned.labels
    outside = np.flatnonzero((labels < 0) | (labels >= most))
    if len(outside):
        row = int(outside[0])
        raise ConfigurationError(
            f"Expected labels in [0, {most}). Received: {len(outside)} "
            f"outside: {labels[row]} in {scanned.records.location(row)}, index "
            f"{row}. Pass all `class_names` in order, or another label feature."
        )
    checks.labels(labels, most)


def _scan_one(path, features):
    """Reads offsets, lengths and features of the records of one file."""
    found = {
        name: []
        for name in ("offset", "length", "index", "label", "true_label", "id")
    }
    for offset, length, data in files.walk(path):
        where = f"{path} at byte {offset}"
        feature = examples.parse(data, where)

        def read(what, optional=False, feature=feature, where=where):
            name = features[what]
            if name is None:
                return None
            return examples.value(feature, what, name, where, optional)

        read("image")
        found["offset"].append(offset)
        found["length"].append(length)
        found["label"].append(read("label"))
        index = read("index")
        found["index"].append(-1 if index is None else index)
        true_label = read("true_label", optional=True)
        found["true_label"].append(-1 if true_label is None else true_label)
        id = read("id", optional=True)
        found["id"].append(None if id is None else id.decode("utf-8"))
    kinds = {"id": object}
    return {
        name: np.asarray(values, kinds.get(name, np.int64))
        for name, values in found.items()
    }


def _order(index, records):
    """Sorts records by index; raises unless the indices are 0 to N - 1."""
    order = np.argsort(index, kind="stable")
    if np.array_equal(index[order], np.arange(len(index))):
        return order
    count = len(index)
    problems = []
    values, counts = np.unique(index, return_counts=True)
    duplicated = values[counts > 1]
    if len(duplicated):
        rows = np.flatnonzero(index == duplicated[0])[:2]
        places = " and ".join(records.location(row) for row in rows)
        problems.append(
            f"{len(duplicated)} more than once: {_listed(duplicated)} "
            f"({places})"
        )
    outside = values[(values < 0) | (values >= count)]
    if len(outside):
        problems.append(f"{len(outside)} outside: {_listed(outside)}")
    missing = np.setdiff1d(np.arange(count), values)
    if len(missing):
        problems.append(f"{len(missing)} missing: {_listed(missing)}")
    raise ConfigurationError(
        f"Expected each index from 0 to {count - 1} once, as there are {count} "
        f"records. Received: {'; '.join(problems)}. Write the set again, or "
        'number its records in their order: features={"index": None}.'
    )


def _listed(values):
    return abbreviated([str(value) for value in values])
