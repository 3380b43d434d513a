import numpy as np
import tensorflow as tf

from noisy_keras.ops import mixing


def test_sharpen_by_hand():
    result = mixing.sharpen(tf.constant([[0.5, 0.3, 0.2]]), 0.5)
    np.testing.assert_allclose(result, np.array([[25, 9, 4]]) / 38, rtol=1e-6)


def test_sharpen_at_one_changes_nothing():
    p = tf.constant([[0.5, 0.3, 0.2]])
    np.testing.assert_allclose(mixing.sharpen(p, 1.0), p, rtol=1e-6)


def test_sharpen_has_a_gradient_where_a_class_is_ruled_out():
    logits = tf.constant([[0.0, 60.0, 200.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        probabilities = tf.nn.softmax(logits)
        last = mixing.sharpen(probabilities, 0.5)[0, 2]
    assert float(probabilities[0, 0]) == 0.0
    np.testing.assert_allclose(tape.gradient(last, logits), [[0.0] * 3])


def test_co_refine_trusts_a_clean_label_and_a_guess_for_a_doubtful_one():
    targets = tf.constant([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    guesses = tf.constant([[0.2, 0.8]] * 3)
    result = mixing.co_refine(targets, guesses, tf.constant([1.0, 0.0, 0.5]))
    np.testing.assert_allclose(
        result, [[1.0, 0.0], [0.2, 0.8], [0.6, 0.4]], rtol=1e-6
    )


def test_mixup_mixes_images_and_targets_by_the_same_ratio():
    images = tf.reshape(tf.constant([0.0, 10.0, 20.0]), [3, 1, 1, 1])
    targets = tf.one_hot([0, 1, 2], 3)
    mixed, labels = mixing.mixup(images, targets, 0.75, tf.constant([1, 2, 0]))
    np.testing.assert_allclose(mixed[:, 0, 0, 0], [2.5, 12.5, 15.0])
    np.testing.assert_allclose(labels[0], [0.75, 0.25, 0.0])


def test_mixup_at_one_changes_nothing():
    images = tf.random.uniform([4, 2, 2, 3])
    targets = tf.eye(4)
    mixed, labels = mixing.mixup(
        images, targets, 1.0, tf.constant([3, 2, 1, 0])
    )
    np.testing.assert_array_equal(mixed, images)
    np.testing.assert_array_equal(labels, targets)


def test_sharpen_stays_finite_at_low_temperatures():
    uniform = np.full((1, 100), 0.01, np.float32)
    np.testing.assert_allclose(mixing.sharpen(uniform, 0.02), uniform, 1e-4)
    certain = mixing.sharpen(np.float32([[1.0, 0.0]]), 0.5)
    np.testing.assert_array_equal(certain, [[1.0, 0.0]])
