"""Writing files whole or not at all, and one writer of a set at a time."""

import contextlib
import os

import tensorflow as tf

from noisy_keras.data.io.records.files import is_remote


def replace(path, data):
    """Writes a small file whole or not at all.

    Args:
        path: of the file; its folder exists.
        data: bytes.

    Raises:
        OSError: it cannot be written.
    """
    temporary = unfinished(path)
    try:
        with tf.io.gfile.GFile(temporary, "wb") as stream:
            stream.write(data)
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message}") from error
    publish(temporary, path)


def unfinished(path):
    """The name of a file while it is written."""
    folder, name = os.path.split(str(path))
    return tf.io.gfile.join(folder, f".{name}.unfinished")


def publish(temporary, path):
    """Gives a finished file its name, once it is safe on the disk.

    Args:
        temporary: what was written.
        path: the name it is to have.

    Raises:
        OSError: it cannot be.
    """
    try:
        _sync(temporary)
        tf.io.gfile.rename(temporary, path, overwrite=True)
        _sync(os.path.dirname(path) or ".")
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message}") from error


def _sync(path):
    if is_remote(path):
        return  # An object store has it when closing returns.
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def alone(folder, name):
    """Keeps other processes of this machine from writing the same set.

    The lock ends with the process, however that ends. Folders that Python
    does not know, and systems without such locks, go without.

    Args:
        folder: of the set, which exists.
        name: of the set.

    Yields:
        Nothing.

    Raises:
        OSError: another process is writing, or the folder cannot be written.
    """
    if is_remote(folder):
        yield
        return
    path = os.path.join(folder, f".{name}.lock")
    number = _locked(path, folder, name)
    try:
        yield
    finally:
        # Before the lock ends, so that nobody waits for a file that is gone.
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(number)


def _locked(path, folder, name):
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        fcntl = None  # Not a system of the Unix kind.
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
                f"{folder}. Received: another is writing; wait for it, or stop "
                "it."
            ) from error
        except OSError:
            pass  # A file system without locks.
        # The one who had it may have removed the file meanwhile.
        if os.path.exists(path) and os.path.samestat(
            os.stat(path), os.fstat(number)
        ):
            return number
        os.close(number)
