"""Memory that TensorFlow takes from NumPy without a copy."""

import numpy as np

_ALIGNMENT = 64


def empty(shape, dtype=np.uint8):
    """As `np.empty`, at an address that suits a tensor.

    What `tf.numpy_function` returns is copied unless it starts at a multiple
    of 64 bytes, which NumPy's own large arrays never do.

    Args:
        shape: tuple of ints.
        dtype: of the array.

    Returns:
        An array whose values are whatever was there.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    offset = -raw.ctypes.data % _ALIGNMENT
    return raw[offset : offset + size].view(dtype).reshape(shape)
