"""NumPy arrays that TensorFlow can use without a copy."""

import numpy as np
import numpy.typing as npt

_ALIGNMENT = 64


def empty(
    shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8
) -> np.ndarray:
    """Allocates an array as `np.empty` does, aligned to 64 bytes.

    TensorFlow copies the result of `tf.numpy_function` unless it starts at a
    multiple of 64 bytes, which NumPy's own large arrays never do.

    Args:
        shape: tuple of int, the shape of the array.
        dtype: NumPy dtype of the array.

    Returns:
        Array of that shape and dtype with arbitrary values.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    offset = -raw.ctypes.data % _ALIGNMENT
    return raw[offset : offset + size].view(dtype).reshape(shape)
