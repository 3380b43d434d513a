import numpy as np
import tensorflow as tf

from noisy_keras.ops import random

SEED = tf.constant([3, 7])


def test_numbers_are_the_same_under_xla():
    def draw(seed):
        return (
            random.uniform([64], seed),
            random.permutation(64, seed),
            random.fold_in(seed, 5),
        )

    plain = tf.function(draw)(SEED)
    compiled = tf.function(draw, jit_compile=True)(SEED)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_array_equal(a, b)


def test_uniform_fills_the_unit_interval():
    draws = random.uniform([20000], SEED).numpy()
    assert draws.min() >= 0.0 and draws.max() < 1.0
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    # Five standard deviations of a binomial count.
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000 * 0.9)


def test_permutation_holds_every_number_once():
    order = random.permutation(100, SEED).numpy()
    np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert (order != np.arange(100)).any()


def test_uses_and_seeds_give_unrelated_streams():
    draws = [random.uniform([1000], random.fold_in(SEED, i)) for i in range(3)]
    draws.append(random.uniform([1000], random.fold_in(SEED + 1, 0)))
    correlation = np.corrcoef(np.stack(draws)) - np.eye(4)
    assert np.abs(correlation).max() < 0.15
