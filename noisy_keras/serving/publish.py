"""Publishing: a version is there as a whole, or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile

_GRAPH = "saved_model.pb"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def next_version(folder):
    """The number after the highest version in a folder, from 1.

    Args:
        folder: of a model; need not exist.
    """
    if not os.path.isdir(folder):
        return 1
    numbers = [int(name) for name in os.listdir(folder) if name.isdecimal()]
    return max(numbers, default=0) + 1


def check_free(path):
    """Raises if something is where a version is to be.

    Args:
        path: of the version.

    Raises:
        FileExistsError: there is.
    """
    if os.path.lexists(path):
        raise FileExistsError(
            f"Expected a new folder to export to: versions are never "
            f"overwritten. Received: {path}, which exists"
        )


@contextlib.contextmanager
def unfinished(parent):
    """A folder to write a version to, removed unless it is published.

    It is beside the versions, on their file system, under a name that servers
    take for none.

    Args:
        parent: folder of the versions, made if need be.

    Yields:
        The path of a folder that is not there yet.
    """
    os.makedirs(parent, exist_ok=True)
    outer = tempfile.mkdtemp(prefix=".unfinished-", dir=parent)
    try:
        yield os.path.join(outer, "version")
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def publish(written, path):
    """Gives a written version its name, in one step.

    Args:
        written: folder of `unfinished`.
        path: of the version.

    Raises:
        FileExistsError: there is one of that name.
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
    """Publishes under the next number, whoever else publishes meanwhile.

    Args:
        written: folder of `unfinished`.
        folder: of the model.

    Returns:
        Path of the version.
    """
    while True:
        path = os.path.join(folder, str(next_version(folder)))
        with contextlib.suppress(FileExistsError):
            publish(written, path)
            return path


def copy(written, path):
    """Copies a version to where it cannot be renamed to, the graph last.

    Servers begin to load when they see the graph.

    Args:
        written: folder of the version.
        path: of the copy, which is not there.
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
    """Waits until all files of a folder are on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(parent, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
