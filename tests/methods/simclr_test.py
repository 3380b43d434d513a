import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import contrastive
from noisy_keras.testing import SelfSupervisedMethodTests
from noisy_keras.testing import toy


class TestSimCLR(SelfSupervisedMethodTests):
    batch_size = 32
    learning_rate = 0.1
    candidates = 63

    def build(self, source):
        return nk.SimCLR(toy.network(), source.num_samples, **self.options())

    @pytest.mark.large
    def test_it_learns_and_finds_planted_wrong_labels(self):
        super().test_it_learns_and_finds_planted_wrong_labels()


def test_the_loss_is_that_of_both_views_of_all_images():
    source = toy.source(32)
    model = nk.SimCLR(
        toy.network(), 32, temperature=0.2, view="none", hidden_size=0
    )
    model.compile(nk.MomentumSGD(0.0))
    history = model.fit(source, epochs=1, batch_size=16, verbose=0)
    plan = model.make_plan(source, 16)
    losses = []
    for batch in plan(0)[0].dataset():
        fields = batch["train"]
        np.testing.assert_array_equal(fields["first"], fields["second"])
        images = tf.cast(tf.concat([fields["first"]] * 2, 0), tf.float32)
        embedding = model.encoder(images, training=True)["embedding"]
        projections = model.head(embedding)
        losses.append(float(contrastive.nt_xent(projections, 0.2)))
    assert history.history["contrastive"][0] == pytest.approx(
        np.mean(losses), rel=1e-4
    )


def test_two_views_are_drawn_and_no_image_is_twice_in_an_epoch():
    source = toy.source(40)
    model = nk.SimCLR(toy.network(), 40)
    plan = model.make_plan(source, 16)
    [one] = plan(0)
    assert one.steps == 2  # Eight are left over.
    seen = []
    for batch in one.dataset():
        fields = batch["train"]
        assert np.any(fields["first"] != fields["second"])
        seen += list(fields["index"].numpy())
    assert len(set(seen)) == len(seen) == 32


@pytest.mark.large
def test_two_replicas_have_the_loss_of_the_global_batch(two_replicas):
    source = toy.source(32)
    losses, weights = [], None

    def build():
        # Without its own statistics a replica is a part of the batch.
        network = toy.network()
        for layer in network.layers:
            layer.trainable = (
                "normalization" not in type(layer).__name__.lower()
            )
        model = nk.SimCLR(network, 32, view="none")
        model.compile(nk.MomentumSGD(0.1))
        return model

    single = build()
    with two_replicas.scope():
        double = build()
    weights = single.get_weights()
    double.set_weights(weights)
    losses = [
        m.fit(source, epochs=2, batch_size=16, verbose=0).history["loss"]
        for m in (single, double)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-3)
    for one, other in zip(
        single.trainable_variables, double.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-4)


@pytest.mark.large
def test_lars_and_its_schedule_train_it():
    source = toy.source(64)
    model = nk.SimCLR(toy.network(), 64, view="randaugment")
    rate = nk.warmed_up_cosine(3.0, 8, 1, steps_per_epoch=2)
    model.compile(nk.LARS(rate, weight_decay=1e-4, trust=0.01))
    history = model.fit(source, epochs=8, batch_size=32, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert float(model.optimizer.learning_rate) == pytest.approx(
        float(rate(16)), abs=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, r"`temperature` in \(0.0, inf\)"),
        ({"temperature": -1.0}, "`temperature`"),
        ({"projection_size": 0}, "`projection_size` to be a whole number"),
        ({"hidden_size": -1}, "`hidden_size`"),
        ({"view": "strong"}, "`view` to be one of"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.SimCLR(toy.network(), 8, **options)


def test_an_image_alone_is_told():
    model = nk.SimCLR(toy.network(), 32)
    model.compile()
    with pytest.raises(ValueError, match="at least 2 images.*batch_size=1"):
        model.fit(toy.source(32), batch_size=1, verbose=0)
