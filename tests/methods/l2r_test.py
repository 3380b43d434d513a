import numpy as np
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import losses
from noisy_keras.testing import TrustedMethodTests
from noisy_keras.testing import toy


class TestL2R(TrustedMethodTests):
    epochs = 20
    # The one of its kind that takes little.
    large = (
        "test_xla_gives_the_same_losses",
        "test_two_replicas_train_with_equal_tables",
    )
    # Of the base class: `TestIEG` has them.
    test_true_labels_reach_no_batch = None
    test_mixed_precision_trains = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None

    def build(self, source):
        return nk.L2R(toy.network(), source.num_samples)


def test_weights_are_the_agreement_of_gradients():
    source = toy.source(16, rate=0.5)
    model = nk.L2R(toy.network(), 16, view="none")
    # Decay has no part in what a sample is worth.
    model.compile(nk.MomentumSGD(0.0, weight_decay=0.3))
    model.fit(source, trusted=toy.trusted(), batch_size=16, epochs=1, verbose=0)
    theta = model.parameters()
    images = tf.cast(source.fetch(np.arange(16)), tf.float32)
    trusted = toy.trusted()
    probe = tf.cast(trusted.fetch(np.arange(16)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(theta)
        each = losses.sparse_cross_entropy(
            source.labels, model.forward(theta, images)
        )
        loss = tf.reduce_mean(
            losses.sparse_cross_entropy(
                trusted.labels, model.forward(theta, probe)
            )
        )
    direction = tape.gradient(loss, theta)
    agreement = np.array(
        [
            sum(
                float(tf.reduce_sum(g * d))
                for g, d in zip(
                    tape.gradient(
                        each, theta, output_gradients=tf.one_hot(i, 16)
                    ),
                    direction,
                    strict=True,
                )
            )
            for i in range(16)
        ]
    )
    expected = np.maximum(agreement, 0.0)
    expected /= expected.sum() + 1e-5
    weights = model.sample_weight.numpy()[:, 0] / 16.0
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    assert 0.0 < (weights == 0.0).mean() < 1.0
