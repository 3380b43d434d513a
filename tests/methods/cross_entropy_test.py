import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestCrossEntropy(MethodTests):
    epochs = 6
    phases = ("train",)

    def build(self, source):
        return nk.CrossEntropy(toy.network(), source.num_samples)


class TestMaskedCrossEntropy(MethodTests):
    epochs = 8
    phases = ("train", "plugin")
    large = ("test_xla_gives_the_same_losses",)
    # `TestCrossEntropy` has them, and `TestSANM` with masks.
    test_two_replicas_train_with_equal_tables = None
    test_a_saved_model_goes_on_as_if_never_saved = None
    test_true_labels_reach_no_batch = None
    test_mixed_precision_trains = None
    test_one_trace_per_phase_however_the_epochs_change = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None
    test_a_source_that_does_not_fit_is_refused = None

    def build(self, source):
        return nk.SANM(toy.network(), source, host="ce", warmup_epochs=1)


def test_only_masked_images_enter_the_loss_unless_asked():
    source = toy.source(32)

    class Recorder(nk.StepPlugin):
        """A plug-in whose view is black and whose label is class 1."""

        loss_name = "recorded"

        def trainable_beside(self, k):
            return []

        def views(self, network, views, seed):
            labels = tf.one_hot(tf.ones(views.images.shape[0], tf.int32), 4)
            return [views._replace(images=views.images * 0, targets=labels)]

        def loss(self, k, network, originals, copies, outputs=None):
            assert outputs is not None and len(outputs) == 1
            return tf.zeros([])

    losses = {}
    for keep in (False, True):
        network = toy.network()
        kernel, bias = network.get_layer("logits").weights
        kernel.assign(kernel * 0)
        bias.assign([0.0, 2.0, 0.0, 0.0])
        model = nk.CrossEntropy(
            network,
            32,
            plugins=[Recorder()],
            warmup_epochs=0,
            keep_clean_view=keep,
        )
        model.compile(nk.MomentumSGD(0.0))
        history = model.fit(source, epochs=1, batch_size=32, verbose=0)
        losses[keep] = history.history["loss_labeled"][0]
    # softmax(0, 2, 0, 0): class 1 has log(1 + 3 exp(-2)) of loss.
    of_one = np.log(1 + 3 * np.exp(-2))
    of_given = np.mean(np.where(source.labels == 1, of_one, of_one + 2))
    assert losses[False] == pytest.approx(of_one, rel=1e-5)
    assert losses[True] == pytest.approx((of_one + of_given) / 2, rel=1e-5)


def test_predictions_before_each_step_are_remembered():
    source = toy.source(32)
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(nk.MomentumSGD(0.01))
    assert model.estimate_clean_probability(source) is None
    model.fit(source, epochs=3, batch_size=16, verbose=0)
    # Every sample was predicted once an epoch.
    np.testing.assert_allclose(
        model.prediction_history.numpy().sum(axis=1), 3.0, rtol=1e-5
    )


def test_arrays_and_plain_datasets_train_as_a_source_does():
    source = toy.source(32)
    images = source.fetch(np.arange(32)).numpy()
    dataset = tf.data.Dataset.from_tensor_slices((images, source.labels))
    weights, losses = None, []
    for x, y in ((source, None), (images, source.labels), (dataset, None)):
        # A flip would make another class of a toy picture, and arrays bring
        # no word about that.
        model = nk.CrossEntropy(toy.network(), 32, view="none")
        model.compile(nk.MomentumSGD(0.05))
        weights = weights or model.get_weights()
        model.set_weights(weights)
        history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1] == losses[2]


def test_soft_labels_are_trained_on():
    source = toy.source(32)
    uniform = source.relabel(np.full((32, 4), 0.25, np.float32))
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(nk.MomentumSGD(0.1))
    model.fit(uniform, epochs=10, batch_size=32, verbose=0)
    # The best answer to uniform labels is not to know.
    assert model.predict(uniform, verbose=0).max() < 0.5


def test_it_is_told_when_two_networks_are_given():
    with pytest.raises(ValueError, match="one network or a list of 1"):
        nk.CrossEntropy([toy.network(), toy.network()], 8)
