"""Writing files whole or not at all."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Opens a temporary file that takes the place of `path` at the end.

    A process killed at any moment leaves the old file or the new one, never a
    part. If the block raises, the old file stays.

    Args:
        path: of the file; its folder exists.
        mode: `"w"` for text in UTF-8, `"wb"` for bytes.

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
        # mkstemp makes private files; a result is as readable as any other.
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
