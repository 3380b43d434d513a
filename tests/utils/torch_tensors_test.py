"""Reading tensors of old PyTorch files, which these tests write by hand."""

import collections
import os
import pickle
import struct

import numpy as np
import pytest

from noisy_keras.utils import torch_tensors

_MAGIC = 0x1950A86A20F9469CFC6C


class Global:
    """Is pickled as a name."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


class Pickler(pickle._Pickler):
    """Pickles names, tensors and their storages as PyTorch does."""

    def save_global(self, obj, name=None):
        self.write(pickle.GLOBAL + obj.name.encode() + b"\n")

    dispatch = {**pickle._Pickler.dispatch, Global: save_global}

    def save_tensor(self, tensor):
        values, offset, shape, strides = tensor
        self.save(Global("torch._utils\n_rebuild_tensor_v2"))
        self.write(pickle.MARK)
        kind = {"f": "FloatStorage", "i": "LongStorage"}[values.dtype.kind]
        length = self.lengths.get(id(values), len(values))
        pid = ("storage", Global(f"torch\n{kind}"), key_of(values), "cpu")
        self.save((*pid, length, None))
        self.write(pickle.BINPERSID)
        self.save(offset)
        self.save(shape)
        self.save(strides)
        self.save(False)
        self.save(collections.OrderedDict())
        self.write(pickle.TUPLE + pickle.REDUCE)

    lengths: dict = {}


class View(tuple):
    """Values, offset, shape and strides of a tensor."""


Pickler.dispatch[View] = Pickler.save_tensor


def key_of(values):
    return str(id(values))


def write(path, found, magic=_MAGIC, little=True, cut=0, written=None):
    """Writes an ordered dict of views as PyTorch did before 1.6."""
    storages = {}
    for view in found.values():
        if isinstance(view, View):
            storages[key_of(view[0])] = view[0]
    with open(path, "wb") as stream:
        for value in (magic, 1001, {"little_endian": little}):
            pickle.dump(value, stream, 2)
        Pickler(stream, 2).dump(found)
        pickle.dump(list(storages), stream, 2)
        for values in storages.values():
            stream.write(struct.pack("<q", written or len(values)))
            stream.write(values.tobytes())
    if cut:
        with open(path, "r+b") as stream:
            stream.truncate(os.path.getsize(path) - cut)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


FLOATS = np.arange(24, dtype=np.float32)


def test_tensors_are_views_with_strides(path):
    count = np.array([7], np.int64)
    write(
        path,
        collections.OrderedDict(
            plain=View((FLOATS, 0, (2, 3, 4), (12, 4, 1))),
            turned=View((FLOATS, 0, (4, 6), (1, 4))),
            part=View((FLOATS, 5, (3,), (2,))),
            count=View((count, 0, (), ())),
        ),
    )
    found = torch_tensors.load(path)
    assert list(found) == ["plain", "turned", "part", "count"]
    np.testing.assert_array_equal(found["plain"], FLOATS.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["turned"], FLOATS.reshape(6, 4).T)
    np.testing.assert_array_equal(found["part"], [5.0, 7.0, 9.0])
    assert found["count"] == 7 and found["count"].dtype == np.int64
    found["plain"][...] = 0.0
    assert found["turned"][1, 0] == 1.0


@pytest.mark.parametrize(
    "view",
    [
        (FLOATS, 0, (25,), (1,)),
        (FLOATS, 20, (5,), (1,)),
        (FLOATS, 0, (2, 3), (24, 1)),
        (FLOATS, -1, (2,), (1,)),
        (FLOATS, 8, (2,), (-1,)),
        # Little is stored, much would be made of it.
        (FLOATS, 0, (10**9, 10**9), (0, 0)),
        (FLOATS, 0, ("2",), (1,)),
    ],
)
def test_a_view_beyond_its_storage_is_refused(path, view):
    write(path, {"a": View(view)})
    with pytest.raises(ValueError, match=r"Expected .*The file: "):
        torch_tensors.load(path)


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", ["value", "key list", "magic"])
def test_functions_are_not_called(path, tmp_path, place):
    marker = tmp_path / "ran"
    attack = pickle.dumps(Calls(os.system, f"touch {marker}"), 2)
    with open(path, "wb") as stream:
        for value in (_MAGIC, 1001, {"little_endian": True}):
            if place == "magic":
                stream.write(attack)
            pickle.dump(value, stream, 2)
        if place == "value":
            stream.write(attack)
        else:
            pickle.dump({}, stream, 2)
            stream.write(attack)
    with pytest.raises(ValueError, match="posix.system"):
        torch_tensors.load(path)
    assert not marker.exists()
    pickle.loads(attack)
    assert marker.exists()


def test_names_of_arrays_are_not_admitted(path):
    with open(path, "wb") as stream:
        for value in (_MAGIC, 1001, {"little_endian": True}):
            pickle.dump(value, stream, 2)
        pickle.dump({"a": np.arange(3)}, stream, 2)
    with pytest.raises(ValueError, match="float32 and int64 tensors only"):
        torch_tensors.load(path)


def test_other_files_are_refused(path):
    tensors = {"a": View((FLOATS, 0, (24,), (1,)))}
    write(path, tensors, magic=5)
    with pytest.raises(ValueError, match="before 1.6. Received.* 5"):
        torch_tensors.load(path)
    write(path, tensors, little=False)
    with pytest.raises(ValueError, match="little-endian"):
        torch_tensors.load(path)
    write(path, tensors, cut=3)
    with pytest.raises(ValueError, match="ends within a storage"):
        torch_tensors.load(path)
    write(path, tensors, written=25)
    with pytest.raises(ValueError, match="24 numbers in a storage"):
        torch_tensors.load(path)
    write(path, {"a": 5})
    with pytest.raises(ValueError, match="Received: int at 'a'"):
        torch_tensors.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="complete PyTorch file"):
        torch_tensors.load(path)
    with pytest.raises(OSError, match="Could not read"):
        torch_tensors.load(path.with_name("none"))
