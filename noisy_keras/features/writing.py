"""Files of features, made in parts so that a stopped process goes on.

Parts are kept beside the file, in `FILE.parts/`, until it is complete: a
NumPy array for each, and a JSON file with its checksum, which is written last.
A part whose checksum is another is made again.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import zipfile

import numpy as np

from noisy_keras.data.io import feature_tables
from noisy_keras.features.extraction import Extractor
from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError

#: Samples in a part.
PART_SIZE = 4096
_PLAN = "plan.json"


@dataclasses.dataclass(frozen=True)
class WrittenFeatures:
    """What `write` has done.

    Attributes:
        path: str, path of the file.
        samples: int, number of samples N.
        columns: int, number of columns D.
        made: int, number of samples whose features were made now; the others
            were there from a process that had been stopped.
    """

    path: str
    samples: int
    columns: int
    made: int


def write(
    sources,
    encoder,
    path,
    *,
    view="none",
    seed=0,
    preprocessing=None,
    output=None,
    bits=16,
    batch_size=64,
    part_size=PART_SIZE,
    report=None,
):
    """Writes the features of sources into a file, with labels and ids.

    The file is what `nk.data.from_feature_file` reads, and large features are
    mapped into memory there. It appears whole or not at all, with a SHA-256 of
    the features. If the process is stopped, the same call goes on where it was.

    Args:
        sources: a `Source`, or a dict from `"train"`, `"validation"`, `"test"`
            and `"trusted"` to `Source`s of the same classes.
        encoder: as of `nk.features.compute`, except files of features.
        path: str or path-like, an `.npz` file; its folder must exist.
        view: str, view of the images, as of `nk.features.compute`.
        seed: int, seed of a random view.
        preprocessing: as of `nk.features.compute`.
        output: as of `nk.features.compute`.
        bits: int, 16 or 32, of each number.
        batch_size: int, batch size B.
        part_size: int, number of samples in a part; what is done is kept after
            each.
        report: function of the numbers of samples that are done and of all,
            called after each part; or None.

    Returns:
        `WrittenFeatures`.

    Raises:
        OSError: the file cannot be written.
        ValueError: the encoder does not fit the sources; features are not
            finite, or too large for 16 bits; or the path has another ending.

    Example:
        >>> source = nk.data.load("digits", split="test")
        >>> encoder = nk.networks.build("tiny", source)
        >>> found = write({"test": source}, encoder, "digits.npz")
        >>> found.samples, found.columns
        (270, 64)
        >>> nk.data.from_feature_file("digits.npz", split="test")
        <FeatureSource 'digits': 270 vectors (64,), 10 classes>
    """
    path = os.path.abspath(os.fspath(path))
    if not path.endswith(".npz"):
        raise ConfigurationError(
            f"Expected a path that ends in .npz. Received: {path}"
        )
    if bits not in (16, 32):
        raise ConfigurationError(f"Expected 16 or 32 bits. Received: {bits}")
    named = isinstance(sources, dict)
    splits = dict(sources) if named else {"train": sources}
    _check(splits)
    extractor = Extractor(encoder, preprocessing, output)
    folder = f"{path}.parts"
    plan = _plan(extractor, splits, view, seed, bits)
    _begin(folder, plan | {"part_size": part_size})
    total = sum(len(source) for source in splits.values())
    parts, done, made = [], 0, 0
    for split, source in splits.items():
        for first in range(0, len(source), part_size):
            index = np.arange(first, min(first + part_size, len(source)))
            part = os.path.join(folder, f"{split}-{first:09d}")
            if not _is_whole(part):
                # Each part has its own draws of a random view.
                values = extractor(
                    source.subset(index), view, seed + first, batch_size
                )
                _write_part(part, _narrowed(values, bits))
                made += len(index)
            parts.append(part)
            done += len(index)
            if report is not None:
                report(done, total)
    described = _described(splits, named)
    described[feature_tables.MADE_OF] = np.array(_fingerprint(plan))
    columns = _join(path, parts, total, described)
    shutil.rmtree(folder)
    return WrittenFeatures(path, total, columns, made)


def _check(splits):
    unknown = set(splits) - {"train", "validation", "test", "trusted"}
    if unknown or not splits:
        raise ConfigurationError(
            "Expected sources of train, validation, test or trusted samples. "
            f"Received: {sorted(splits)}"
        )
    names = {source.class_names for source in splits.values()}
    if len(names) > 1:
        raise ConfigurationError(
            "Expected sources of the same classes. Received: "
            f"{[source.num_classes for source in splits.values()]} classes"
        )


def is_made_of(path, sources, encoder, bits=16):
    """Whether a file that `write` has written has some features.

    Args:
        path: str or path-like, an `.npz` file.
        sources: as of `write`.
        encoder: as of `write`.
        bits: as of `write`.

    Returns:
        bool; False also where it cannot be known.
    """
    splits = dict(sources) if isinstance(sources, dict) else {"train": sources}
    plan = _plan(Extractor(encoder), splits, "none", 0, bits)
    with np.load(path, allow_pickle=False) as arrays:
        if (
            feature_tables.MADE_OF not in arrays.files
            or None in plan["keys"].values()
        ):
            return False
        return str(arrays[feature_tables.MADE_OF]) == _fingerprint(plan)


def _fingerprint(plan):
    text = json.dumps(plan, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _plan(extractor, splits, view, seed, bits):
    """What a file is made of, to know whether parts belong to it."""
    keys = {}
    for split, source in splits.items():
        # Of an encoder that cannot be hashed, nothing is kept.
        keys[split] = extractor.key(source, view, seed)
    return {"keys": keys, "bits": bits, "version": 1}


def _begin(folder, plan):
    """Makes the folder of parts; empties it if they are of another file."""
    path = os.path.join(folder, _PLAN)
    known = None
    try:
        with open(path, encoding="utf-8") as stream:
            known = json.load(stream)
    except (OSError, ValueError):
        pass
    if known == plan and None not in plan["keys"].values():
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with files.replacing(path) as stream:
        json.dump(plan, stream)


def _is_whole(part):
    try:
        with open(f"{part}.json", encoding="utf-8") as stream:
            expected = json.load(stream)["sha256"]
        with open(f"{part}.npy", "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except (KeyError, OSError, ValueError):
        return False
    return found == expected


def _write_part(part, values):
    with files.replacing(f"{part}.npy", "wb") as stream:
        np.save(stream, values)
    with open(f"{part}.npy", "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    with files.replacing(f"{part}.json") as stream:
        json.dump({"sha256": found}, stream)


def _narrowed(values, bits):
    if bits == 32:
        return values
    largest = np.finfo(np.float16).max
    beyond = np.flatnonzero((np.abs(values) > largest).any(axis=1))
    if len(beyond):
        raise ConfigurationError(
            f"Expected features of at most {largest:g}, which 16 bits hold. "
            f"Received: larger ones in {len(beyond)} rows of a part; write "
            "them with bits=32 (--bits=32)"
        )
    return values.astype(np.float16)


def ids_of(splits):
    """The ids of all samples of a file.

    Args:
        splits: dict from a name to a `Source`.

    Returns:
        A list of str, with the name of the split before each where two of them
        have an id in common.
    """
    ids = [str(name) for source in splits.values() for name in source.ids]
    if len(set(ids)) == len(ids):
        return ids
    # Two folders may have files of the same name.
    return [
        f"{split}/{name}"
        for split, source in splits.items()
        for name in source.ids
    ]


def _described(splits, named):
    """The arrays beside the features."""
    sources = list(splits.values())
    found = {
        "class_names": np.array(sources[0].class_names, str),
        "labels": _joined(sources, "labels"),
        "ids": np.array(ids_of(splits), str),
    }
    if all(source.soft_labels is not None for source in sources):
        found["labels"] = _joined(sources, "soft_labels")
    if any(source.true_labels is not None for source in sources):
        found["true_labels"] = np.concatenate(
            [
                np.full(len(s), -1, np.int32)
                if s.true_labels is None
                else s.true_labels
                for s in sources
            ]
        )
    if all(source.paths is not None for source in sources):
        found["paths"] = np.concatenate(
            [[_address(s, p) for p in s.paths] for s in sources]
        ).astype(str)
    if named:
        counts = [len(source) for source in sources]
        found["split"] = np.repeat(list(splits), counts)
    return found


def _address(source, path):
    root = getattr(source, "root", None)
    return str(path) if root is None else os.path.join(root, str(path))


def _joined(sources, name):
    return np.concatenate([getattr(source, name) for source in sources])


def _join(path, parts, total, arrays):
    """Writes all parts as one array of an archive; its number of columns."""
    first = np.load(f"{parts[0]}.npy", mmap_mode="r", allow_pickle=False)
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (total, first.shape[1]),
    }
    digest = hashlib.sha256()
    with files.replacing(path, "wb") as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            with archive.open("features.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                for part in parts:
                    values = np.load(f"{part}.npy", allow_pickle=False)
                    digest.update(values.tobytes())
                    member.write(values.tobytes())
            arrays = arrays | {
                feature_tables.CHECKSUM: np.array(digest.hexdigest())
            }
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(
                        member, values, allow_pickle=False
                    )
    return first.shape[1]
