"""Atomic publication of exported versions."""

import contextlib
import errno
import os
import shutil
import tempfile

_GRAPH = "saved_model.pb"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def next_version(folder):
    """Number after the highest version in a folder, from 1.

    Args:
        folder: str, folder of a model, which need not exist.

    Returns:
        Int.
    """
    if not os.path.isdir(folder):
        return 1
    numbers = [int(name) for name in os.listdir(folder) if name.isdecimal()]
    return max(numbers, default=0) + 1


def check_free(path):
    """Checks that nothing exists at the path of a new version.

    Args:
        path: str, path of the version.

    Raises:
        FileExistsError: If something exists there.
    """
    if os.path.lexists(path):
        raise FileExistsError(
            f"Expected a new folder to export to: versions are never "
            f"overwritten. Received: {path}, which exists"
        )


@contextlib.contextmanager
def unfinished(parent):
    """Yields a folder to write a version to, removed unless it is published.

    The folder is next to the versions, on the same file system, under a name
    that servers ignore.

    Args:
        parent: str, folder of the versions, created if necessary.

    Yields:
        Str, path of a folder that does not exist yet.
    """
    os.makedirs(parent, exist_ok=True)
    outer = tempfile.mkdtemp(prefix=".unfinished-", dir=parent)
    try:
        yield os.path.join(outer, "version")
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def publish(written, path):
    """Renames a written version to its final path.

    Args:
        written: str, folder as yielded by `unfinished`.
        path: str, path of the version.

    Raises:
        FileExistsError: If the path exists.
    """
    check_free(path)
    _synchronize(written)
    try:
        os.rename(written, path)
    except OSError as error:
        if error.errno in _TAKEN:
            check_free(path)
        if error.errno != errno.EXDEV:
            raise
        copy(written, path)


def publish_next(written, folder):
    """Publishes under the next free number, even if others publish meanwhile.

    Args:
        written: str, folder as yielded by `unfinished`.
        folder: str, folder of the model.

    Returns:
        Str, path of the version.
    """
    while True:
        path = os.path.join(folder, str(next_version(folder)))
        with contextlib.suppress(FileExistsError):
            publish(written, path)
            return path


def copy(written, path):
    """Copies a version to another file system, its graph last.

    Servers load a version as soon as its graph exists.

    Args:
        written: str, folder of the version.
        path: str, path of the copy, which must not exist.
    """
    os.mkdir(path)
    graph = os.path.join(written, _GRAPH)
    names = [n for n in os.listdir(written) if n != _GRAPH]
    for name in names:
        source, target = (os.path.join(p, name) for p in (written, path))
        if os.path.isdir(source):
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    if os.path.exists(graph):
        hidden = os.path.join(path, f".{_GRAPH}")
        shutil.copy2(graph, hidden)
        os.replace(hidden, os.path.join(path, _GRAPH))


def _synchronize(folder):
    """Flushes all files of a folder to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(parent, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
