"""The base class, as a method of one's own uses it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import toy


@keras.saving.register_keras_serializable(package="tests")
class Margin(nk.NoisyLabelModel):
    """A method with an argument and a table of its own."""

    loss_names = ("margin_loss",)
    network_count = 1

    def __init__(self, network, source, margin=0.5):
        super().__init__(network, source, settings={"margin": margin})
        self.keep_history(decay=0.5)

    def steps(self):
        return {"train": self.train}

    def train(self, data):
        def terms(logits):
            p = tf.reduce_sum(data["target"] * tf.nn.softmax(logits), axis=1)
            return {"margin_loss": tf.reduce_mean(tf.nn.relu(self.margin - p))}

        self.remember(data, tf.nn.softmax(self.descend_on(data, terms)))


def fitted(model, epochs=1):
    model.compile(nk.MomentumSGD(0.05))
    return model.fit(toy.source(32), batch_size=8, epochs=epochs, verbose=0)


def test_settings_are_attributes_and_are_saved(tmp_path):
    model = Margin(toy.network(), 32, margin=0.75)
    assert model.margin == 0.75
    fitted(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    # Its constructor has neither a name nor plug-ins, and other names.
    assert isinstance(loaded, Margin) and loaded.margin == 0.75
    images = toy.pictures(8)[0]
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    np.testing.assert_array_equal(
        loaded.prediction_history.numpy(), model.prediction_history.numpy()
    )


def test_a_step_on_images_returns_the_logits_before_it():
    model = Margin(toy.network(), 32)
    model.compile(nk.MomentumSGD(0.05))
    [one] = model.make_plan(toy.source(32), 8)(0)
    [data] = next(iter(one.dataset())).values()
    network = keras.models.clone_model(model.networks[0])
    network.set_weights(model.networks[0].get_weights())
    images = tf.cast(data["images"], tf.float32)
    expected = network(images, training=True)["logits"]
    taken = []
    logits = model.descend_on(
        data, lambda z: taken.append(z) or {"margin_loss": tf.reduce_mean(z)}
    )
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert logits is taken[0]
    # It is a step, and it is reported.
    assert int(model.optimizer.iterations) == 1
    reported = model.get_metrics_result()
    assert float(reported["loss"]) == pytest.approx(np.mean(logits))


def test_the_history_has_what_was_predicted_before_each_step():
    model = Margin(toy.network(), 32)
    fitted(model, epochs=3)
    assert model.prediction_history.seen().all()
    # The last prediction has weight 1, those before 0.5 and 0.25.
    weight = model.prediction_history.weight(np.arange(32))
    np.testing.assert_allclose(weight, 1.75, rtol=1e-5)
    np.testing.assert_array_equal(model.label_history.epochs(), 3)


def test_a_method_without_steps_names_what_it_lacks():
    class Empty(nk.NoisyLabelModel):
        pass

    model = Empty(toy.network(), 8)
    model.compile()
    with pytest.raises(NotImplementedError, match=r"Empty must .* `steps\(\)`"):
        model.fit(toy.source(8), verbose=0)


@pytest.mark.parametrize("samples", [0, -1, 1.5, None, "digits"])
def test_what_is_neither_source_nor_number_is_refused(samples):
    with pytest.raises(nk.ConfigurationError, match="a `Source`, or a number"):
        nk.CrossEntropy(toy.network(), samples)


def test_networks_as_many_as_are_given():
    class Any(nk.NoisyLabelModel):
        pass

    assert len(Any("tiny", toy.source(8)).networks) == 1
    assert len(Any([toy.network() for _ in range(3)], 8).networks) == 3
    with pytest.raises(nk.ConfigurationError, match="list of networks"):
        Any([], 8)
