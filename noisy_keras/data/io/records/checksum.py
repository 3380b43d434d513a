"""The checksum of TFRecord files: masked CRC-32C."""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli's polynomial, bits reversed.
_MASK = 0xA282EAD8
_BLOCK = 1024
# Below this number of bytes, a loop in Python is faster than NumPy.
_SHORT = 64


@functools.cache
def _tables():
    """Computes the contribution of each byte, `[_BLOCK * 256]`.

    Entry `256 * place + byte` is for a byte at `place`, counted from the start
    of a block. CRC is linear, so the contributions of a block's bytes can be
    looked up at once and combined by exclusive or.
    """
    row = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = (row >> 1) ^ np.where(row & 1, np.uint32(_POLYNOMIAL), 0)
    last = row.astype(np.uint32)
    rows = [last]
    for _ in range(_BLOCK - 1):
        row = rows[-1]
        rows.append((row >> 8) ^ last[row & 255])
    return np.concatenate(rows[::-1])


@functools.cache
def _lists():
    """Returns the tables of one byte and of a state's four bytes as lists."""
    rows = _tables().reshape(_BLOCK, 256)
    return rows[-1].tolist(), [row.tolist() for row in rows[:4]]


@functools.cache
def _places():
    return np.arange(_BLOCK, dtype=np.intp) * 256


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """Computes the CRC-32C checksum.

    Args:
        data: bytes, or another object with a buffer of bytes.

    Returns:
        int in `[0, 2**32)`.
    """
    byte, state_bytes = _lists()
    view = memoryview(data)
    if len(view) < _SHORT:
        state = 0xFFFFFFFF
        for value in view:
            state = (state >> 8) ^ byte[(state ^ value) & 255]
        return state ^ 0xFFFFFFFF
    # Leading zeros do not change a state of zero, so the block is padded at
    # the front, and the initial state of ones goes into the first data bytes.
    blocks = -(-len(view) // _BLOCK)
    start = blocks * _BLOCK - len(view)
    padded = np.zeros(blocks * _BLOCK, np.uint8)
    padded[start:] = np.frombuffer(view, np.uint8)
    padded[start : start + 4] ^= 255
    places = padded.reshape(blocks, _BLOCK) + _places()
    # Indices are in range by construction; mode "wrap" skips the check.
    added = np.take(_tables(), places, mode="wrap")
    one, two, three, four = state_bytes
    state = 0
    for value in np.bitwise_xor.reduce(added, axis=1).tolist():
        state = (
            value
            ^ one[state & 255]
            ^ two[state >> 8 & 255]
            ^ three[state >> 16 & 255]
            ^ four[state >> 24]
        )
    return state ^ 0xFFFFFFFF


def masked(data: bytes | bytearray | memoryview) -> int:
    """Computes the checksum with the mask that TFRecord files apply.

    Args:
        data: bytes, or another object with a buffer of bytes.

    Returns:
        int in `[0, 2**32)`.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
