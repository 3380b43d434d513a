import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods import mlc
from noisy_keras.ops import losses
from noisy_keras.testing import toy
from tests.methods import meta_learner_tests
from tests.methods.meta_learner_tests import MetaLearnerTests


class TestMLC(MetaLearnerTests):
    epochs = 15
    # Of the base class: `TestIEG` has them.
    test_true_labels_reach_no_batch = None
    test_mixed_precision_trains = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None

    def build(self, source):
        return nk.MLC(
            toy.network(), source.num_samples, meta_learning_rate=3e-3
        )


def corrected(corrector, features, labels):
    """The label corrector, written out."""
    embedding, *dense = [
        tf.convert_to_tensor(w.value) for w in corrector.weights
    ]
    w1, b1, w2, b2, w3, b3 = dense
    x = tf.concat([features, tf.gather(embedding, labels)], axis=1)
    x = tf.tanh(x @ w1 + b1)
    x = tf.tanh(x @ w2 + b2)
    return tf.nn.softmax(x @ w3 + b3)


@pytest.fixture
def model():
    source = toy.source(32)
    model = nk.MLC(
        toy.network(),
        source.num_samples,
        embedding=3,
        hidden=5,
        meta_learning_rate=0.01,
    )
    model.compile(nk.MomentumSGD(0.3, weight_decay=0.1), run_eagerly=True)
    return model


def test_its_gradient_is_that_through_the_step(model):
    data = meta_learner_tests.batch_of(model, toy.source(32))
    model._train(data)  # From here on there is momentum.
    data = meta_learner_tests.batch_of(model, toy.source(32), epoch=1)
    images = tf.cast(data["images"], tf.float32)
    probe, taught = mlc._halves(data)
    network = model.networks[0]
    # In training mode, whose moving statistics are not what is tested.
    features = network(images, training=True)["embedding"]

    def loss(theta):
        labels = corrected(model.corrector, features, data["label"])
        each = losses.cross_entropy(labels, model.forward(theta, images))
        clean = losses.cross_entropy(
            taught["trusted_target"],
            model.forward(theta, taught["trusted_images"]),
        )
        return (tf.reduce_sum(each) + tf.reduce_sum(clean)) / 12.0

    expected = meta_learner_tests.nested_gradients(
        model,
        loss,
        (probe["trusted_images"], probe["trusted_target"]),
        [m.value + 0.0 for m in model.optimizer.momentum_buffer],
        momentum=0.9,
        decay=0.1,
    )
    found = meta_learner_tests.gradients_taken(model, model._train, data)
    meta_learner_tests.assert_close(found, expected)


def test_halves_are_apart():
    data = {
        "trusted_images": tf.range(5),
        "trusted_target": tf.one_hot(tf.range(5), 5),
    }
    probe, taught = mlc._halves(data)
    for half, rows in ((probe, [0, 1]), (taught, [2, 3, 4])):
        np.testing.assert_array_equal(half["trusted_images"], rows)
        labels = tf.argmax(half["trusted_target"], axis=1)
        np.testing.assert_array_equal(labels, rows)


def test_the_step_is_taken_with_the_trained_corrector(model):
    data = meta_learner_tests.batch_of(model, toy.source(32))
    images = tf.cast(data["images"], tf.float32)
    _, taught = mlc._halves(data)
    features = model.networks[0](images, training=True)["embedding"]
    theta = model.parameters()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(theta)
        logits = model.forward(theta, images)
        clean = tf.reduce_sum(
            losses.cross_entropy(
                taught["trusted_target"],
                model.forward(theta, taught["trusted_images"]),
            )
        )
    before = corrected(model.corrector, features, data["label"])
    model._train(data)
    labels = corrected(model.corrector, features, data["label"])
    assert np.abs(labels - before).max() > 1e-4
    with tape:
        each = losses.cross_entropy(labels, logits)
        loss = (tf.reduce_sum(each) + clean) / 12.0
    gradients = tape.gradient(loss, theta)
    for w, g, new in zip(theta, gradients, model.parameters(), strict=True):
        np.testing.assert_allclose(
            new, w - 0.3 * (g + 0.1 * w), rtol=1e-4, atol=1e-5
        )
    index, label = data["index"].numpy(), data["label"].numpy()
    np.testing.assert_allclose(
        model.kept.numpy()[index, 0],
        labels.numpy()[np.arange(8), label],
        rtol=1e-5,
    )
    assert (model.sample_weight.numpy() == -1.0).all()


@pytest.mark.large
def test_the_corrector_learns_which_labels_to_keep():
    source = toy.source(64, rate=0.4)
    # At 0.01, the corrector saturates at its first choice.
    model = nk.MLC(toy.network(), source.num_samples, meta_learning_rate=0.001)
    model.compile(nk.MomentumSGD(0.05))
    model.fit(
        source,
        trusted=toy.pictures(16, seed=5),
        batch_size=16,
        epochs=20,
        verbose=0,
    )
    right = source.labels == source.true_labels
    kept = model.kept.numpy()[:, 0]
    assert kept[right].mean() > kept[~right].mean() + 0.1


def test_it_also_takes_an_optimizer_without_momentum():
    source = toy.source(32)
    model = nk.MLC(toy.network(), source.num_samples)
    model.compile("adam")
    history = model.fit(
        source,
        trusted=toy.pictures(8, seed=5),
        batch_size=16,
        epochs=1,
        verbose=0,
    )
    assert np.isfinite(history.history["probe_loss"]).all()


def test_a_batch_of_one_has_no_half_to_train_on():
    source = toy.source(32)
    model = nk.MLC(toy.network(), source.num_samples)
    model.compile()
    with pytest.raises(ValueError, match="a batch of at least 2"):
        model.fit(
            source, trusted=toy.pictures(8), batch_size=1, epochs=1, verbose=0
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding": 0}, "`embedding` to be a whole number"),
        ({"hidden": 1.5}, "`hidden`"),
        ({"meta_learning_rate": -1.0}, "`meta_learning_rate`"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.MLC(toy.network(), 8, **options)
