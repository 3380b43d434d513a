"""The index file of a set, which holds everything except the images.

It is a file of NumPy arrays (`.npz`, read without pickle): `lengths` int64
`[N]`, the bytes of each record in the order of the samples; `labels` int32
`[N]`; if the source has them, `true_labels`, `foreign` and `soft_labels`;
`ids` and `paths` as UTF-8, with the ends of each string; and `description`,
JSON.
"""

import dataclasses
import hashlib
import io
import json
import zipfile
import zlib
from typing import Any

import numpy as np

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io.records import files
from noisy_keras.data.io.records import naming
from noisy_keras.data.io.records import storage
from noisy_keras.data.sources import manifest
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

#: Version of the format of the index file.
FORMAT = 1
_BROKEN = (zipfile.BadZipFile, zlib.error)
_PER_SAMPLE = ("true_labels", "foreign", "soft_labels")


@dataclasses.dataclass(frozen=True)
class Contents:
    """The content of a set except the images.

    Attributes:
        description: dict that can be written as JSON. Its `encoding` specifies
            the `image` of the records: `"file"`, the bytes of an image file;
            `"png"`, an array encoded as PNG; or `"float32"`, the numbers of an
            array.
        arrays: dict from name to array `[N, ...]`: `labels`, `ids`, and others
            if the source has them.
        shards: list of dicts with `records`, `bytes` and `unreadable`, one per
            shard.
        lengths: int64 array `[N]`, bytes of each record; None before writing.
    """

    description: dict[str, Any]
    arrays: dict[str, np.ndarray]
    shards: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    lengths: np.ndarray | None = None

    @property
    def sha256(self) -> str:
        """Checksum of description and arrays, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        text = json.dumps(self.description, sort_keys=True)
        digest.update(text.encode("utf-8"))
        for name in sorted(self.arrays):
            digest.update(b"\0" + name.encode("utf-8") + b"\0")
            array = self.arrays[name]
            if array.dtype == object:
                for item in array:
                    digest.update(str(item).encode("utf-8") + b"\0")
            else:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def set_id(self) -> bytes:
        """Identifier of the set that its records contain."""
        return self.sha256[:16].encode("ascii")

    @property
    def unreadable(self) -> dict[str, str]:
        """Images that could not be written: dict from id to the reason."""
        problems = dict(self.description["left_out"])
        for shard in self.shards:
            problems |= shard["unreadable"]
        return problems


def describe(source: Source, encoding: str, root: str, count: int) -> Contents:
    """Describes the set that a source is to be written to.

    Args:
        source: `Source`.
        encoding: str, encoding of the images, as in `Contents`.
        root: str, folder of the source's files, or "".
        count: int, number of shards.

    Returns:
        `Contents` without shards and lengths.
    """
    arrays = {"labels": source.labels, "ids": source.ids}
    for name in _PER_SAMPLE:
        if getattr(source, name) is not None:
            arrays[name] = getattr(source, name)
    paths = source.paths
    if paths is not None and not np.array_equal(paths, source.ids):
        arrays["paths"] = paths
    look_alikes = source.look_alikes
    if isinstance(look_alikes, dict):
        look_alikes = {str(k): int(v) for k, v in look_alikes.items()}
    description = {
        "format": FORMAT,
        "name": source.name,
        "root": root,
        "samples": source.num_samples,
        "shards": count,
        "encoding": encoding,
        "class_names": list(source.class_names),
        "image_shape": list(source.image_shape),
        "pixel_scale": source.pixel_scale,
        "pixel_mean": [float(v) for v in source.pixel_mean],
        "pixel_std": [float(v) for v in source.pixel_std],
        "augmentation": dataclasses.asdict(source.augmentation),
        "look_alikes": look_alikes,
        "noise": source.noise,
        "paths_are_ids": paths is not None and "paths" not in arrays,
        "left_out": _left_out(source),
        "labels": manifest.fingerprint(source),
    }
    # Convert to the types that reading gives: no tuples or NumPy numbers.
    description = json.loads(json.dumps(description, default=_plain))
    return Contents(description, arrays)


def save(path: str, contents: Contents) -> None:
    """Writes the index file of a set, completely or not at all.

    Args:
        path: str, path of the file.
        contents: `Contents` with shards and lengths.

    Raises:
        OSError: the file cannot be written.
    """
    description = {
        **contents.description,
        "sha256": contents.sha256,
        "files": contents.shards,
    }
    arrays = {"description": np.asarray(json.dumps(description))}
    arrays["lengths"] = np.asarray(contents.lengths)
    for name, array in contents.arrays.items():
        if array.dtype == object:
            arrays[name], arrays[f"{name}_ends"] = _packed(array)
        else:
            arrays[name] = array
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    storage.replace(path, stream.getvalue())


def load(path: str) -> Contents:
    """Reads the index file of a set.

    Args:
        path: str, path of the file.

    Returns:
        `Contents`.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not an index file, or has been changed.
    """
    data = files.open_file(path).read(0, files.size_of(path) or 0)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        description = json.loads(str(arrays.pop("description")))
        if description["format"] != FORMAT:
            raise ConfigurationError(
                f"format {description['format']}, not {FORMAT}"
            )
        shards, sha256 = description.pop("files"), description.pop("sha256")
        lengths = arrays.pop("lengths")
        for name in ("ids", "paths"):
            if name in arrays:
                ends = arrays.pop(f"{name}_ends")
                arrays[name] = _unpacked(arrays[name], ends)
        contents = Contents(description, arrays, shards, lengths)
        checks.same_length(lengths=lengths, **arrays)
        if contents.sha256 != sha256:
            raise ConfigurationError("contents that differ from their checksum")
    except (*_BROKEN, KeyError, ValueError, EOFError) as error:
        raise ConfigurationError(
            f"Expected the index of a set of TFRecord shards. Received: {path} "
            f"({error}). Remove it and write the set again with the same "
            "command, or read the shards without it."
        ) from error
    return contents


def options(contents: Contents) -> dict[str, Any]:
    """Returns the arguments of a set's source except images and labels.

    Args:
        contents: `Contents`.

    Returns:
        dict of arguments of `Source`.
    """
    description, arrays = contents.description, contents.arrays
    return {
        "true_labels": arrays.get("true_labels"),
        "ids": arrays["ids"],
        "pixel_mean": tuple(description["pixel_mean"]),
        "pixel_std": tuple(description["pixel_std"]),
        "augmentation": Augmentation(**description["augmentation"]),
        "noise": description["noise"],
        "name": description["name"],
    }


def complete(source: Source, contents: Contents) -> None:
    """Sets the attributes of a source that are not arguments of `Source`.

    Args:
        source: `Source` of all samples of the set.
        contents: `Contents`.
    """
    for name in ("foreign", "soft_labels"):
        if name in contents.arrays:
            setattr(source, name, checks.read_only(contents.arrays[name]))
    look_alikes = contents.description["look_alikes"]
    if isinstance(look_alikes, dict):
        look_alikes = {int(k): v for k, v in look_alikes.items()}
    source.look_alikes = look_alikes


def check_shards(shards: naming.Shards, contents: Contents) -> None:
    """Compares the shards of a set with its index file.

    Args:
        shards: `naming.Shards`.
        contents: `Contents`.

    Raises:
        ValueError: the number of shards differs.
        DamagedError: the size of a file differs.
    """
    wanted, all_lengths = contents.shards, np.asarray(contents.lengths)
    if len(wanted) != len(shards.paths):
        index = naming.index_path(shards.folder, shards.name or "")
        raise ConfigurationError(
            f"Expected {len(wanted)} shards, as listed in {index}. Received: "
            f"{len(shards.paths)}; the index belongs to another set."
        )
    ends = np.cumsum([shard["records"] for shard in wanted])
    for path, shard, end in zip(shards.paths, wanted, ends, strict=True):
        size = files.size_of(path) or 0
        if size == shard["bytes"]:
            continue
        lengths = all_lengths[end - shard["records"] : end]
        after = np.cumsum(lengths + files.FRAME)
        complete = int(np.searchsorted(after, size, side="right"))
        cut = ""
        if size < shard["bytes"]:
            offset = int(after[complete - 1]) if complete else 0
            cut = f", cut off within the record at byte {offset}"
        raise files.DamagedError(
            f"Expected {path} to have {shard['bytes']} bytes, as listed in its "
            f"set's index. Received: {size}{cut}. Copy the set again, or "
            "remove this file and write the set again with the same command."
        )


def _left_out(source):
    """Returns unreadable images that are not among the samples.

    An image that turned out to be damaged while it was read stays among them.
    """
    unreadable = getattr(source, "unreadable", {})
    held = {*source.ids, *(() if source.paths is None else source.paths)}
    return {name: why for name, why in unreadable.items() if name not in held}


def _packed(texts):
    """Returns strings as UTF-8 in one array, and the end of each string."""
    encoded = [str(text).encode("utf-8") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _unpacked(data, ends):
    data, ends = data.tobytes(), ends.tolist()
    starts = [0, *ends[:-1]]
    texts = [data[a:b].decode() for a, b in zip(starts, ends, strict=True)]
    return np.asarray(texts, object)


def _plain(value):
    """Converts NumPy's numbers and arrays to Python's types."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a source's description")
