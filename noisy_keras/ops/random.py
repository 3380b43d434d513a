"""Random numbers that are the same on every device and under XLA.

TensorFlow's stateless *floats* differ between the plain and the XLA kernels;
its stateless *integers* agree. Everything random inside a training step is
therefore made from integers here, so that a step is a pure function of its
weights and its batch, with `jit_compile=True` or without.
"""

import tensorflow as tf


def fold_in(seed, number: int):
    """Returns an independent seed for one use among several in a step.

    Args:
        seed: int32 `[2]`.
        number: Python int that names the use.

    Returns:
        int32 `[2]`.
    """
    # Two independent draws decide the new key, so neighbouring seeds and
    # neighbouring numbers give unrelated streams.
    return _bits([number + 1, 2], seed)[number]


def uniform(shape, seed):
    """Draws from the uniform distribution on `[0, 1)`.

    Args:
        shape: static shape.
        seed: int32 `[2]`.

    Returns:
        float32 tensor of `shape`, with 24 random bits.
    """
    bits = tf.bitcast(_bits(shape, seed), tf.uint32)
    high = tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32))
    return tf.cast(high, tf.float32) * (1.0 / (1 << 24))


def permutation(size: int, seed):
    """Draws a random permutation of `range(size)`.

    Args:
        size: static length.
        seed: int32 `[2]`.

    Returns:
        int32 `[size]`.
    """
    return tf.argsort(_bits([size], seed), stable=True)


def _bits(shape, seed):
    return tf.random.stateless_uniform(
        shape,
        seed,
        minval=None,
        maxval=None,
        dtype=tf.int32,
        alg="philox",
    )
