"""Names of a set's files, and finding them."""

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
    """Files that make up a set.

    Attributes:
        folder: they are in.
        name: of the set, or None where their names follow no rule.
        paths: of the files, in order.
    """

    folder: str
    name: str | None
    paths: list


def shard_path(folder, name, number, count):
    """Path of one shard of a set."""
    return tf.io.gfile.join(
        folder, f"{name}-{number:05d}-of-{count:05d}.tfrecord"
    )


def index_path(folder, name):
    """Path of a set's index."""
    return tf.io.gfile.join(folder, name + _INDEX)


def progress_path(folder, name):
    """Path of the file that tells which shards are finished so far."""
    return tf.io.gfile.join(folder, name + _PROGRESS)


def sets_in(folder):
    """Names of the sets in a folder.

    Args:
        folder: path.

    Returns:
        Sorted list; those with an index, or whose shards are named as ours.
    """
    found = set()
    for file in _listed(folder):
        match = _SHARD.fullmatch(file)
        if match and not file.startswith("."):
            found.add(match.group(1))
        elif file.endswith(_INDEX):
            found.add(file.removesuffix(_INDEX))
    return sorted(found)


def shards_of(folder, name):
    """Paths of the shards of a set, however many there are of how many."""
    return [
        tf.io.gfile.join(folder, file)
        for file in _listed(folder)
        if (match := _SHARD.fullmatch(file)) and match.group(1) == name
    ]


def find(pattern, split):
    """The shards that a pattern names.

    Args:
        pattern: of paths, with `*`, `?` and `[...]`, and maybe `{split}`; or
            a folder, which stands for the set of that split in it.
        split: name of the split, or None.

    Returns:
        `Shards`.

    Raises:
        OSError: nothing matches, or shards are missing.
        ValueError: more than one set matches.
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


def glob(pattern):
    """Paths of files that match a pattern and may hold records.

    Args:
        pattern: with `*`, `?` and `[...]`.

    Returns:
        list of paths.

    Raises:
        OSError: its folder cannot be read.
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
            "Files of other names are found by a pattern."
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
        # Files of other names have no count that could be checked.
        return Shards(folder, None, paths)
    sets = {
        (os.path.dirname(path), *match.group(1, 3, 4))
        for path, match in zip(paths, matches, strict=True)
    }
    if len(sets) > 1:
        told = [
            f"{name} of {int(count)} in {where or '.'}"
            for where, name, count, _ in sorted(sets)
        ]
        raise ConfigurationError(
            f"Expected the shards of one set at {pattern}. Received: "
            f"{len(sets)} sets: {abbreviated(told)}"
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
