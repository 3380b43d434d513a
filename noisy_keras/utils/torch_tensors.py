"""Safe reading of the tensors of a PyTorch file, without PyTorch.

Before version 1.6, `torch.save` wrote three short pickles, a pickle of the
tensors, a pickle of the keys of their storages, and the storages themselves,
one after another. A tensor is a view of a storage, with an offset and a stride
in elements for each of its axes.

The reader of `torch_arrays` reads the pickles, and admits the four names that
tensors require instead of those of NumPy's arrays. It calls none of them.
"""

import io
import math
import os
import struct
from typing import Any

import numpy as np

from noisy_keras.utils import torch_arrays
from noisy_keras.utils.torch_arrays import Refused
from noisy_keras.utils.torch_arrays import shown

# Numbers by which PyTorch marks its files, and their version.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def load(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a dict of tensors that PyTorch before 1.6 wrote.

    Args:
        path: str, path of a file of at most 64 MiB.

    Returns:
        dict from str to array, float32 or int64.

    Raises:
        ValueError: the file has another format, is damaged, or contains a
            pickle of anything but such tensors, which is not executed.
        OSError: the file cannot be read.
    """
    return torch_arrays.read(path, _tensors)


class _Dict(dict):
    """Stands in for an ordered dict; its attributes are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Tensor(torch_arrays.StandIn):
    """Stands in for the function that makes a tensor."""


class _Floats(torch_arrays.StandIn):
    dtype = np.dtype("<f4")


class _Integers(torch_arrays.StandIn):
    dtype = np.dtype("<i8")


class _Storage:
    """A storage that a tensor is a view of, whose values follow later."""

    def __init__(self, kind: type, key: str, length: int) -> None:
        self.dtype, self.key, self.length = kind.dtype, key, length


class _Reader(torch_arrays.Reader):
    """An unpickler that accepts only the names that tensors require."""

    content = "float32 and int64 tensors only"
    names = {
        ("collections", "OrderedDict"): _Dict,
        ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
        ("torch", "FloatStorage"): _Floats,
        ("torch", "LongStorage"): _Integers,
    }

    def persistent_load(self, pid: Any) -> Any:
        word, kind, key, _, length, view = pid
        if (
            word != "storage"
            or kind not in (_Floats, _Integers)
            or not isinstance(key, str)
            or type(length) is not int
            or view is not None
        ):
            raise Refused(f"Expected a whole storage. Received: {shown(pid)}")
        return _Storage(kind, key, length)


def _tensors(content):
    stream = io.BytesIO(content)
    magic, protocol, system = (_unpickled(stream, content) for _ in range(3))
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        raise Refused(
            "Expected a file of PyTorch before 1.6. "
            f"Received: one that begins with {shown(magic)}"
        )
    if system.get("little_endian") is not True:
        raise Refused("Expected little-endian numbers. Received: others")
    found = _unpickled(stream, content)
    keys = _unpickled(stream, content)
    if not isinstance(found, dict):
        raise Refused(
            f"Expected a dict of tensors. Received: {torch_arrays.named(found)}"
        )
    storages = {}
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise Refused(
                "Expected a dict of names to tensors. Received: "
                f"{torch_arrays.named(tensor)} at {shown(name)}"
            )
        storages[tensor.given[0].key] = tensor.given[0]
    values = {}
    for key in keys:
        length = storages[key].length
        [written] = struct.unpack("<q", stream.read(8))
        if written != length:
            raise Refused(
                f"Expected {shown(length)} numbers in a storage. "
                f"Received: {written}"
            )
        dtype = storages[key].dtype
        data = stream.read(length * dtype.itemsize)
        if len(data) != length * dtype.itemsize:
            raise Refused(
                "Expected a whole file. Received: one that ends within a "
                "storage"
            )
        values[key] = np.frombuffer(data, dtype)
    return {name: _array(*t.given[:4], values) for name, t in found.items()}


def _unpickled(stream, content):
    torch_arrays.check_memo(content[stream.tell() :])
    return _Reader(stream).load()


def _array(storage, offset, shape, strides, values):
    """The values of a tensor, in an array of its own."""
    numbers = (offset, *shape, *strides)
    whole = all(type(n) is int and n >= 0 for n in numbers)
    # The last element that a view reaches. Python's integers do not overflow.
    last = offset + sum(
        (n - 1) * s for n, s in zip(shape, strides, strict=True)
    )
    flat = values[storage.key]
    if not whole or math.prod(shape) > len(flat) or last >= len(flat):
        # Empty tensors are of no use here.
        raise Refused(
            f"Expected a view within a storage of {len(flat)} numbers. "
            f"Received: offset {shown(offset)}, shape {shown(shape)}, strides "
            f"{shown(strides)}"
        )
    view = np.lib.stride_tricks.as_strided(
        flat[offset:],
        shape,
        [stride * flat.itemsize for stride in strides],
        writeable=False,
    )
    return view.astype(flat.dtype.newbyteorder("="))
