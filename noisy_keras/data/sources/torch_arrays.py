"""NumPy arrays out of PyTorch's files, without PyTorch and without trust.

`torch.save` writes a zip archive whose `data.pkl` is a pickle, and a pickle
may name any function for its reader to call. This reader admits the five names
that arrays need, and calls not even those: stand-ins take down what they would
have been given, and integer arrays are made from that.
"""

import io
import math
import pickle
import pickletools
import zipfile

import numpy as np
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

# Twenty times what human labels of 50,000 pictures need.
_MAX_BYTES = 64 * 2**20

_INTEGERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}


def load(path):
    """Reads a dict of integer arrays that `torch.save` wrote.

    Args:
        path: a zip file, as PyTorch writes them since version 1.6, of at most
            64 MiB.

    Returns:
        dict of str to integer array, of any shape but an empty one.

    Raises:
        ValueError: another format; a pickle that asks for more than integer
            arrays, which is refused and never run; a damaged file.
        OSError: it cannot be read.
    """
    try:
        with tf.io.gfile.GFile(str(path), "rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except tf.errors.OpError as error:
        raise OSError(f"Could not read {path}: {error.message}") from error
    try:
        data = _pickle_of(content)
        _check_memo(data)
        return _arrays(_Reader(io.BytesIO(data)).load())
    except _Refused as error:
        raise ConfigurationError(f"{error}. The file: {path}") from error
    # A damaged archive or pickle raises whatever it happens to hit.
    except Exception as error:
        raise ConfigurationError(
            "Expected a PyTorch file that is whole. "
            f"Received: {type(error).__name__}: {error}. The file: {path}"
        ) from error


class _Refused(ConfigurationError):
    """The file asks for what this reader does not give."""


class _StandIn:
    """In place of a NumPy name: takes down what that would be given.

    Nothing is copied here: a small pickle could ask for many copies. Nor is
    anything set: with a `__setstate__`, pickles reach no attribute.
    """

    def __init__(self, *given):
        self.given = given
        self.state = None

    def __setstate__(self, state):
        self.state = state


class _Array(_StandIn):
    pass


class _Dtype(_StandIn):
    pass


class _Bytes(_StandIn):
    pass


class _Reader(pickle.Unpickler):
    """Reads pickles that name nothing but what arrays are made with."""

    _names = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        # How protocol 2, which PyTorch keeps to, writes bytes.
        ("_codecs", "encode"): _Bytes,
    }

    def find_class(self, module, name):
        if (module, name) not in self._names:
            raise _Refused(
                "Expected a pickle of integer arrays alone. Received: one "
                f"that asks for {_shown(f'{module}.{name}')}"
            )
        return self._names[module, name]

    def persistent_load(self, pid):
        raise _Refused(
            "Expected NumPy arrays alone. Received: a tensor or another "
            f"object that is kept outside the pickle, {_shown(pid)}"
        )


def _pickle_of(content):
    """Takes the one pickle out of an archive."""
    if len(content) > _MAX_BYTES:
        raise _Refused(
            f"Expected at most {_MAX_BYTES // 2**20} MiB. Received: more"
        )
    if not content.startswith(b"PK"):
        raise _Refused(
            "Expected a zip file, as `torch.save` writes since PyTorch 1.6. "
            "Received: another format: that of an older PyTorch, or a "
            "download that went wrong"
        )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        pickles = [n for n in names if n.split("/")[-1] == "data.pkl"]
        if len(pickles) != 1:
            raise _Refused(
                "Expected one `data.pkl`, as `torch.save` writes it. "
                f"Received: {len(pickles)} in an archive of {len(names)} files"
            )
        # As PyTorch has it; and so what comes out is no larger than the file.
        if archive.getinfo(pickles[0]).compress_type != zipfile.ZIP_STORED:
            raise _Refused(
                "Expected `data.pkl` as `torch.save` writes it, uncompressed. "
                "Received: a compressed one"
            )
        return archive.read(pickles[0])


def _check_memo(data):
    # An unpickler makes room for as many objects as the highest number says.
    for opcode, number, _ in pickletools.genops(data):
        if opcode.name.endswith("PUT") and number > len(data):
            raise _Refused(
                f"Expected a pickle of at most {len(data)} objects, one per "
                f"byte. Received: one numbered {_shown(number)}"
            )


def _arrays(found):
    if type(found) is not dict:
        raise _Refused(
            f"Expected a dict of integer arrays. Received: {_named(found)}"
        )
    arrays, total = {}, 0
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, _Array):
            raise _Refused(
                "Expected a dict of names to integer arrays. "
                f"Received: {_named(value)} at {_shown(key)}"
            )
        arrays[key] = _array(value)
        total += arrays[key].nbytes
        if total > _MAX_BYTES:
            raise _Refused(
                f"Expected arrays of at most {_MAX_BYTES // 2**20} MiB in "
                "all. Received: more"
            )
    return arrays


def _array(noted):
    version, shape, dtype, fortran, data = noted.state
    dtype = _dtype(dtype)
    data = _bytes(data)
    # As Python numbers, which cannot overflow.
    size = math.prod(shape) * dtype.itemsize
    if size != len(data) or min(shape, default=0) < 0:
        raise _Refused(
            f"Expected {_shown(size)} bytes for an array of shape "
            f"{_shown(shape)}. Received: {len(data)}"
        )
    array = np.frombuffer(data, dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    # In the order of bytes of this machine, whatever machine wrote it.
    return array.astype(dtype.newbyteorder("="))


def _dtype(noted):
    if not isinstance(noted, _Dtype) or noted.given[0] not in _INTEGERS:
        told = noted.given[0] if isinstance(noted, _Dtype) else noted
        raise _Refused(
            f"Expected integer arrays. Received: dtype {_shown(told)}"
        )
    # Version, byte order, then what integers have none of, sizes and flags.
    order, rest = noted.state[1], noted.state[2:5]
    if order not in ("<", ">", "|", "=") or rest != (None, None, None):
        raise _Refused(
            "Expected a plain integer dtype. "
            f"Received: state {_shown(noted.state)}"
        )
    return np.dtype(noted.given[0]).newbyteorder(order)


def _bytes(noted):
    if isinstance(noted, bytes):
        return noted
    if not isinstance(noted, _Bytes) or noted.given[1:] != ("latin1",):
        raise _Refused(f"Expected an array's bytes. Received: {_named(noted)}")
    return noted.given[0].encode("latin1")


def _named(value):
    return type(value).__name__.strip("_").lower()


def _shown(value):
    """What a file holds, cut to what a message has room for."""
    return repr(value)[:80]
