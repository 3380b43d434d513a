"""File system functions for any file system that TensorFlow supports.

Local file systems are accessed through Python, which lists a folder of a
million files in a second instead of a minute.
"""

import collections.abc
import os

import tensorflow as tf

from noisy_keras.data.io import decoding


def is_remote(path: str | os.PathLike) -> bool:
    """Returns whether a path is a URL such as `gs://bucket/folder`."""
    return "://" in str(path)


def expanded(path: str | os.PathLike) -> str:
    """Returns a path as str, with a leading `~` replaced."""
    return os.path.expanduser(os.fspath(path))


def is_folder(path: str | os.PathLike) -> bool:
    """Returns whether a path is an existing folder."""
    if is_remote(path):
        return tf.io.gfile.isdir(path)
    return os.path.isdir(path)


def is_file(path: str | os.PathLike) -> bool:
    """Returns whether a path is an existing file."""
    if is_remote(path):
        return tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path)
    return os.path.isfile(path)


def exists(path: str | os.PathLike) -> bool:
    """Returns whether a path is an existing file or folder."""
    return is_folder(path) or is_file(path)


def entries(path: str | os.PathLike) -> tuple[list[str], list[str]]:
    """Lists a folder.

    Args:
        path: str, path of the folder.

    Returns:
        A pair of the names of folders and the names of files, both sorted.
        Both lists are empty if the folder does not exist.
    """
    if is_remote(path):
        return _remote_entries(path)
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(os.fspath(path)) as found:
            for entry in found:
                (folders if entry.is_dir() else files).append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    return sorted(folders), sorted(files)


def walk(path: str) -> collections.abc.Iterator[str]:
    """Lists all files below a folder, except in linked and hidden folders.

    Hidden files are left out as well.

    Args:
        path: str, path of the folder.

    Yields:
        Paths relative to the folder, separated by "/".
    """
    folders, files = entries(path)
    yield from (name for name in files if not name.startswith("."))
    for folder in folders:
        inside = os.path.join(path, folder)
        # A link may lead to a folder above it.
        if folder.startswith(".") or os.path.islink(inside):
            continue
        for below in walk(inside):
            yield f"{folder}/{below}"


def read(path: str) -> bytes:
    """Reads a file; raises `OSError` if it cannot be read."""
    return decoding.read_bytes(path)


def _remote_entries(path):
    folders, files = [], []
    try:
        names = tf.io.gfile.listdir(path)
    except tf.errors.NotFoundError:
        return [], []
    for name in names:
        # Object stores end folders in "/". Others cost a request per name.
        is_picture = name.lower().endswith(decoding.EXTENSIONS)
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        elif is_picture or not tf.io.gfile.isdir(os.path.join(path, name)):
            files.append(name)
        else:
            folders.append(name)
    return sorted(folders), sorted(files)
