"""Files with the labels of a run: given labels, true labels and their noise.

A manifest is a file of NumPy arrays (`.npz`, read without pickle): `ids`,
`given_label` and `true_label` (-1 where unknown) `[N]`, `transition` `[K, K]`
(`[0, 0]` for more than 4096 classes), `class_names` `[K]`, and `description`,
JSON with the noise generator and the actual noise rate. If samples have
foreign images, `foreign_id` `[N]` contains the ids of these images, and "" for
all other samples.
"""

import hashlib
import json
import os
import zipfile
from typing import IO

import numpy as np

from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

# With more classes the matrix would take more than all else together.
_MOST_CLASSES = 4096


def fingerprint(source: Source) -> str:
    """Computes a checksum of a source's ids and given labels.

    Args:
        source: `Source`.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for text in source.ids:
        digest.update(str(text).encode("utf-8") + b"\0")
    digest.update(np.asarray(source.labels, "<i4").tobytes())
    return digest.hexdigest()


def save(stream: IO[bytes] | str | os.PathLike, source: Source) -> None:
    """Writes the manifest of a source's labels.

    Args:
        stream: writable binary file, or its path.
        source: `Source`.
    """
    count = source.num_classes
    true = np.full(source.num_samples, -1, np.int32)
    if source.true_labels is not None:
        true = source.true_labels
    known = true >= 0
    transition = np.zeros((0, 0))
    if count <= _MOST_CLASSES:
        transition = np.zeros((count, count))
        np.add.at(transition, (true[known], source.labels[known]), 1.0)
    transition /= np.maximum(transition.sum(axis=1, keepdims=True), 1.0)
    wrong = source.labels[known] != true[known]
    description = {
        "noise": source.noise,
        "realized_rate": float(wrong.mean()) if known.any() else None,
        "sha256": fingerprint(source),
    }
    foreign = {}
    if isinstance(source, MixedSource):
        foreign["foreign_id"] = np.asarray([str(i) for i in source.foreign_ids])
    np.savez_compressed(
        stream,
        ids=np.asarray([str(i) for i in source.ids]),
        given_label=np.asarray(source.labels, np.int32),
        true_label=np.asarray(true, np.int32),
        transition=transition,
        class_names=np.asarray(source.class_names),
        description=np.asarray(json.dumps(description)),
        **foreign,  # type: ignore[arg-type]
    )


def class_names(path: str | os.PathLike) -> tuple[str, ...] | None:
    """Reads the classes of a manifest.

    Args:
        path: str, path of a file that `save` wrote.

    Returns:
        tuple of K str; None if the file cannot be read or is no manifest.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return tuple(str(name) for name in arrays["class_names"])
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile):
        return None


def matches(path: str | os.PathLike, source: Source) -> bool:
    """Returns whether a source has a manifest's labels and foreign images.

    Args:
        path: str, path of a file that `save` wrote.
        source: `Source`.

    Returns:
        bool.
    """
    with np.load(path, allow_pickle=False) as arrays:
        description = json.loads(str(arrays["description"]))
        ids = arrays["foreign_id"] if "foreign_id" in arrays.files else None
    if description["sha256"] != fingerprint(source):
        return False
    if ids is None or not isinstance(source, MixedSource):
        return ids is None
    return np.array_equal(ids, source.foreign_ids)


def restrict(path: str | os.PathLike, source: Source) -> Source:
    """Selects the samples of a source that are in a manifest.

    Args:
        path: str, path of a file that `save` wrote.
        source: `Source`.

    Returns:
        A `Source`.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not a manifest, or contains none of the
            samples.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            ids = set(arrays["ids"])
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"Expected a noise manifest. Received: {path} ({error})"
        ) from error
    index = [row for row, text in enumerate(source.ids) if text in ids]
    if not index:
        raise ConfigurationError(
            f"Expected samples of the manifest {path}. Received: {source}, "
            "of which no sample is in it"
        )
    return source.subset(index)


def apply(
    path: str | os.PathLike, source: Source, foreign: Source | None = None
) -> Source:
    """Makes a source with the labels of a manifest.

    Args:
        path: str, path of a file that `save` wrote.
        source: `Source`, all of whose ids are in the manifest.
        foreign: `Source` that contains the foreign images of the manifest, or
            None if it has none.

    Returns:
        A `Source` with the given labels, true labels and foreign images of the
        manifest.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not a manifest, has been changed, is for other
            classes or lacks samples; or `foreign` lacks images.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
        description = json.loads(str(held["description"]))
        ids, given, true = (
            held[name] for name in ("ids", "given_label", "true_label")
        )
        names = tuple(str(name) for name in held["class_names"])
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"Expected a noise manifest. Received: {path} ({error})"
        ) from error
    if names != source.class_names:
        raise ConfigurationError(
            f"Expected a manifest of the classes {source.class_names}. "
            f"Received: {names} in {path}"
        )
    checks.same_length(ids=ids, given_label=given, true_label=true)
    place = {text: row for row, text in enumerate(ids)}
    missing = [text for text in source.ids if text not in place]
    if missing:
        raise ConfigurationError(
            f"Expected every sample in the manifest {path}. Received: "
            f"{len(missing)} of {source.num_samples} samples are missing, such "
            f"as {missing[0]!r}"
        )
    rows = np.asarray([place[text] for text in source.ids])
    relabelled = source.relabel(given[rows], noise=description["noise"])
    relabelled.true_labels = None
    if (true >= 0).any():
        relabelled.true_labels = checks.labels(
            true[rows], source.num_classes, "true_label", unknown_allowed=True
        )
    complete = len(ids) == source.num_samples
    if complete and fingerprint(relabelled) != description["sha256"]:
        raise ConfigurationError(
            f"Expected the labels that {path} was written with. Received: "
            "others; the file or the order of the samples has changed"
        )
    if "foreign_id" not in held:
        return relabelled
    return _with_foreign(relabelled, foreign, held["foreign_id"][rows], path)


def _with_foreign(source, foreign, ids, path):
    """Makes a source with foreign images by id, `[N]`, "" for its own."""
    rows = np.flatnonzero(ids != "")
    if not len(rows):
        return source
    place = {}
    if foreign is not None:
        place = {text: row for row, text in enumerate(foreign.ids)}
    index = [place.get(text, -1) for text in ids[rows]]
    missing = index.count(-1)
    if missing:
        raise ConfigurationError(
            f"Expected the foreign images of {path}, such as "
            f"{ids[rows[index.index(-1)]]!r}. Received: "
            + (
                "no foreign images"
                if foreign is None
                else f"a source that lacks {missing} of {len(rows)}"
            )
        )
    return MixedSource(source, foreign, rows, np.asarray(index, np.int64))
