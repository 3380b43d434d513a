"""The checksum of TFRecord files: CRC-32C, masked."""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected.
_MASK = 0xA282EAD8
_BLOCK = 1024
# Arrays cost more than they save below this.
_SHORT = 64


@functools.cache
def _tables():
    """What a byte adds to the checksum, `[_BLOCK * 256]`.

    Entry `256 * place + byte`, with places counted from the start of a block.
    The checksum is linear, so that the bytes of a block can be looked up at
    once and what they add be combined by exclusive or.
    """
    row = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = (row >> 1) ^ np.where(row & 1, np.uint32(_POLYNOMIAL), 0)
    first = row.astype(np.uint32)
    rows = [first]
    for _ in range(_BLOCK - 1):
        row = rows[-1]
        rows.append((row >> 8) ^ first[row & 255])
    return np.concatenate(rows[::-1])


@functools.cache
def _lists():
    """Tables for Python's own integers: one byte, and the four of a state."""
    rows = _tables().reshape(_BLOCK, 256)
    return rows[-1].tolist(), [row.tolist() for row in rows[:4]]


@functools.cache
def _places():
    return np.arange(_BLOCK, dtype=np.intp) * 256


def crc32c(data):
    """CRC-32C of some bytes.

    Args:
        data: bytes, or anything with a buffer.

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
    # Zeros in front leave a state of zero as it is; the state that a checksum
    # starts with is put into the first bytes instead.
    blocks = -(-len(view) // _BLOCK)
    start = blocks * _BLOCK - len(view)
    padded = np.zeros(blocks * _BLOCK, np.uint8)
    padded[start:] = np.frombuffer(view, np.uint8)
    padded[start : start + 4] ^= 255
    places = padded.reshape(blocks, _BLOCK) + _places()
    # Indices are in range by construction; "wrap" checks nothing.
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


def masked(data):
    """The checksum as TFRecord files have it.

    Args:
        data: bytes.

    Returns:
        int in `[0, 2**32)`.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
