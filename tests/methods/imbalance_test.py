import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.labels import class_sizes
from noisy_keras.labels import measuring
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.division import by_class
from noisy_keras.methods.bases import imbalance
from noisy_keras.testing import toy


def test_balanced_weights_have_mean_one_over_samples():
    sizes = np.array([6, 2, 0])
    weights = imbalance.class_weights("balanced", sizes)
    assert weights.tolist() == pytest.approx([2 / 3, 2.0, 1.0])
    assert np.dot(weights, sizes) == pytest.approx(sizes.sum())


def test_given_weights_are_as_in_keras():
    weights = imbalance.class_weights({1: 3.0}, np.array([5, 5, 5]))
    assert weights.tolist() == [1.0, 3.0, 1.0]


@pytest.mark.parametrize(
    "value", ["even", [1, 2], {0: -1.0}, {0: 0.0}, {"a": 1.0}, {}, {0: np.inf}]
)
def test_other_weights_are_refused(value):
    with pytest.raises(ValueError, match="class_weight"):
        imbalance.weight_rule("class_weight", value)


def test_weights_of_classes_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="below 4. Received: class 9"):
        nk.CrossEntropy(toy.network(), 32, class_weight={9: 2.0})


def test_balanced_order_shows_classes_alike_and_every_sample_in_turn():
    labels = np.repeat([0, 1, 2], [50, 10, 3])
    seen = np.zeros(63, int)
    for epoch in range(10):
        order = imbalance.balanced_order(labels, 32, seed=0, epoch=epoch)
        counts = np.bincount(labels[order], minlength=3)
        assert counts.sum() == 32 and np.ptp(counts) <= 1
        seen += np.bincount(order, minlength=63)
    for k in range(3):
        assert np.ptp(seen[labels == k]) <= 1
    totals = np.bincount(labels, seen)
    assert np.ptp(totals) <= 1
    again = imbalance.balanced_order(labels, 32, seed=0, epoch=9)
    assert (order == again).all()


def model_of(settings):
    keras.utils.set_random_seed(0)
    source = toy.source(32)
    model = nk.CrossEntropy(toy.network(), source, **settings)
    model.balance_for(source)
    return model, source


def test_weighted_loss_by_hand():
    model, _ = model_of({"class_weight": {1: 3.0}})
    loss = model.weighted(tf.constant([1.0, 2.0]), tf.constant([0, 1]))
    assert float(loss) == pytest.approx((1.0 + 3.0 * 2.0) / 2)


def test_logits_are_adjusted_in_the_loss_and_not_in_predictions():
    model, source = model_of(
        {"logit_adjustment": "loss", "adjustment_strength": 0.5}
    )
    sizes = np.bincount(source.labels, minlength=model.num_classes)
    logits = tf.zeros([1, model.num_classes])
    np.testing.assert_allclose(
        model.adjusted(logits)[0],
        0.5 * np.log(sizes / sizes.sum()),
        rtol=1e-5,
    )
    assert model.predictors is model.networks


def test_post_hoc_adjustment_is_in_all_predictions(tmp_path):
    model, source = model_of({"logit_adjustment": "post_hoc"})
    images = source.fetch(np.arange(8))
    prior = imbalance.log_prior(
        np.bincount(source.labels, minlength=model.num_classes)
    )
    raw = model.networks[0](images)["logits"].numpy()
    np.testing.assert_allclose(model.logits(images), raw - prior, atol=1e-5)
    # What is exported and audited.
    [predictor] = model.predictors
    np.testing.assert_allclose(
        predictor(images)["logits"], raw - prior, atol=1e-5
    )
    model.compile()
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    np.testing.assert_allclose(again(images), model(images), atol=1e-6)
    assert len(again.networks) == 1
    found = measuring.measure(model, source).suggested
    expected = model.predict(source, verbose=0).argmax(axis=1)
    assert (found == expected).all()


@pytest.mark.parametrize("method", [nk.CrossEntropy, nk.GCE, nk.ELR])
def test_methods_train_with_all_of_it(method):
    source = toy.source(32)
    model = method(
        toy.network(),
        source,
        class_weight="balanced",
        sampling="balanced",
        logit_adjustment="loss",
    )
    model.compile()
    model.fit(source, epochs=1, batch_size=8, verbose=0)
    sizes = np.bincount(source.labels, minlength=model.num_classes)
    np.testing.assert_allclose(
        model.class_weights.numpy(),
        imbalance.class_weights("balanced", sizes),
    )


def test_a_loss_without_values_per_sample_cannot_be_weighted():
    with pytest.raises(ValueError, match="a value for each sample"):
        nk.CrossEntropy(
            toy.network(),
            32,
            class_weight="balanced",
            loss=lambda y, p: tf.reduce_mean((y - p) ** 2),
        )


def test_a_class_that_is_learnt_late_is_divided_on_its_own():
    random = np.random.RandomState(0)
    labels = np.repeat([0, 1, 2], [400, 60, 8])
    # All right, but the losses of small classes are higher.
    loss = 0.1 * random.uniform(size=468) + 0.4 * labels
    wrong = np.arange(0, 60)
    loss[wrong] += 0.3  # Of the first class.
    loss = (loss / loss.max()).astype(np.float32)[:, None]
    kept = np.ones_like(loss)
    together = LossDivision()(loss, kept)[:, 0]
    alone = by_class(LossDivision(), loss, kept, labels)[:, 0]
    assert np.sum(together[labels == 2] < 0.5) == 8
    assert np.sum(alone[labels == 2] < 0.5) <= 1
    assert np.mean(alone[wrong] < 0.5) == 1.0
    assert np.mean(alone[60:400] < 0.5) == 0.0


def test_uneven_classes_are_divided_on_their_own_by_default():
    assert class_sizes.are_uneven(np.repeat([0, 2], [21, 2]))
    assert not class_sizes.are_uneven(np.repeat([0, 2], [20, 2]))
    source = toy.source(32)
    for division, expected in (("auto", False), ("per_class", True)):
        model = nk.DivideMix(toy.network(), source, division=division)
        assert model.divides_per_class(source) is expected
