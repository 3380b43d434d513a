"""Atomic writing of files, and a lock for the writer of a set."""

import collections.abc
import contextlib
import os

import tensorflow as tf

from noisy_keras.data.io.records.files import is_remote


def replace(path: str, data: bytes) -> None:
    """Writes a small file completely or not at all.

    Args:
        path: str, path of the file, whose folder exists.
        data: bytes, the content.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = unfinished(path)
    try:
        with tf.io.gfile.GFile(temporary, "wb") as stream:
            stream.write(data)
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message}") from error
    publish(temporary, path)


def unfinished(path: str) -> str:
    """Returns the temporary name of a file while it is written."""
    folder, name = os.path.split(str(path))
    return tf.io.gfile.join(folder, f".{name}.unfinished")


def publish(temporary: str, path: str) -> None:
    """Renames a finished file after it has been flushed to the disk.

    Args:
        temporary: str, current path of the file.
        path: str, its final path.

    Raises:
        OSError: the file cannot be flushed or renamed.
    """
    try:
        _sync(temporary)
        tf.io.gfile.rename(temporary, path, overwrite=True)
        _sync(os.path.dirname(path) or ".")
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message}") from error


def _sync(path):
    if is_remote(path):
        return  # An object store keeps a file once it is closed.
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def locked(folder: str, name: str) -> collections.abc.Iterator[None]:
    """Prevents other processes on this machine from writing the same set.

    The lock is released when the process ends in any way. There is no lock on
    remote file systems and on systems without `flock`.

    Args:
        folder: str, path of the set's folder, which exists.
        name: str, name of the set.

    Yields:
        None.

    Raises:
        OSError: another process is writing, or the folder is not writable.
    """
    if is_remote(folder):
        yield
        return
    path = os.path.join(folder, f".{name}.lock")
    number = _acquire(path, folder, name)
    try:
        yield
    finally:
        # Removed before the lock is released, so that no process locks a file
        # that is about to be removed.
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(number)


def _acquire(path, folder, name):
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        fcntl = None  # A system other than Unix.
    while True:
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OSError(
                f"Expected a folder that can be written. Received: {folder} "
                f"({error.strerror})"
            ) from error
        try:
            if fcntl is not None:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(number)
            raise OSError(
                f"Expected one process at a time to write the set {name!r} to "
                f"{folder}. Received: another is writing; wait until it is "
                "done, or stop it."
            ) from error
        except OSError:
            pass  # The file system has no locks.
        # The previous owner may have removed the file in the meantime.
        if os.path.exists(path) and os.path.samestat(
            os.stat(path), os.fstat(number)
        ):
            return number
        os.close(number)
