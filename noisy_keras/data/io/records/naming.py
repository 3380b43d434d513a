"""Names of the files of a set, and how to find them."""

import dataclasses
import os
import re

import tensorflow as tf

from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

_SHARD = re.compile(r"(.+)-(\d{5,})-of-(\d{5,})((?:\.[A-Za-z]\w*)*)")
_INDEX, _PROGRESS = ".index.npz", ".progress.json"


@dataclasses.dataclass(frozen=True)
class Shards:
    """The shards of a set.

    Attributes:
        folder: str, path of their folder.
        name: str, name of the set, or None if the file names follow no rule.
        paths: list of str, paths of the files, in order.
    """

    folder: str
    name: str | None
    paths: list[str]


def shard_path(folder: str, name: str, number: int, count: int) -> str:
    """Returns the path of one shard of a set."""
    return tf.io.gfile.join(
        folder, f"{name}-{number:05d}-of-{count:05d}.tfrecord"
    )


def index_path(folder: str, name: str) -> str:
    """Returns the path of the index file of a set."""
    return tf.io.gfile.join(folder, name + _INDEX)


def progress_path(folder: str, name: str) -> str:
    """Returns the path of the file that lists the shards finished so far."""
    return tf.io.gfile.join(folder, name + _PROGRESS)


def sets_in(folder: str) -> list[str]:
    """Lists the names of the sets in a folder.

    Args:
        folder: str, path of the folder.

    Returns:
        Sorted list of str: sets that have an index file, or shards whose names
        follow the rule of `shard_path`.

    Raises:
        OSError: the folder cannot be read.
    """
    found = set()
    for file in _listed(folder):
        match = _SHARD.fullmatch(file)
        if match and not file.startswith("."):
            found.add(match.group(1))
        elif file.endswith(_INDEX):
            found.add(file.removesuffix(_INDEX))
    return sorted(found)


def shards_of(folder: str, name: str) -> list[str]:
    """Lists the paths of the shards of a set, complete or not."""
    return [
        tf.io.gfile.join(folder, file)
        for file in _listed(folder)
        if (match := _SHARD.fullmatch(file)) and match.group(1) == name
    ]


def find(pattern: str | os.PathLike, split: str | None) -> Shards:
    """Finds the shards that a pattern matches.

    Args:
        pattern: str, a pattern of paths with `*`, `?`, `[...]` and optionally
            `{split}`; or a folder, which stands for the set of that split in
            it.
        split: str, name of the split, or None.

    Returns:
        `Shards`.

    Raises:
        OSError: nothing matches, or shards are missing.
        ValueError: more than one set matches, or the pattern has no place for
            the split.
    """
    pattern = os.path.expanduser(str(pattern))
    wanted = split or "train"
    if "{split}" in pattern:
        pattern = pattern.replace("{split}", wanted)
    elif tf.io.gfile.isdir(pattern):
        return _in_folder(pattern, wanted)
    elif split not in (None, "train"):
        raise ConfigurationError(
            "Expected a folder, or a pattern with {split} in it, for "
            f"split={split!r}. Received: {pattern}"
        )
    return _check(glob(pattern), pattern)


def glob(pattern: str) -> list[str]:
    """Lists the files that match a pattern and may hold records.

    Args:
        pattern: str with `*`, `?` and `[...]`.

    Returns:
        List of str, the paths.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        paths = tf.io.gfile.glob(pattern)
    except tf.errors.OpError as error:
        raise OSError(f"{pattern}: {error.message}") from error
    return [p for p in paths if _is_shard(p) and not tf.io.gfile.isdir(p)]


def _in_folder(folder, wanted):
    paths = shards_of(folder, wanted)
    if not paths:
        others = sets_in(folder)
        found = f"those of {abbreviated(others)}" if others else "none"
        raise OSError(
            f"Expected TFRecord shards {wanted}-00000-of-... in {folder}. "
            f"Received: {found}. "
            "Use a pattern to find files of other names."
        )
    return _check(paths, folder)


def _check(paths, pattern):
    if not paths:
        raise OSError(
            f"Expected TFRecord files that match {pattern}. Received: none"
        )
    paths = sorted(paths)
    matches = [_SHARD.fullmatch(os.path.basename(path)) for path in paths]
    folder = os.path.dirname(paths[0])
    if not all(matches):
        # Other file names do not contain the number of files.
        return Shards(folder, None, paths)
    sets = {
        (os.path.dirname(path), *match.group(1, 3, 4))
        for path, match in zip(paths, matches, strict=True)
    }
    if len(sets) > 1:
        found = [
            f"{name} of {int(count)} in {where or '.'}"
            for where, name, count, _ in sorted(sets)
        ]
        raise ConfigurationError(
            f"Expected the shards of one set at {pattern}. Received: "
            f"{len(sets)} sets: {abbreviated(found)}"
        )
    _, name, count, end = next(iter(sets))
    present = {int(match.group(2)) for match in matches}
    missing = [
        f"{name}-{number:05d}-of-{count}{end}"
        for number in range(int(count))
        if number not in present
    ]
    if missing:
        raise OSError(
            f"Expected all {int(count)} shards of {name} at {pattern}. "
            f"Received: {len(paths)}; missing: {abbreviated(missing)}"
        )
    return Shards(folder, name, paths)


def _is_shard(path):
    name = os.path.basename(path)
    return not name.startswith(".") and not name.endswith((_INDEX, _PROGRESS))


def _listed(folder):
    try:
        return sorted(name.rstrip("/") for name in tf.io.gfile.listdir(folder))
    except tf.errors.OpError as error:
        raise OSError(f"{folder}: {error.message}") from error
