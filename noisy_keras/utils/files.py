"""Atomic writing of files."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Opens a temporary file that replaces `path` when the block ends.

    A process that is killed at any moment leaves either the old or the new
    file, never a part of it. If the block raises, the old file stays.

    Args:
        path: str or path-like, the file to write; its folder must exist.
        mode: str, `"w"` for text in UTF-8 or `"wb"` for bytes.

    Yields:
        The open file.
    """
    folder, name = os.path.split(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with os.fdopen(handle, mode, **text) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        # `mkstemp` makes private files; give them the usual permissions.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
