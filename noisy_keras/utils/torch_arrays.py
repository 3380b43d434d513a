"""Safe reading of NumPy arrays from PyTorch's files, without PyTorch.

`torch.save` writes a zip archive that contains a pickle, `data.pkl`. A pickle
can make its reader call any function. This reader accepts only the five names
that arrays require, and does not call these either: stand-ins record the
arguments, from which integer arrays are made.
"""

import io
import math
import os
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

# Three times the size of the weights that are read by default, and twenty times
# that of a file with human labels of 50,000 images.
MAX_BYTES = 64 * 2**20

_INTEGERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}


def load(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a dict of integer arrays that `torch.save` wrote.

    Args:
        path: str, path of a zip file as PyTorch writes it since version 1.6,
            of at most 64 MiB.

    Returns:
        dict from str to integer array.

    Raises:
        ValueError: the file has another format, is damaged, or contains a
            pickle of anything but integer arrays, which is not executed.
        OSError: the file cannot be read.
    """

    def arrays_of(content):
        data = _pickle_of(content)
        check_memo(data)
        return _arrays(Reader(io.BytesIO(data)).load())

    return read(path, arrays_of)


def read(
    path: str | os.PathLike, parsed: Callable[[bytes], Any]
) -> dict[str, np.ndarray]:
    """Reads a file that may be damaged or hostile.

    Args:
        path: str, path of a file of at most 64 MiB.
        parsed: function of the content to a dict of arrays.

    Returns:
        The dict.

    Raises:
        ValueError: the file is larger, or `parsed` raised anything.
        OSError: the file cannot be read.
    """
    try:
        with tf.io.gfile.GFile(str(path), "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except tf.errors.OpError as error:
        raise OSError(f"Could not read {path}: {error.message}") from error
    try:
        if len(content) > MAX_BYTES:
            raise Refused(
                f"Expected at most {MAX_BYTES // 2**20} MiB. Received: more"
            )
        return parsed(content)
    except Refused as error:
        raise ConfigurationError(f"{error}. The file: {path}") from error
    # A damaged archive or pickle can raise any error.
    except Exception as error:
        raise ConfigurationError(
            "Expected a complete PyTorch file. "
            f"Received: {type(error).__name__}: {error}. The file: {path}"
        ) from error


class Refused(ConfigurationError):
    """The file contains something that this reader does not accept."""


class StandIn:
    """Stands in for a NumPy name and records its arguments.

    Nothing is copied here, because a small pickle could request many copies.
    `__setstate__` prevents pickles from setting any attribute.
    """

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(StandIn):
    pass


class _Dtype(StandIn):
    pass


class _Bytes(StandIn):
    pass


class Reader(pickle.Unpickler):
    """An unpickler that accepts only the names that arrays require."""

    content = "integer arrays only"
    names = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        # The encoding of bytes in protocol 2, which PyTorch uses.
        ("_codecs", "encode"): _Bytes,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.names:
            raise Refused(
                f"Expected a pickle of {self.content}. Received: one "
                f"that requests {shown(f'{module}.{name}')}"
            )
        return self.names[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise Refused(
            "Expected NumPy arrays only. Received: a tensor or another "
            f"object stored outside the pickle, {shown(pid)}"
        )


def _pickle_of(content):
    """Extracts the only pickle of an archive."""
    if not content.startswith(b"PK"):
        raise Refused(
            "Expected a zip file, as `torch.save` writes since PyTorch 1.6. "
            "Received: another format, such as that of an older PyTorch or an "
            "incomplete download"
        )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        pickles = [n for n in names if n.split("/")[-1] == "data.pkl"]
        if len(pickles) != 1:
            raise Refused(
                "Expected one `data.pkl`, as `torch.save` writes it. "
                f"Received: {len(pickles)} in an archive of {len(names)} files"
            )
        # PyTorch does not compress it. This also limits the extracted size to
        # that of the file.
        if archive.getinfo(pickles[0]).compress_type != zipfile.ZIP_STORED:
            raise Refused(
                "Expected `data.pkl` as `torch.save` writes it, uncompressed. "
                "Received: a compressed one"
            )
        return archive.read(pickles[0])


def check_memo(data: bytes) -> None:
    """Raises for a pickle that asks for more objects than it has bytes.

    Args:
        data: bytes, pickles, the first of which is checked.

    Raises:
        Refused: it does.
    """
    # An unpickler allocates as many objects as the highest memo number.
    for opcode, number, _ in pickletools.genops(data):
        if opcode.name.endswith("PUT") and number > len(data):
            raise Refused(
                f"Expected a pickle of at most {len(data)} objects, one per "
                f"byte. Received: one numbered {shown(number)}"
            )


def _arrays(found):
    if type(found) is not dict:
        raise Refused(
            f"Expected a dict of integer arrays. Received: {named(found)}"
        )
    arrays, total = {}, 0
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, _Array):
            raise Refused(
                "Expected a dict of names to integer arrays. "
                f"Received: {named(value)} at {shown(key)}"
            )
        arrays[key] = _array(value)
        total += arrays[key].nbytes
        if total > MAX_BYTES:
            raise Refused(
                f"Expected arrays of at most {MAX_BYTES // 2**20} MiB in "
                "total. Received: more"
            )
    return arrays


def _array(recorded):
    version, shape, dtype, fortran, data = recorded.state
    dtype = _dtype(dtype)
    data = _bytes(data)
    # Computed with Python's integers, which cannot overflow.
    size = math.prod(shape) * dtype.itemsize
    if size != len(data) or min(shape, default=0) < 0:
        raise Refused(
            f"Expected {shown(size)} bytes for an array of shape "
            f"{shown(shape)}. Received: {len(data)}"
        )
    array = np.frombuffer(data, dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    # Convert from the byte order of the file to that of this machine.
    return array.astype(dtype.newbyteorder("="))


def _dtype(recorded):
    if not isinstance(recorded, _Dtype) or recorded.given[0] not in _INTEGERS:
        found = recorded.given[0] if isinstance(recorded, _Dtype) else recorded
        raise Refused(
            f"Expected integer arrays. Received: dtype {shown(found)}"
        )
    # The state consists of version, byte order, three entries that integers
    # lack, size and flags.
    order, rest = recorded.state[1], recorded.state[2:5]
    if order not in ("<", ">", "|", "=") or rest != (None, None, None):
        raise Refused(
            "Expected a plain integer dtype. "
            f"Received: state {shown(recorded.state)}"
        )
    return np.dtype(recorded.given[0]).newbyteorder(order)


def _bytes(recorded):
    if isinstance(recorded, bytes):
        return recorded
    if not isinstance(recorded, _Bytes) or recorded.given[1:] != ("latin1",):
        raise Refused(f"Expected an array's bytes. Received: {named(recorded)}")
    return recorded.given[0].encode("latin1")


def named(value: Any) -> str:
    """Returns the name of a value's type for a message."""
    return type(value).__name__.strip("_").lower()


def shown(value: Any) -> str:
    """Returns the representation of a value, shortened for a message."""
    return repr(value)[:80]
