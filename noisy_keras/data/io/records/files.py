"""Random access to the records of TFRecord files.

A record consists of the length of its data (8 bytes), the checksum of the
length (4 bytes), the data, and the checksum of the data (4 bytes). Local files
are read at positions and need no lock; files on other file systems that
TensorFlow supports are read by one thread at a time.
"""

import collections
import collections.abc
import os
import struct
import threading
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import retrying
from noisy_keras.data.io.records import checksum
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike

_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
#: Number of bytes of a record in addition to its data.
FRAME = _HEADER.size + _CHECK.size

_OPEN_FILES = 32
_COMPRESSED = ((b"\x1f\x8b", "GZIP"), (b"\x78", "ZLIB"))


class DamagedError(ConfigurationError):
    """A TFRecord file is truncated or damaged, or is another file."""


class RecordFiles:
    """Records of several TFRecord files, read in any order by any thread.

    Args:
        paths: sequence of str, paths of the files.
        places: int array `[N]`, position in `paths` of each record's file.
        offsets: int64 array `[N]`, offset in bytes at which each record
            begins.
        lengths: int64 array `[N]`, number of bytes of each record's data.
    """

    def __init__(
        self,
        paths: collections.abc.Iterable[str],
        places: ArrayLike,
        offsets: ArrayLike,
        lengths: ArrayLike,
    ) -> None:
        self.paths = list(paths)
        self.places = np.asarray(places, np.int32)
        self.offsets = np.asarray(offsets, np.int64)
        self.lengths = np.asarray(lengths, np.int64)
        self._open: collections.OrderedDict[int, _LocalFile | _RemoteFile] = (
            collections.OrderedDict()
        )
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        # Files are opened again where they are read.
        return {
            "paths": self.paths,
            "places": self.places,
            "offsets": self.offsets,
            "lengths": self.lengths,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __len__(self) -> int:
        return len(self.lengths)

    def location(self, row: int) -> str:
        """Returns the file and offset of a record, for error messages."""
        path = self.paths[self.places[row]]
        return f"{path} at byte {self.offsets[row]}"

    def read(self, row: int) -> bytes:
        """Reads the data of a record.

        Args:
            row: int in `[0, N)`, number of the record.

        Returns:
            bytes of the data.

        Raises:
            DamagedError: the record is truncated, or a checksum differs.
            OSError: the file cannot be read.
        """
        place = int(self.places[row])
        offset, length = int(self.offsets[row]), int(self.lengths[row])
        data = self._file(place).read(offset, length + FRAME)
        return _checked(data, self.paths[place], offset, length)

    def _file(self, place):
        with self._lock:
            file = self._open.get(place)
            if file is None:
                # A file that is dropped closes after its last reader.
                if len(self._open) >= _OPEN_FILES:
                    self._open.popitem(last=False)
                file = self._open[place] = open_file(self.paths[place])
            self._open.move_to_end(place)
        return file


def open_file(path: str) -> "_LocalFile | _RemoteFile":
    """Opens a file for reading at positions.

    Args:
        path: str, path of the file.

    Returns:
        An object with a method `read(offset, count)`, which returns fewer than
        `count` bytes only at the end of the file.

    Raises:
        OSError: the file cannot be opened.
    """
    return _RemoteFile(path) if is_remote(path) else _LocalFile(path)


def is_remote(path: str) -> bool:
    """Returns whether a path is a URL such as `gs://bucket/folder`."""
    return "://" in str(path)


class _LocalFile:
    def __init__(self, path: str) -> None:
        self._number = -1  # For `__del__`, if the file cannot be opened.
        self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, offset: int, count: int) -> bytes:
        data = os.pread(self._number, count, offset)
        while len(data) < count:
            more = os.pread(self._number, count - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    # Bound as a default, because modules are empty when the process ends.
    def __del__(
        self, close: collections.abc.Callable[[int], None] = os.close
    ) -> None:
        if self._number >= 0:
            close(self._number)


class _RemoteFile:
    def __init__(self, path: str) -> None:
        self._path = path
        self._stream = tf.io.gfile.GFile(path, "rb")
        self._lock = threading.Lock()

    def read(self, offset: int, count: int) -> bytes:
        def read():
            with self._lock:
                self._stream.seek(offset)
                return self._stream.read(count)

        return retrying.retried(read, self._path)


def size_of(path: str) -> int | None:
    """Returns the size of a file in bytes, or None if it does not exist."""
    try:
        return tf.io.gfile.stat(path).length
    except tf.errors.OpError:
        return None


def walk(
    path: str, with_data: bool = True
) -> collections.abc.Iterator[tuple[int, int, bytes | None]]:
    """Iterates over the records of a file.

    Args:
        path: str, path of the file.
        with_data: bool, whether to read the data or only the lengths.

    Yields:
        Triples of the record's offset in bytes, the length of its data in
        bytes, and the data or None.

    Raises:
        DamagedError: the file is truncated or compressed, or a checksum
            differs.
        OSError: the file cannot be read.
    """
    file, size, offset = open_file(path), size_of(path), 0
    if size is None:
        raise OSError(f"{path}: the file does not exist")
    while offset < size:
        start = file.read(offset, _HEADER.size)
        length = _length(start, path, offset)
        if offset + length + FRAME > size:
            raise _cut(path, offset, size)
        data = None
        if with_data:
            record = file.read(offset, length + FRAME)
            data = _checked(record, path, offset, length)
        yield offset, length, data
        offset += length + FRAME


def _length(start, path, offset):
    """Returns the length that the header of a record specifies."""
    if len(start) < _HEADER.size:
        raise _cut(path, offset, offset + len(start))
    length, check = _HEADER.unpack_from(start)
    if checksum.masked(start[:8]) != check:
        for mark, name in _COMPRESSED:
            if offset == 0 and start.startswith(mark):
                raise DamagedError(
                    "Expected TFRecords without compression, which can be "
                    f"read in any order. Received: {path}, which starts like "
                    f"a {name} file; write it again without compression."
                )
        raise DamagedError(
            f"Expected a TFRecord in {path} at byte {offset}. Received: a "
            "length whose checksum is wrong; the file is damaged or of another "
            "kind. Copy or write it again."
        )
    return length


def _checked(data, path, offset, length):
    """Returns the data of a record, after verification of its checksums."""
    found = _length(data[: _HEADER.size], path, offset)
    if found != length:
        raise DamagedError(
            f"Expected a record of {length} bytes in {path} at byte {offset}. "
            f"Received: one of {found}; the file does not belong to its index."
        )
    if len(data) < length + FRAME:
        raise _cut(path, offset, offset + len(data))
    payload = memoryview(data)[_HEADER.size : -_CHECK.size]
    if checksum.masked(payload) != _CHECK.unpack_from(data, len(data) - 4)[0]:
        raise DamagedError(
            f"Expected the record in {path} at byte {offset} as it was "
            "written. Received: data whose checksum is wrong. Copy or write "
            "the file again."
        )
    return bytes(payload)


def _cut(path, offset, size):
    return DamagedError(
        f"Expected a complete record in {path} at byte {offset}. Received: "
        f"the end of the file at byte {size}; it is cut off. Copy or write it "
        "again."
    )
