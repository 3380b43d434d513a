import math

import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import contrastive
from noisy_keras.utils import distribution


def reference_nt_xent(projections, temperature):
    """As the paper writes it, one view after the other."""
    z = projections / np.linalg.norm(projections, axis=1, keepdims=True)
    count = len(z)
    losses = []
    for i in range(count):
        s = np.exp(z @ z[i] / temperature)
        like = (i + count // 2) % count
        losses.append(-math.log(s[like] / (s.sum() - s[i])))
    return np.mean(losses)


def reference_info_nce(queries, keys, queue, temperature):
    unit = [
        x / np.linalg.norm(x, axis=1, keepdims=True)
        for x in (queries, keys, queue)
    ]
    losses = []
    for q, k in zip(*unit[:2], strict=True):
        own = math.exp(q @ k / temperature)
        others = np.exp(unit[2] @ q / temperature).sum()
        losses.append(-math.log(own / (own + others)))
    return np.mean(losses)


def test_nt_xent_by_hand():
    # Two images on two axes, both views equal: each view has its like at
    # similarity 1 and two others at 0.
    alike = tf.constant([[2.0, 0.0], [0.0, 5.0], [1.0, 0.0], [0.0, 3.0]])
    expected = math.log(1 + 2 * math.exp(-2.0))
    assert float(contrastive.nt_xent(alike, 0.5)) == pytest.approx(
        expected, rel=1e-6
    )
    # The second views exchanged: the like at 0, the others at 1 and 0.
    exchanged = tf.gather(alike, [0, 1, 3, 2])
    expected = math.log(2 + math.exp(2.0))
    assert float(contrastive.nt_xent(exchanged, 0.5)) == pytest.approx(
        expected, rel=1e-6
    )


def test_info_nce_by_hand():
    queries = tf.constant([[1.0, 0.0], [0.0, 2.0]])
    keys = tf.constant([[3.0, 0.0], [1.0, 0.0]])
    queue = tf.constant([[0.0, 1.0], [-1.0, 0.0]])
    # First: 1 against 0 and -1; second: 0 against 1 and 0; t = 1/2.
    first = math.log(1 + math.exp(-2) + math.exp(-4))
    second = math.log(1 + math.exp(2) + 1)
    assert float(
        contrastive.info_nce(queries, keys, queue, 0.5)
    ) == pytest.approx((first + second) / 2, rel=1e-6)


def test_unfilled_slots_of_the_queue_are_ignored():
    random = np.random.RandomState(4)
    queries, keys, queue = (
        tf.constant(random.normal(size=(n, 3)), tf.float32) for n in (4, 4, 5)
    )
    found, gradients = [], []
    for rows in (queue, tf.concat([tf.zeros([2, 3]), queue], axis=0)):
        with tf.GradientTape() as tape:
            tape.watch(queries)
            found.append(contrastive.info_nce(queries, keys, rows, 0.2))
        gradients.append(tape.gradient(found[-1], queries))
    assert float(found[0]) == pytest.approx(float(found[1]), rel=1e-6)
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-7)
    assert float(contrastive.info_nce(queries, keys, tf.zeros([9, 3]))) == 0.0


@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("jit", [False, True])
def test_both_agree_with_their_formulas(temperature, jit):
    random = np.random.RandomState(0)
    z = random.normal(size=(24, 5)).astype(np.float32)
    u = random.normal(size=(7, 5)).astype(np.float32)
    nt_xent = tf.function(contrastive.nt_xent, jit_compile=jit)
    info_nce = tf.function(contrastive.info_nce, jit_compile=jit)
    assert float(nt_xent(tf.constant(z), temperature)) == pytest.approx(
        reference_nt_xent(z, temperature), rel=1e-5
    )
    parts = map(tf.constant, (z[:12], z[12:], u))
    assert float(info_nce(*parts, temperature)) == pytest.approx(
        reference_info_nce(z[:12], z[12:], u, temperature), rel=1e-5
    )


def test_equal_similarities_give_the_logarithm_of_the_negatives():
    z = np.random.RandomState(1).normal(size=(64, 4096)).astype(np.float32)
    assert float(contrastive.nt_xent(tf.constant(z))) == pytest.approx(
        math.log(63), abs=0.02
    )


def test_the_two_views_are_exchangeable():
    z = np.random.RandomState(2).normal(size=(10, 3)).astype(np.float32)
    turned = np.concatenate([z[5:], z[:5]])
    assert float(contrastive.nt_xent(tf.constant(z))) == pytest.approx(
        float(contrastive.nt_xent(tf.constant(turned))), rel=1e-6
    )


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bits_neither_overflow_nor_lose_the_gradient(dtype):
    z = np.random.RandomState(3).normal(size=(8, 4))
    z = tf.constant(300.0 * z, dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        losses = [
            contrastive.nt_xent(z, 0.01),
            contrastive.info_nce(z[:4], z[4:], z, 0.01),
        ]
    exact = tf.cast(z, tf.float32)
    assert losses[0].dtype == losses[1].dtype == tf.float32
    assert float(losses[0]) == float(contrastive.nt_xent(exact, 0.01))
    for loss in losses:
        gradient = tape.gradient(loss, z).numpy().astype(np.float32)
        assert np.isfinite(gradient).all() and gradient.any()


def test_zeros_have_a_loss_and_a_gradient():
    z = tf.zeros([4, 3])
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = contrastive.nt_xent(z)
    assert float(loss) == pytest.approx(math.log(3), rel=1e-6)
    assert np.isfinite(tape.gradient(loss, z)).all()


def test_replicas_have_the_loss_and_gradient_of_the_global_batch(two_replicas):
    random = np.random.RandomState(4)
    inputs = random.normal(size=(2, 6, 5)).astype(np.float32)  # View, image.
    start = random.normal(size=(5, 3)).astype(np.float32)

    def loss_of(kernel, views):
        """As a step does it: loss of this replica's part of the mean."""
        rows = tf.reshape(views, [-1, 5])
        projections = tf.matmul(rows, kernel)
        loss = contrastive.nt_xent(
            projections,
            0.3,
            distribution.all_gather(projections),
            distribution.replica_id() * projections.shape[0],
        )
        return loss / distribution.num_replicas()

    def step(kernel, views):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            loss = loss_of(kernel, views)
        return loss, tape.gradient(loss, kernel)

    whole, expected = step(tf.constant(start), tf.constant(inputs))
    assert float(whole) == pytest.approx(
        reference_nt_xent(inputs.reshape(-1, 5) @ start, 0.3), rel=1e-5
    )

    @tf.function
    def on_both():
        def replica():
            first = 3 * distribution.replica_id()
            mine = tf.constant(inputs)[:, first : first + 3]
            return step(tf.constant(start), tf.ensure_shape(mine, [2, 3, 5]))

        return two_replicas.run(replica)

    losses, gradients = on_both()
    for parts, total in ((losses, whole), (gradients, expected)):
        found = two_replicas.reduce("SUM", parts, axis=None)
        np.testing.assert_allclose(found, total, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_must_be_positive(temperature):
    z = tf.ones([4, 2])
    with pytest.raises(ValueError, match="temperature above 0. Received"):
        contrastive.nt_xent(z, temperature)
    with pytest.raises(ValueError, match="temperature above 0. Received"):
        contrastive.info_nce(z, z, z, temperature)


def test_a_single_image_and_odd_views_raise():
    with pytest.raises(ValueError, match="at least 2 images.*2 views"):
        contrastive.nt_xent(tf.ones([2, 3]))
    with pytest.raises(ValueError, match=r"\[2B, d\]. Received"):
        contrastive.nt_xent(tf.ones([5, 3]))
    with pytest.raises(ValueError, match="queue of at least 1 key"):
        contrastive.info_nce(tf.ones([2, 3]), tf.ones([2, 3]), tf.ones([0, 3]))
