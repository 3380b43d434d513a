import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.methods.bases.meta_learner import MetaLearner
from noisy_keras.methods.bases.meta_learner import WeightNetwork
from noisy_keras.ops import losses
from noisy_keras.testing import toy
from tests.methods import meta_learner_tests
from tests.methods.meta_learner_tests import MetaLearnerTests


class TestMetaWeightNet(MetaLearnerTests):
    # Trusted sets are taken by the base class: `TestMLC` shows how.
    test_mixed_precision_trains = None
    test_a_class_without_trusted_samples_is_named = None
    test_a_trusted_set_of_other_images_is_refused = None
    test_a_trusted_set_as_arrays = None
    # Of the base class: `TestIEG` has them.
    test_true_labels_reach_no_batch = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None

    def build(self, source):
        return nk.MetaWeightNet(toy.network(), source.num_samples)


def weights_of(model, loss):
    weights = weigh(model.weight_network, loss)
    return weights / tf.reduce_mean(weights) if model.normalized else weights


def weigh(network, loss):
    """The weight network, written out."""
    w1, b1, w2, b2 = [tf.convert_to_tensor(w.value) for w in network.weights]
    hidden = tf.nn.relu(loss[:, None] * w1 + b1)
    return tf.sigmoid(hidden @ w2 + b2)[:, 0]


@pytest.fixture(params=[False, True], ids=["plain", "normalized"])
def model(request):
    source = toy.source(32)
    model = nk.MetaWeightNet(
        toy.network(),
        source.num_samples,
        hidden=5,
        meta_learning_rate=0.01,
        normalized=request.param,
    )
    model.compile(nk.MomentumSGD(0.3, weight_decay=0.1), run_eagerly=True)
    return model


def test_its_gradient_is_that_through_the_step(model):
    data = meta_learner_tests.batch_of(model, toy.source(32))
    images = tf.cast(data["images"], tf.float32)

    def loss(theta):
        each = losses.cross_entropy(
            data["target"], model.forward(theta, images)
        )
        weights = weights_of(model, tf.stop_gradient(each))
        return tf.reduce_mean(weights * each)

    expected = meta_learner_tests.nested_gradients(
        model, loss, (data["trusted_images"], data["trusted_target"])
    )
    found = meta_learner_tests.gradients_taken(model, model._train, data)
    meta_learner_tests.assert_close(found, expected)


def test_the_step_is_taken_with_the_trained_weights(model):
    source = toy.source(32)
    data = meta_learner_tests.batch_of(model, source)
    images = tf.cast(data["images"], tf.float32)
    theta = model.parameters()
    with tf.GradientTape() as tape:
        tape.watch(theta)
        logits = model.forward(theta, images)
        each = losses.cross_entropy(data["target"], logits)
    before = weights_of(model, each)
    model._train(data)
    weights = weights_of(model, each)
    assert np.abs(weights - before).max() > 1e-5
    # The first step of momentum: w - lr (g + wd w).
    with tape:
        loss = tf.reduce_mean(weights * each)
    gradients = tape.gradient(loss, theta)
    for w, g, new in zip(theta, gradients, model.parameters(), strict=True):
        np.testing.assert_allclose(
            new, w - 0.3 * (g + 0.1 * w), rtol=1e-4, atol=1e-5
        )
    index = data["index"].numpy()
    noted = model.sample_weight.numpy()[index]
    np.testing.assert_allclose(noted[:, 0], weights, rtol=1e-5)
    np.testing.assert_allclose(
        model.prediction_history.mean()[index],
        tf.nn.softmax(logits),
        rtol=1e-4,
    )
    assert (model.kept.numpy() == -1.0).all()


def test_large_losses_get_small_weights():
    source = toy.source(64, rate=0.4)
    network = toy.network()
    # A network that has learnt something: to one that has not, large losses
    # are useful.
    plain = nk.CrossEntropy(network, source.num_samples)
    plain.compile(nk.MomentumSGD(0.05))
    options = {"batch_size": 16, "verbose": 0}
    plain.fit(*toy.pictures(64, seed=1), epochs=4, **options)
    model = nk.MetaWeightNet(
        network, source.num_samples, meta_learning_rate=0.01
    )
    model.compile(nk.MomentumSGD(0.02))
    model.fit(source, trusted=toy.pictures(16, seed=5), epochs=6, **options)
    low, high = model.weight_network(tf.constant([0.1, 4.0])).numpy()
    assert low > high + 0.1
    right = source.labels == source.true_labels
    weights = model.sample_weight.numpy()[:, 0]
    assert weights[right].mean() > weights[~right].mean() + 0.05


@pytest.mark.parametrize("amsgrad", [False, True])
def test_its_adam_is_that_of_the_released_codes(amsgrad):
    network = WeightNetwork(3)
    learner = MetaLearner([network], 0.01, weight_decay=0.1, amsgrad=amsgrad)
    w = np.float64(network.weights[0].numpy())
    m = v = largest = np.zeros_like(w)
    for step in range(1, 5):
        # Falls, so that the largest second moment is not the last.
        g = np.cos(np.arange(3.0))[None] * 0.5**step
        learner.step(
            [tf.constant(g, tf.float32)]
            + [tf.zeros(p.shape) for p in learner.parameters[1:]]
        )
        g = g + 0.1 * w
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        largest = np.maximum(largest, v)
        used = largest if amsgrad else v
        w = w - 0.01 * (m / (1 - 0.9**step)) / np.sqrt(used / (1 - 0.999**step))
        np.testing.assert_allclose(network.weights[0].numpy(), w, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "`hidden` to be a whole number"),
        ({"meta_learning_rate": 0.0}, "`meta_learning_rate`"),
        ({"view": "upside_down"}, "`view`"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.MetaWeightNet(toy.network(), 8, **options)
