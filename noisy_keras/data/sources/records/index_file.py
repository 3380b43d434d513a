"""The index of a set: all that is known of it but the pictures.

A file of NumPy arrays (`.npz`, read without pickle): `lengths` int64 `[N]`,
bytes of each record in order of its index; `labels` int32 `[N]`; where there
are such, `true_labels`, `foreign` and `soft_labels`; `ids` and maybe `paths`,
as UTF-8 and the ends of each; and `description`, JSON.
"""

import dataclasses
import hashlib
import io
import json
import zipfile
import zlib

import numpy as np

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io.records import files
from noisy_keras.data.io.records import naming
from noisy_keras.data.io.records import storage
from noisy_keras.data.sources import manifest
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

FORMAT = 1
_BROKEN = (zipfile.BadZipFile, zlib.error)
_PER_SAMPLE = ("true_labels", "foreign", "soft_labels")


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a set holds beside pictures.

    Attributes:
        description: dict that JSON can hold. `encoding` says what the records
            have as `image`: `"file"`, the bytes of a picture file; `"png"`, of
            an array; or `"float32"`, an array's own.
        arrays: dict of per-sample arrays: `labels`, `ids`, and maybe others.
        shards: dicts of `records`, `bytes` and `unreadable`, one per shard.
        lengths: int64 `[N]`.
    """

    description: dict
    arrays: dict
    shards: list = dataclasses.field(default_factory=list)
    lengths: np.ndarray | None = None

    @property
    def sha256(self):
        """What tells this set from others; 64 hexadecimal digits."""
        digest = hashlib.sha256()
        told = json.dumps(self.description, sort_keys=True)
        digest.update(told.encode("utf-8"))
        for name in sorted(self.arrays):
            digest.update(b"\0" + name.encode("utf-8") + b"\0")
            array = self.arrays[name]
            if array.dtype == object:
                for text in array:
                    digest.update(str(text).encode("utf-8") + b"\0")
            else:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def set_id(self):
        """What its records carry of that."""
        return self.sha256[:16].encode("ascii")

    @property
    def unreadable(self):
        """dict from id to why a picture could not be written."""
        told = dict(self.description["left_out"])
        for shard in self.shards:
            told |= shard["unreadable"]
        return told


def describe(source, encoding, root, count):
    """The contents of a set that a source is to become.

    Args:
        source: a `Source`.
        encoding: see `Contents`.
        root: folder of the source's files, or "".
        count: of shards.

    Returns:
        `Contents`, without shards and lengths.
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
    # As it will be read: without tuples and numbers of NumPy's.
    description = json.loads(json.dumps(description, default=_plain))
    return Contents(description, arrays)


def save(path, contents):
    """Writes the index of a set, whole or not at all.

    Args:
        path: of the file.
        contents: `Contents`.

    Raises:
        OSError: it cannot be written.
    """
    told = {
        **contents.description,
        "sha256": contents.sha256,
        "files": contents.shards,
    }
    arrays = {"description": np.asarray(json.dumps(told))}
    arrays["lengths"] = contents.lengths
    for name, array in contents.arrays.items():
        if array.dtype == object:
            arrays[name], arrays[f"{name}_ends"] = _packed(array)
        else:
            arrays[name] = array
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    storage.replace(path, stream.getvalue())


def load(path):
    """Reads the index of a set.

    Args:
        path: of the file.

    Returns:
        `Contents`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no index, or has been changed.
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
        shards, told = description.pop("files"), description.pop("sha256")
        lengths = arrays.pop("lengths")
        for name in ("ids", "paths"):
            if name in arrays:
                ends = arrays.pop(f"{name}_ends")
                arrays[name] = _unpacked(arrays[name], ends)
        contents = Contents(description, arrays, shards, lengths)
        checks.same_length(lengths=lengths, **arrays)
        if contents.sha256 != told:
            raise ConfigurationError("contents that differ from their checksum")
    except (*_BROKEN, KeyError, ValueError, EOFError) as error:
        raise ConfigurationError(
            f"Expected the index of a set of TFRecord shards. Received: {path} "
            f"({error}). Remove it and write the set again with the same "
            "command, or read the shards without it."
        ) from error
    return contents


def options(contents):
    """What a source of a set is made with, beside images and labels.

    Args:
        contents: `Contents`.

    Returns:
        dict of arguments of `Source`.
    """
    told, arrays = contents.description, contents.arrays
    return {
        "true_labels": arrays.get("true_labels"),
        "ids": arrays["ids"],
        "pixel_mean": tuple(told["pixel_mean"]),
        "pixel_std": tuple(told["pixel_std"]),
        "augmentation": Augmentation(**told["augmentation"]),
        "noise": told["noise"],
        "name": told["name"],
    }


def complete(source, contents):
    """Gives a source what it is not made with.

    Args:
        source: a `Source` of all samples of the set.
        contents: `Contents`.
    """
    for name in ("foreign", "soft_labels"):
        if name in contents.arrays:
            setattr(source, name, checks.read_only(contents.arrays[name]))
    look_alikes = contents.description["look_alikes"]
    if isinstance(look_alikes, dict):
        look_alikes = {int(k): v for k, v in look_alikes.items()}
    source.look_alikes = look_alikes


def check_shards(shards, contents):
    """Raises unless files are as the index of their set says.

    Args:
        shards: `naming.Shards`.
        contents: `Contents`.

    Raises:
        ValueError: another number of shards.
        DamagedError: a file of another size.
    """
    wanted = contents.shards
    if len(wanted) != len(shards.paths):
        index = naming.index_path(shards.folder, shards.name)
        raise ConfigurationError(
            f"Expected {len(wanted)} shards, as {index} says. Received: "
            f"{len(shards.paths)}; the index is of another set."
        )
    ends = np.cumsum([shard["records"] for shard in wanted])
    for path, shard, end in zip(shards.paths, wanted, ends, strict=True):
        size = files.size_of(path)
        if size == shard["bytes"]:
            continue
        lengths = contents.lengths[end - shard["records"] : end]
        after = np.cumsum(lengths + files.FRAME)
        whole = int(np.searchsorted(after, size, side="right"))
        cut = ""
        if size < shard["bytes"]:
            offset = int(after[whole - 1]) if whole else 0
            cut = f", cut off within the record at byte {offset}"
        raise files.DamagedError(
            f"Expected {path} to have {shard['bytes']} bytes, as its set's "
            f"index says. Received: {size}{cut}. Copy the set again, or remove "
            "this file and write the set again with the same command."
        )


def _left_out(source):
    """Pictures that broke while they were read stay among the samples."""
    unreadable = getattr(source, "unreadable", {})
    held = {*source.ids, *(() if source.paths is None else source.paths)}
    return {name: why for name, why in unreadable.items() if name not in held}


def _packed(texts):
    """Strings as UTF-8 in one array, and where each ends."""
    encoded = [str(text).encode("utf-8") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _unpacked(data, ends):
    data, ends = data.tobytes(), ends.tolist()
    starts = [0, *ends[:-1]]
    texts = [data[a:b].decode() for a, b in zip(starts, ends, strict=True)]
    return np.asarray(texts, object)


def _plain(value):
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a source's description")
