"""TFRecord files: reading any record by its place.

A record is 8 bytes of length, 4 of their checksum, the data, and 4 of its
checksum. Local files are read with positions and need no lock; others, on any
file system that TensorFlow knows, one read at a time each.
"""

import collections
import os
import struct
import threading

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import retrying
from noisy_keras.data.io.records import checksum
from noisy_keras.utils.errors import ConfigurationError

_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
#: Bytes of a record beside its data.
FRAME = _HEADER.size + _CHECK.size

_OPEN_FILES = 32
_COMPRESSED = ((b"\x1f\x8b", "GZIP"), (b"\x78", "ZLIB"))


class DamagedError(ConfigurationError):
    """A TFRecord file is not as it was written."""


class RecordFiles:
    """Records of several TFRecord files, read in any order by any thread.

    Args:
        paths: of the files.
        places: int `[N]`, the file of each record, counted from 0.
        offsets: int64 `[N]`, where it begins.
        lengths: int64 `[N]`, bytes of its data.
    """

    def __init__(self, paths, places, offsets, lengths):
        self.paths = list(paths)
        self.places = np.asarray(places, np.int32)
        self.offsets = np.asarray(offsets, np.int64)
        self.lengths = np.asarray(lengths, np.int64)
        self._open = collections.OrderedDict()
        self._lock = threading.Lock()

    def __len__(self):
        return len(self.lengths)

    def told(self, row):
        """Where a record is, for messages."""
        path = self.paths[self.places[row]]
        return f"{path} at byte {self.offsets[row]}"

    def read(self, row):
        """The data of a record.

        Args:
            row: in `[0, N)`.

        Returns:
            bytes.

        Raises:
            DamagedError: it is cut off, or a checksum differs.
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
                # A file that is dropped closes when its last reader is done.
                if len(self._open) >= _OPEN_FILES:
                    self._open.popitem(last=False)
                file = self._open[place] = open_file(self.paths[place])
            self._open.move_to_end(place)
        return file


def open_file(path):
    """Opens a file for reading at positions.

    Args:
        path: of the file.

    Returns:
        An object with `read(offset, count)`, which gives fewer bytes at the
        end of the file alone.

    Raises:
        OSError: it cannot be opened.
    """
    return _RemoteFile(path) if is_remote(path) else _LocalFile(path)


def is_remote(path):
    """Whether a path is one that Python itself does not know."""
    return "://" in str(path)


class _LocalFile:
    def __init__(self, path):
        self._number = None
        self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, offset, count):
        data = os.pread(self._number, count, offset)
        while len(data) < count:
            more = os.pread(self._number, count - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    # Bound here: at the end of the process, modules are empty.
    def __del__(self, close=os.close):
        if self._number is not None:
            close(self._number)


class _RemoteFile:
    def __init__(self, path):
        self._path = path
        self._stream = tf.io.gfile.GFile(path, "rb")
        self._lock = threading.Lock()

    def read(self, offset, count):
        def read():
            with self._lock:
                self._stream.seek(offset)
                return self._stream.read(count)

        return retrying.retried(read, self._path)


def size_of(path):
    """Bytes of a file, or None where there is none."""
    try:
        return tf.io.gfile.stat(path).length
    except tf.errors.OpError:
        return None


def walk(path, with_data=True):
    """Goes through the records of a file.

    Args:
        path: of the file.
        with_data: whether to read the data, or the lengths alone.

    Yields:
        Offset, length, and data or None.

    Raises:
        DamagedError: it is cut off or compressed, or a checksum differs.
        OSError: it cannot be read.
    """
    file, size, offset = open_file(path), size_of(path), 0
    while offset < size:
        start = file.read(offset, _HEADER.size)
        length = _length(start, path, offset)
        if offset + length + FRAME > size:
            raise _cut(path, offset, size)
        data = None
        if with_data:
            whole = file.read(offset, length + FRAME)
            data = _checked(whole, path, offset, length)
        yield offset, length, data
        offset += length + FRAME


def _length(start, path, offset):
    """The length that the start of a record gives."""
    if len(start) < _HEADER.size:
        raise _cut(path, offset, offset + len(start))
    length, check = _HEADER.unpack_from(start)
    if checksum.masked(start[:8]) != check:
        for mark, name in _COMPRESSED:
            if offset == 0 and start.startswith(mark):
                raise DamagedError(
                    "Expected TFRecords without compression, which can be "
                    f"read in any order. Received: {path}, which begins as "
                    f"{name} does; write it again without."
                )
        raise DamagedError(
            f"Expected a TFRecord in {path} at byte {offset}. Received: a "
            "length whose checksum is wrong; the file is damaged or of another "
            "kind. Copy or write it again."
        )
    return length


def _checked(data, path, offset, length):
    """The payload of a record that was read whole."""
    found = _length(data[: _HEADER.size], path, offset)
    if found != length:
        raise DamagedError(
            f"Expected a record of {length} bytes in {path} at byte {offset}. "
            f"Received: one of {found}; the file is not the one that its index "
            "was made for."
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
        f"Expected a whole record in {path} at byte {offset}. Received: the "
        f"end of the file at byte {size}; it is cut off. Copy or write it "
        "again."
    )
