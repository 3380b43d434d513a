"""Choosing samples: in proportion to classes, or as many of each."""

import csv
import os

import numpy as np

from noisy_keras.data.splits import first


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
        raise ValueError(
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
        rows, labels = _of_each_class(source, which, seed), None
    else:
        rows, labels = _named(source, which)
    if len(rows) >= source.num_samples:
        raise ValueError(
            "Expected samples to train on beside the trusted ones. Received: "
            f"all {source.num_samples} trusted"
        )
    if source.true_labels is not None and labels is None:
        labels = source.true_labels[rows]
        labels = np.where(labels >= 0, labels, source.labels[rows])
    return rows, labels


def _of_each_class(source, count, seed):
    labels = source.labels
    if source.true_labels is not None:
        labels = source.true_labels
    random = np.random.RandomState(seed)
    chosen = []
    for c, name in enumerate(source.class_names):
        members = np.flatnonzero(labels == c)
        if not 1 <= count < len(members):
            raise ValueError(
                "Expected at least 1 trusted sample per class and more "
                f"samples than that. Received: trusted={count}, class "
                f"{name!r} has {len(members)} samples"
            )
        chosen.append(random.permutation(members)[:count])
    return np.sort(np.concatenate(chosen))


def _named(source, which):
    """Samples by id, of a list or a CSV file that may tell their labels."""
    if isinstance(which, str | os.PathLike):
        ids, labels, where = _read(os.fspath(which), source)
    else:
        ids, labels, where = [str(i) for i in which], None, "`trusted`"
    place = {text: row for row, text in enumerate(source.ids)}
    missing = [text for text in ids if text not in place]
    if missing or not ids:
        raise ValueError(
            f"Expected ids of samples in {where}. Received: "
            + (
                f"{len(missing)} of {len(ids)} that are not there: "
                f"{first(missing)}. Ids look like {source.ids[0]!r}"
                if ids
                else "none"
            )
        )
    rows = np.asarray([place[text] for text in ids])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    doubled = rows[1:][np.diff(rows) == 0]
    if len(doubled):
        raise ValueError(
            f"Expected each id once in {where}. Received: {len(doubled)} "
            f"doubled: {first([str(i) for i in source.ids[doubled]])}"
        )
    return rows, None if labels is None else np.asarray(labels)[order]


def _read(path, source):
    with open(path, encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
        columns = set(rows[0]) if rows else set()
    key = next((name for name in ("id", "path") if name in columns), None)
    if key is None:
        raise ValueError(
            f"Expected the column id or path, and maybe label, in {path}. "
            f"Received: {', '.join(sorted(map(str, columns))) or 'no rows'}"
        )
    ids = [(row[key] or "").strip() for row in rows]
    if "label" not in columns:
        return ids, None, path
    number = {name: c for c, name in enumerate(source.class_names)}
    labels, wrong = [], []
    for line, row in enumerate(rows, start=2):
        label = (row["label"] or "").strip()
        labels.append(number.get(label, -1))
        if labels[-1] < 0 and label.isdigit():
            labels[-1] = int(label) if int(label) < len(number) else -1
        if labels[-1] < 0:
            wrong.append(f"{label!r} at line {line}")
    if wrong:
        raise ValueError(
            f"Expected labels of the {len(number)} classes in {path}. "
            f"Received: {len(wrong)} others: {first(wrong)}"
        )
    return ids, labels, path
