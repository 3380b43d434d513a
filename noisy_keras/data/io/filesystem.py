"""Looking for files on any file system that TensorFlow knows.

Local ones are asked directly: a folder of a million files takes a second and
not a minute.
"""

import os

import tensorflow as tf

from noisy_keras.data.io import decoding


def is_remote(path):
    """Whether a path is one of TensorFlow's, such as `gs://bucket/folder`."""
    return "://" in str(path)


def expanded(path):
    """A path as str, with `~` replaced."""
    return os.path.expanduser(os.fspath(path))


def is_folder(path):
    """Whether there is a folder of that name."""
    if is_remote(path):
        return tf.io.gfile.isdir(path)
    return os.path.isdir(path)


def is_file(path):
    """Whether there is a file of that name."""
    if is_remote(path):
        return tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path)
    return os.path.isfile(path)


def exists(path):
    """Whether there is anything of that name."""
    return is_folder(path) or is_file(path)


def entries(path):
    """What is in a folder.

    Args:
        path: of the folder.

    Returns:
        Names of folders and names of files, two sorted lists; both empty
        where there is no such folder.
    """
    if is_remote(path):
        return _remote_entries(path)
    folders, files = [], []
    try:
        with os.scandir(path) as found:
            for entry in found:
                (folders if entry.is_dir() else files).append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    return sorted(folders), sorted(files)


def walk(path):
    """All files below a folder, but hidden ones and those of hidden folders.

    Args:
        path: of the folder.

    Yields:
        Paths below it, with "/".
    """
    folders, files = entries(path)
    yield from (name for name in files if not name.startswith("."))
    for folder in folders:
        inside = os.path.join(path, folder)
        # A link may lead back to where it is.
        if folder.startswith(".") or os.path.islink(inside):
            continue
        for below in walk(inside):
            yield f"{folder}/{below}"


def read(path):
    """The bytes of a file; raises OSError where it cannot be read."""
    return decoding.read_bytes(path)


def _remote_entries(path):
    folders, files = [], []
    try:
        names = tf.io.gfile.listdir(path)
    except tf.errors.NotFoundError:
        return [], []
    for name in names:
        # Object stores mark folders; asking about each name takes a request.
        is_picture = name.lower().endswith(decoding.EXTENSIONS)
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        elif is_picture or not tf.io.gfile.isdir(os.path.join(path, name)):
            files.append(name)
        else:
            folders.append(name)
    return sorted(folders), sorted(files)
