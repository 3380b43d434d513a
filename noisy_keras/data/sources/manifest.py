"""The labels of a run in a file: given, true, and how they came about.

A file of NumPy arrays (`.npz`, read without pickle): `ids`, `given_label` and
`true_label` (-1 where unknown) `[N]`, `transition` `[K, K]`, `class_names`
`[K]`, and `description`, JSON with the generator and the realised rate. Where
samples show foreign images, `foreign_id` `[N]` has the ids of those, "" else.
"""

import hashlib
import json

import numpy as np

from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


def fingerprint(source):
    """What tells one noise map from another.

    Args:
        source: a `Source`.

    Returns:
        SHA-256 of ids and given labels, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for text in source.ids:
        digest.update(str(text).encode("utf-8") + b"\0")
    digest.update(np.asarray(source.labels, "<i4").tobytes())
    return digest.hexdigest()


def save(stream, source):
    """Writes the manifest of a source's labels.

    Args:
        stream: writable in binary, or a path.
        source: a `Source`.
    """
    count = source.num_classes
    true = np.full(source.num_samples, -1, np.int32)
    if source.true_labels is not None:
        true = source.true_labels
    known = true >= 0
    transition = np.zeros((count, count))
    np.add.at(transition, (true[known], source.labels[known]), 1.0)
    transition /= np.maximum(transition.sum(axis=1, keepdims=True), 1.0)
    wrong = source.labels[known] != true[known]
    description = {
        "noise": source.noise,
        "realized_rate": float(wrong.mean()) if known.any() else None,
        "sha256": fingerprint(source),
    }
    shown = {}
    if isinstance(source, MixedSource):
        shown["foreign_id"] = np.asarray([str(i) for i in source.foreign_ids])
    np.savez_compressed(
        stream,
        ids=np.asarray([str(i) for i in source.ids]),
        given_label=np.asarray(source.labels, np.int32),
        true_label=np.asarray(true, np.int32),
        transition=transition,
        class_names=np.asarray(source.class_names),
        description=np.asarray(json.dumps(description)),
        **shown,
    )


def matches(path, source):
    """Whether a source has the labels of a manifest, and its foreign images.

    Args:
        path: of a file that `save` wrote.
        source: a `Source`.

    Returns:
        bool.
    """
    with np.load(path, allow_pickle=False) as arrays:
        description = json.loads(str(arrays["description"]))
        shown = arrays["foreign_id"] if "foreign_id" in arrays.files else None
    if description["sha256"] != fingerprint(source):
        return False
    if shown is None or not isinstance(source, MixedSource):
        return shown is None
    return np.array_equal(shown, source.foreign_ids)


def restrict(path, source):
    """The samples of a source that are in a manifest.

    Args:
        path: of a file that `save` wrote.
        source: a `Source`.

    Returns:
        A `Source`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no manifest, or of none of these samples.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            ids = set(arrays["ids"])
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            f"Expected a noise manifest. Received: {path} ({error})"
        ) from error
    index = [row for row, text in enumerate(source.ids) if text in ids]
    if not index:
        raise ConfigurationError(
            f"Expected samples of the manifest {path}. Received: {source}, "
            "none of whose samples is in it"
        )
    return source.subset(index)


def apply(path, source, foreign=None):
    """Gives a source the labels of a manifest.

    Args:
        path: of a file that `save` wrote.
        source: a `Source` whose ids are all in the manifest.
        foreign: a `Source` that holds the foreign images of the manifest, or
            None where it has none.

    Returns:
        A `Source` with the manifest's given and true labels, and its foreign
        images.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no manifest, has been changed, is of other classes,
            or lacks samples; or `foreign` lacks images of it.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
        description = json.loads(str(held["description"]))
        ids, given, true = (
            held[name] for name in ("ids", "given_label", "true_label")
        )
        names = tuple(str(name) for name in held["class_names"])
    except (KeyError, ValueError) as error:
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
            f"{len(missing)} of {source.num_samples} are not there, such as "
            f"{missing[0]!r}"
        )
    rows = np.asarray([place[text] for text in source.ids])
    relabelled = source.relabel(given[rows], noise=description["noise"])
    relabelled.true_labels = None
    if (true >= 0).any():
        relabelled.true_labels = checks.labels(
            true[rows], source.num_classes, "true_label", unknown_allowed=True
        )
    whole = len(ids) == source.num_samples
    if whole and fingerprint(relabelled) != description["sha256"]:
        raise ConfigurationError(
            f"Expected the labels that {path} was written with. Received: "
            "others; the file or the order of the samples has changed"
        )
    if "foreign_id" not in held:
        return relabelled
    return _showing(relabelled, foreign, held["foreign_id"][rows], path)


def _showing(source, foreign, ids, path):
    """A source that shows foreign images by id, `[N]`, "" for its own."""
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
            f"Expected the foreign images that {path} names, such as "
            f"{ids[rows[index.index(-1)]]!r}. Received: "
            + (
                "no foreign images"
                if foreign is None
                else f"others, which lack {missing} of {len(rows)}"
            )
        )
    return MixedSource(source, foreign, rows, np.asarray(index, np.int64))
