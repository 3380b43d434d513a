"""Tests that every method with a meta-learner must pass."""

import numpy as np
import tensorflow as tf

from noisy_keras.ops import losses
from noisy_keras.testing import TrustedMethodTests
from noisy_keras.testing import toy


class MetaLearnerTests(TrustedMethodTests):
    """Tests of one method: of its trusted set, and of its meta-learner."""

    def compiled(self, source, **options):
        self.model = super().compiled(source, **options)
        return self.model

    def test_two_replicas_train_with_equal_tables(self, two_replicas):
        super().test_two_replicas_train_with_equal_tables(two_replicas)
        moments = 0.0
        for variable in self.model.learner.variables:
            first, second = two_replicas.experimental_local_results(
                variable.value
            )
            np.testing.assert_array_equal(first.numpy(), second.numpy())
            if "velocity" in variable.path:
                moments += float(tf.reduce_sum(first))
        assert moments > 0.0

    def test_only_the_network_is_the_optimizers(self):
        model = self.compiled(toy.source(64))
        network = model.networks[0]
        mine = [v.path for v in model.trainable_variables]
        assert mine == [v.path for v in network.trainable_variables]
        before = [p.numpy() for p in model.learner.parameters]
        self.fit(model, toy.source(64), self.past_warmup())
        for old, new in zip(before, model.learner.parameters, strict=True):
            assert np.abs(old - new.numpy()).max() > 0.0


def batch_of(model, source, batch_size=8, epoch=0):
    """A model's batch, as its step gets it."""
    model.trusted = toy.trusted()
    one = model.make_plan(source, batch_size)(epoch)[0]
    [fields] = next(iter(one.dataset())).values()
    return fields


def gradients_taken(model, step, data):
    """The learner's gradients in one step, and the network before it."""
    taken, learner_step = [], model.learner.step

    def watched(gradients):
        taken.extend(g.numpy() for g in gradients)
        learner_step(gradients)

    model.learner.step = watched
    step(data)
    model.learner.step = learner_step
    return taken


def nested_gradients(
    model, loss, probe, accumulators=None, momentum=0.0, decay=0.0
):
    """Gradients of the probe loss to a learner, through the look-ahead.

    Args:
        model: the model.
        loss: function of parameters to the scalar that is stepped on.
        probe: images and targets.
        accumulators: the optimizer's momentum, or None.
        momentum: mu.
        decay: of the look-ahead.

    Returns:
        list of arrays.
    """
    theta = model.parameters()
    accumulators = accumulators or [tf.zeros_like(w) for w in theta]
    rate = float(model.optimizer.learning_rate)
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(model.learner.values())
        with tf.GradientTape() as inner:
            inner.watch(theta)
            value = loss(theta)
        ahead = [
            w - rate * (momentum * m + g + decay * w)
            for w, g, m in zip(
                theta, inner.gradient(value, theta), accumulators, strict=True
            )
        ]
        images, targets = probe
        logits = model.forward(ahead, tf.cast(images, tf.float32))
        after = tf.reduce_mean(losses.cross_entropy(targets, logits))
    gradients = outer.gradient(after, model.learner.values())
    # Of what was gathered, they are sparse.
    return [tf.convert_to_tensor(g).numpy() for g in gradients]


def assert_close(found, expected, tolerance=1e-4):
    """Relative to the largest entry of each array."""
    for mine, reference in zip(found, expected, strict=True):
        size = np.abs(reference).max()
        assert size > 0.0
        np.testing.assert_allclose(mine, reference, atol=tolerance * size)
