"""Running a SavedModel through TensorFlow's C API, as a server does.

No Python of TensorFlow has a part in it: the graph is loaded by
`TF_LoadSessionFromSavedModel`, which has C++ read it into a session.
"""

import ctypes
import glob
import os

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_FLOAT, _UINT8, _STRING = 1, 4, 7
# A TF_TString that points to bytes of others: the kind is in the lowest bits.
_VIEW = 3


class _Output(ctypes.Structure):
    _fields_ = [("oper", ctypes.c_void_p), ("index", ctypes.c_int)]


class _String(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("data", ctypes.c_char_p),
        ("unused", ctypes.c_size_t),
    ]


def library():
    """The library of the wheel that has the C API, or None."""
    folder = os.path.dirname(tf.__file__)
    names = ("libtensorflow_cc.so.2", "python/_pywrap_tensorflow_common.so")
    for pattern in (*names, "libtensorflow*.so*"):
        for path in glob.glob(os.path.join(folder, pattern)):
            found = ctypes.CDLL(path)
            if hasattr(found, "TF_LoadSessionFromSavedModel"):
                return _typed(found)
    return None


def _typed(found):
    pointer = ctypes.c_void_p
    for name in (
        "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_AllocateTensor "
        "TF_TensorData TF_GraphOperationByName TF_LoadSessionFromSavedModel"
    ).split():
        getattr(found, name).restype = pointer
    found.TF_Message.restype = ctypes.c_char_p
    found.TF_TensorByteSize.restype = ctypes.c_size_t
    return found


class Session:
    """A SavedModel in a session of the C API.

    Args:
        c: `library()`.
        folder: of the SavedModel.
    """

    def __init__(self, c, folder):
        self.c = c
        self.status = ctypes.c_void_p(c.TF_NewStatus())
        self.graph = ctypes.c_void_p(c.TF_NewGraph())
        options = ctypes.c_void_p(c.TF_NewSessionOptions())
        tags = (ctypes.c_char_p * 1)(b"serve")
        loaded = c.TF_LoadSessionFromSavedModel(
            options,
            None,
            os.fsencode(folder),
            tags,
            1,
            self.graph,
            None,
            self.status,
        )
        self._check()
        self.session = ctypes.c_void_p(loaded)
        model = saved_model_pb2.SavedModel()
        with open(os.path.join(folder, "saved_model.pb"), "rb") as stream:
            model.ParseFromString(stream.read())
        self.signatures = model.meta_graphs[0].signature_def

    def run(self, signature, values, output):
        """Runs a signature of one input.

        Args:
            signature: its name.
            values: list of bytes, or uint8 array.
            output: name of a float32 output.

        Returns:
            float32 array.
        """
        spec = self.signatures[signature]
        [given] = spec.inputs.values()
        wanted = spec.outputs[output]
        feed = self._tensor(values)
        result = ctypes.c_void_p()
        self.c.TF_SessionRun(
            self.session,
            None,
            ctypes.byref(self._output(given.name)),
            ctypes.byref(feed),
            1,
            ctypes.byref(self._output(wanted.name)),
            ctypes.byref(result),
            1,
            None,
            0,
            None,
            self.status,
        )
        self._check()
        size = self.c.TF_TensorByteSize(result)
        data = ctypes.string_at(self.c.TF_TensorData(result), size)
        shape = [
            self.c.TF_Dim(result, k) for k in range(self.c.TF_NumDims(result))
        ]
        return np.frombuffer(data, np.float32).reshape(shape)

    def _check(self):
        if self.c.TF_GetCode(self.status):
            raise RuntimeError(self.c.TF_Message(self.status).decode())

    def _output(self, name):
        operation, index = name.split(":")
        found = self.c.TF_GraphOperationByName(self.graph, operation.encode())
        return _Output(found, int(index))

    def _tensor(self, values):
        if isinstance(values, list):
            self.kept = values  # The tensor only points to them.
            shape, kind = [len(values)], _STRING
            rows = [_String(4 * len(v) + _VIEW, v, 0) for v in values]
            data = b"".join(bytes(row) for row in rows)
        else:
            shape, kind, data = values.shape, _UINT8, values.tobytes()
        sizes = (ctypes.c_int64 * len(shape))(*shape)
        length = ctypes.c_size_t(len(data))
        made = self.c.TF_AllocateTensor(kind, sizes, len(shape), length)
        ctypes.memmove(
            self.c.TF_TensorData(ctypes.c_void_p(made)), data, len(data)
        )
        return ctypes.c_void_p(made)
