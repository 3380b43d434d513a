import builtins
import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from noisy_keras.utils import torch_arrays
from tests.data import torch_files


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.pt"


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["<i8", ">i4", "u1", "<u2"])
def test_arrays_come_as_they_were_saved(path, protocol, dtype):
    saved = {
        "labels": np.arange(200, dtype=dtype),
        "matrix": np.asfortranarray(np.arange(6, dtype=dtype).reshape(2, 3)),
        "one": np.array(7, dtype),
    }
    torch_files.write(path, saved, protocol)
    arrays = torch_arrays.load(path)
    assert list(arrays) == list(saved)
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, saved[key])
        assert array.dtype == saved[key].dtype.newbyteorder("=")
        array[...] = 0


def test_names_of_both_numpy_generations_are_known(path):
    new = pickle.dumps({"a": np.arange(3)}, 2)
    old = new.replace(b"numpy._core", b"numpy.core")
    assert new != old
    for data in (old, new):
        torch_files.write(path, data)
        assert list(torch_arrays.load(path)["a"]) == [0, 1, 2]


class Calls:
    """Is pickled as a function call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Kept(pickle.Pickler):
    """Pickles arrays as references to other files, as for tensors."""

    def persistent_id(self, value):
        return "storage" if isinstance(value, np.ndarray) else None


def attacks(marker):
    system = Calls(os.system, f"touch {marker}")
    # A file is only written if the function is called.
    opened = Calls(open, str(marker), "w")
    array = np.arange(3)
    rebuild, arguments, state = array.__reduce__()
    yield "posix.system", {"a": system}
    yield "posix.system", system
    yield "posix.system", {system: array}
    yield "posix.system", {"a": array, "b": [array, (system,)]}
    yield "open", {"a": opened}
    yield "eval", {"a": Calls(builtins.eval, f"open({str(marker)!r}, 'w')")}
    yield "getattr", {"a": Calls(getattr, Calls(os.getcwd), "upper")}
    # Inside the state of an array.
    inner = Calls(rebuild, np.ndarray, (0,), system)
    yield "posix.system", {"a": inner}
    yield "posix.system", {"a": Calls(np.dtype, system)}
    yield "OrderedDict", collections.OrderedDict(a=array)
    yield "multiarray.scalar", {"a": array[0]}


def test_functions_in_a_pickle_are_rejected_and_never_called(path, tmp_path):
    marker = tmp_path / "ran"
    for protocol in (2, 4):
        for name, found in attacks(marker):
            torch_files.write(path, found, protocol)
            with pytest.raises(ValueError, match="that requests") as caught:
                torch_arrays.load(path)
            assert name in str(caught.value)
            assert str(path) in str(caught.value)
            assert not marker.exists()
    # Python's own reader does run the attack.
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {marker}")))
    assert marker.exists()


def test_an_attribute_of_an_admitted_name_is_refused(path):
    torch_files.write(path, b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.")
    with pytest.raises(ValueError, match="requests 'numpy.ndarray.dump'"):
        torch_arrays.load(path)


@pytest.mark.parametrize("name", ["numpy\nndarray", "_codecs\nencode"])
def test_an_admitted_name_cannot_be_changed(path, name):
    build = b"\x80\x02c" + name.encode() + b"\n"
    state = b"}X\x05\x00\x00\x00stateK\x01s"
    for data in (build + state + b"b.", build + b"N" + state + b"\x86b."):
        torch_files.write(path, data)
        with pytest.raises(ValueError, match="complete PyTorch file"):
            torch_arrays.load(path)
    torch_files.write(path, {"a": np.arange(3)})
    assert list(torch_arrays.load(path)["a"]) == [0, 1, 2]


def test_a_tensor_is_refused(path):
    data = io.BytesIO()
    Kept(data, 2).dump({"a": np.arange(3)})
    torch_files.write(path, data.getvalue())
    message = "stored outside the pickle, 'storage'"
    with pytest.raises(ValueError, match=message):
        torch_arrays.load(path)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([np.arange(3)], "Expected a dict of integer arrays. Received: list"),
        (np.arange(3), "Received: array"),
        ({"a": [1, 2]}, "Received: list at 'a'"),
        ({"a": {"b": np.arange(3)}}, "Received: dict at 'a'"),
        ({3: np.arange(3)}, "Received: array at 3"),
        ({"a": np.arange(3.0)}, "Received: dtype 'f8'"),
        ({"a": np.array(["x"])}, "Received: dtype 'U1'"),
        ({"a": np.array([True])}, "Received: dtype 'b1'"),
        ({"a": np.array([1, "x"], object)}, "Received: dtype 'O8'"),
        ({"a": np.zeros(2, [("x", "i8")])}, "Received: dtype 'V8'"),
        ({"a": np.dtype("i8")}, "Received: dtype at 'a'"),
    ],
)
def test_anything_but_integer_arrays_is_reported(path, found, message):
    torch_files.write(path, found)
    with pytest.raises(ValueError, match=message):
        torch_arrays.load(path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        # A shape of another size.
        (b"K\x03\x85", b"K\x04\x85", "Expected 32 bytes .* Received: 24"),
        (b"K\x03\x85", b"J\xfd\xff\xff\xff\x85", "Expected -24 bytes"),
        (b"\x06\x00\x00\x00latin1", b"\x06\x00\x00\x00utf-16", "array's bytes"),
        # A dtype that would read numbers as addresses of objects.
        (b"\x02\x00\x00\x00i8", b"\x02\x00\x00\x00O8", "dtype 'O8'"),
        (b"\x01\x00\x00\x00<", b"\x01\x00\x00\x00x", "plain integer dtype"),
    ],
)
def test_a_tampered_array_is_reported(path, before, after, message):
    data = pickle.dumps({"a": np.arange(3, dtype="<i8")}, 2)
    assert before in data
    torch_files.write(path, data.replace(before, after))
    with pytest.raises(ValueError, match=message):
        torch_arrays.load(path)


def test_memory_is_bounded(path, monkeypatch):
    array = np.zeros(100, np.int8)
    torch_files.write(path, {str(i): array for i in range(12)})
    size = os.path.getsize(path)
    assert size < 1100
    monkeypatch.setattr(torch_arrays, "MAX_BYTES", 1100)
    with pytest.raises(ValueError, match="in total. Received: more"):
        torch_arrays.load(path)
    monkeypatch.setattr(torch_arrays, "MAX_BYTES", size - 1)
    with pytest.raises(ValueError, match="at most 0 MiB. Received: more"):
        torch_arrays.load(path)
    # A memo entry whose number would allocate gigabytes.
    torch_files.write(path, b"\x80\x02}r\xff\xff\xff\x7f.")
    with pytest.raises(ValueError, match="numbered 2147483647"):
        torch_arrays.load(path)


def test_a_compressed_pickle_is_refused(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**6))
    with pytest.raises(ValueError, match="uncompressed"):
        torch_arrays.load(path)


def test_other_files_are_reported(path):
    with pytest.raises(OSError, match="labels.pt"):
        torch_arrays.load(path)
    path.write_bytes(pickle.dumps({"a": np.arange(3)}))
    with pytest.raises(ValueError, match="since PyTorch 1.6"):
        torch_arrays.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/version", "3\n")
    with pytest.raises(ValueError, match="Received: 0 in an archive of 1"):
        torch_arrays.load(path)
    torch_files.write(path, {"a": np.arange(300)})
    complete = path.read_bytes()
    path.write_bytes(complete[:500])
    with pytest.raises(
        ValueError, match="complete PyTorch file. Received: BadZip"
    ):
        torch_arrays.load(path)
    torch_files.write(path, pickle.dumps({"a": np.arange(300)}, 2)[:-9])
    with pytest.raises(ValueError, match="complete PyTorch file"):
        torch_arrays.load(path)
