import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import SelfSupervisedMethodTests
from noisy_keras.testing import toy


class TestMoCo(SelfSupervisedMethodTests):
    batch_size = 16
    learning_rate = 0.1
    candidates = 49

    def build(self, source):
        return nk.MoCo(
            toy.network(),
            source.num_samples,
            queue_size=48,
            key_momentum=0.97,
            **self.options(),
        )


def small(**options):
    options = {"queue_size": 24, "projection_size": 8} | options
    model = nk.MoCo(toy.network(), 32, **options)
    model.compile(nk.MomentumSGD(0.05))
    return model


def test_keys_replace_the_oldest():
    source = toy.source(32)
    model = small(key_momentum=0.0, view="none")
    assert not model.queue.numpy().any()
    model.fit(source, epochs=1, batch_size=8, steps_per_epoch=2, verbose=0)
    queue = model.queue.numpy()
    np.testing.assert_allclose(
        np.linalg.norm(queue, axis=1), [1.0] * 16 + [0.0] * 8, rtol=1e-5
    )
    assert int(model.queue.position.numpy()) == 16
    model.optimizer.learning_rate = 0.0
    model.fit(source, epochs=1, batch_size=8, steps_per_epoch=2, verbose=0)
    # Places 16 to 23, then 0 to 7.
    assert int(model.queue.position.numpy()) == 8
    newer = model.queue.numpy()
    np.testing.assert_array_equal(newer[8:16], queue[8:16])
    assert np.any(newer[:8] != queue[:8]) and np.any(newer[16:] != queue[16:])


def test_the_loss_is_that_of_the_second_views_keys_against_the_queue():
    source = toy.source(32)
    model = small(view="jitter", temperature=0.5)
    model.compile(nk.MomentumSGD(0.0))
    queue = np.random.RandomState(0).normal(size=(24, 8))
    queue /= np.linalg.norm(queue, axis=1, keepdims=True)
    model.queue.assign(queue)
    model.optimizer.iterations.assign(1)  # A first step would empty it.
    [one] = model.make_plan(source, 8)(0)
    fields = next(iter(one.dataset()))["train"]
    first, second = (
        tf.cast(fields[name], tf.float32) for name in ("first", "second")
    )
    # A copy, whose statistics may move.
    reference = nk.networks.reinitialized(model.encoder)
    reference.set_weights(model.encoder.get_weights())
    key = reference(second, training=False)["embedding"]
    query = reference(first, training=True)["embedding"]
    keys, queries = (
        tf.math.l2_normalize(model.head(x), axis=1).numpy()
        for x in (key, query)
    )
    own = np.exp(np.sum(queries * keys, axis=1) / 0.5)
    others = np.exp(queries @ queue.T / 0.5).sum(axis=1)
    history = model.fit(
        source, epochs=1, batch_size=8, steps_per_epoch=1, verbose=0
    )
    assert history.history["contrastive"][0] == pytest.approx(
        np.mean(-np.log(own / (own + others))), rel=1e-4
    )
    np.testing.assert_allclose(model.queue.numpy()[:8], keys, atol=1e-5)


def test_the_key_network_follows_slowly():
    source = toy.source(32)
    model = small(key_momentum=0.75, view="none")
    before = model.encoder.get_weights()
    model.fit(source, epochs=1, batch_size=8, steps_per_epoch=1, verbose=0)
    for old, new, key in zip(
        before,
        model.encoder.get_weights(),
        model.key_encoder.network.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(
            key, 0.75 * old + 0.25 * new, rtol=1e-4, atol=1e-5
        )


def test_given_weights_count_for_the_keys_too():
    source = toy.source(32)
    model = small()
    other = small()
    model.encoder.set_weights(other.encoder.get_weights())
    model.make_plan(source, 8)
    for one, key in zip(
        model.encoder.get_weights(),
        model.key_encoder.network.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, key)


def test_a_training_begun_anew_begins_with_an_empty_queue():
    source = toy.source(32)
    model = small()
    model.fit(source, epochs=1, batch_size=8, steps_per_epoch=2, verbose=0)
    kept = model.queue.numpy()
    model.make_plan(source, 8)  # As `fit` goes on.
    np.testing.assert_array_equal(model.queue.numpy(), kept)
    model.compile(nk.MomentumSGD(0.05))
    model.make_plan(source, 8)
    assert not model.queue.numpy().any()
    assert int(model.queue.position.numpy()) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queue_size": 0}, "`queue_size` to be a whole number"),
        ({"key_momentum": 1.0}, r"`key_momentum` in \[0, 1\)"),
        ({"temperature": 0}, "`temperature`"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.MoCo(toy.network(), 8, **options)


def test_a_batch_larger_than_the_queue_is_told():
    with pytest.raises(ValueError, match="queue, 24. Received: batch_size=32"):
        small().fit(toy.source(32), batch_size=32, verbose=0)
