"""Random numbers that are the same on every device and under XLA.

TensorFlow's stateless floats differ between its plain and its XLA kernels; its
stateless integers agree. Everything random inside a training step is therefore
made from integers here, so that a step is a pure function of its weights and
its batch, with `jit_compile=True` or without.
"""

from collections.abc import Sequence

import tensorflow as tf

from noisy_keras.utils.types import TensorLike


def fold_in(seed: TensorLike, number: int) -> tf.Tensor:
    """Derives an independent seed from a seed and a number.

    Args:
        seed: int32 tensor `[2]`.
        number: int >= 0, identifies one of the uses of randomness in a step.

    Returns:
        Int32 tensor `[2]`.
    """
    # Two independent draws make the new seed, so that neighbouring seeds and
    # neighbouring numbers give unrelated streams.
    return _bits([number + 1, 2], seed)[number]


def uniform(shape: Sequence[int], seed: TensorLike) -> tf.Tensor:
    """Draws from the uniform distribution on `[0, 1)`.

    Args:
        shape: static shape, a sequence of ints.
        seed: int32 tensor `[2]`.

    Returns:
        Float32 tensor of the given shape, with 24 random bits.
    """
    bits = tf.bitcast(_bits(shape, seed), tf.uint32)
    high = tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32))
    return tf.cast(high, tf.float32) * (1.0 / (1 << 24))


def permutation(size: int, seed: TensorLike) -> tf.Tensor:
    """Draws a random permutation of `range(size)`.

    Args:
        size: int, static length.
        seed: int32 tensor `[2]`.

    Returns:
        Int32 tensor `[size]`.
    """
    return tf.argsort(_bits([size], seed), stable=True)


def _bits(shape: Sequence[int], seed: TensorLike) -> tf.Tensor:
    return tf.random.stateless_uniform(
        shape,
        seed,
        minval=None,
        maxval=None,
        dtype=tf.int32,
        alg="philox",
    )
