"""Sets of TFRecord shards without an index: every record is read once."""

import concurrent.futures
import dataclasses
import os

import numpy as np

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files
from noisy_keras.utils import checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class Scanned:
    """What records say, in order of their index.

    Attributes:
        records: `files.RecordFiles`.
        labels: int `[N]`.
        true_labels: int `[N]`, -1 where unknown, or None.
        ids: `[N]` strings, or None.
    """

    records: files.RecordFiles
    labels: np.ndarray
    true_labels: np.ndarray | None
    ids: np.ndarray | None


def scan(paths, features):
    """Reads all records of some files, and all but their pictures is kept.

    Args:
        paths: of the files.
        features: dict as of `examples.names`.

    Returns:
        `Scanned`.

    Raises:
        ValueError: damaged or compressed files, features that are missing or
            of another kind, no records at all, or indices that do not count
            from 0 to N - 1.
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
    lacking = np.equal(ids, None)
    if lacking.any() and not lacking.all():
        row = int(np.flatnonzero(lacking)[0])
        raise ConfigurationError(
            f"Expected the feature {features['id']!r} in every record or in "
            f"none. Received: {int(lacking.sum())} without, the first in "
            f"{records.told(row)}"
        )
    return Scanned(
        records,
        fields["label"][order],
        true_labels if (true_labels >= 0).any() else None,
        None if lacking.any() else ids,
    )


def check_labels(scanned, num_classes):
    """Raises unless labels are those of classes, and tells where they are not.

    Args:
        scanned: `Scanned`.
        num_classes: K, or None for any.

    Raises:
        ValueError: labels outside `[0, K)`.
    """
    most = np.iinfo(np.int32).max if num_classes is None else num_classes
    labels = scanned.labels
    outside = np.flatnonzero((labels < 0) | (labels >= most))
    if len(outside):
        row = int(outside[0])
        raise ConfigurationError(
            f"Expected labels in [0, {most}). Received: {len(outside)} "
            f"outside: {labels[row]} in {scanned.records.told(row)}, index "
            f"{row}. Give all `class_names` in order, or another label feature."
        )
    checks.labels(labels, most)


def _scan_one(path, features):
    """Offsets, lengths and features of one file's records, in its order."""
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
    """Which record has index 0, 1, ..., in the order they were read."""
    order = np.argsort(index, kind="stable")
    if np.array_equal(index[order], np.arange(len(index))):
        return order
    count = len(index)
    problems = []
    values, counts = np.unique(index, return_counts=True)
    doubled = values[counts > 1]
    if len(doubled):
        rows = np.flatnonzero(index == doubled[0])[:2]
        told = " and ".join(records.told(row) for row in rows)
        problems.append(
            f"{len(doubled)} more than once: {_listed(doubled)} ({told})"
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
        'number its records as they come: features={"index": None}.'
    )


def _listed(values):
    return abbreviated([str(value) for value in values])
