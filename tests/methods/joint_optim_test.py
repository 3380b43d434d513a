import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import losses
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestJointOptim(MethodTests):
    epochs = 10
    phases = ("train",)
    large = ("test_xla_gives_the_same_losses",)

    def build(self, source):
        return nk.JointOptim(toy.network(), source.num_samples, relabel_from=4)


def model_of(source, **options):
    model = nk.JointOptim(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.05))
    return model


def test_regularisers_of_uniform_and_of_decided_predictions():
    uniform = tf.zeros([8, 4])
    decided = tf.one_hot(tf.range(8) % 4, 4) * 100.0
    for logits, entropy in ((uniform, np.log(4.0)), (decided, 0.0)):
        prior = losses.prior_cross_entropy(logits)
        assert float(prior) == pytest.approx(np.log(4.0), rel=1e-5)
        assert float(-losses.negative_entropy(logits)) == pytest.approx(
            entropy, abs=1e-5
        )


def test_labels_become_the_mean_of_the_last_epochs():
    source = toy.source(32)
    model = model_of(source, relabel_from=2, averaged_epochs=3)
    seen = []
    remember = model.remember

    def noted(data, predictions):
        tf.py_function(
            lambda i, p: seen.append((i.numpy(), p.numpy())),
            [data["index"], predictions],
            [],
        )
        remember(data, predictions)

    model.remember = noted
    model.compile(nk.MomentumSGD(0.05), run_eagerly=True)
    model.fit(source, epochs=5, batch_size=16, verbose=0)
    assert len(seen) == 10  # Two steps in each of five epochs.
    by_epoch = np.zeros((5, 32, 4))
    for step, (index, prediction) in enumerate(seen):
        by_epoch[step // 2, index] = prediction
    # After four epochs the ring held epochs 2, 3 and 4 of five, from 1.
    np.testing.assert_allclose(
        model.soft_labels.numpy(), by_epoch[1:4].mean(axis=0), atol=2e-3
    )
    np.testing.assert_allclose(
        model.mean_prediction(), by_epoch[2:].mean(axis=0), atol=2e-3
    )
    new = model.relabelled(source)
    np.testing.assert_allclose(
        new.soft_labels, model.mean_prediction(), rtol=1e-6
    )


def test_labels_stay_until_they_are_replaced():
    source = toy.source(32)
    model = model_of(source, relabel_from=2)
    assert model.estimate_clean_probability(source) is None
    model.fit(source, epochs=2, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.soft_labels.numpy(), np.eye(4)[source.labels]
    )
    assert model.estimate_clean_probability(source).shape == (32,)


def test_hard_labels_are_one_class():
    source = toy.source(32)
    model = model_of(source, relabel_from=1, hard_labels=True)
    model.fit(source, epochs=2, batch_size=16, verbose=0)
    labels = model.soft_labels.numpy()
    assert set(np.unique(labels)) == {0.0, 1.0}
    np.testing.assert_array_equal(labels.sum(axis=1), 1.0)
    new = model.relabelled(source).soft_labels
    assert set(np.unique(new)) == {0.0, 1.0}


def test_other_labels_begin_anew():
    source = toy.source(32)
    model = model_of(source, relabel_from=1)
    model.fit(source, epochs=3, batch_size=16, verbose=0)
    learnt = model.soft_labels.numpy()
    # The same labels go on from what was learnt.
    model.fit(source, initial_epoch=3, epochs=4, batch_size=16, verbose=0)
    assert not np.array_equal(learnt, np.eye(4)[source.labels])
    other = source.relabel((source.labels + 1) % 4)
    model.fit(other, epochs=1, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.soft_labels.numpy(), np.eye(4)[other.labels]
    )


def test_samples_that_no_step_has_shown_count_as_clean():
    source = toy.source(64)
    model = model_of(source)
    model.fit(source, epochs=1, batch_size=16, steps_per_epoch=1, verbose=0)
    seen = model.prediction_history.seen()
    assert seen.sum() == 16
    clean = model.estimate_clean_probability(source)
    assert (clean[~seen] == 1.0).all()
    assert 0 < (clean[seen] > 0.5).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relabel_from": 0}, "`relabel_from` to be a whole number"),
        ({"averaged_epochs": 0}, "`averaged_epochs`"),
        ({"prior_weight": -1}, "`prior_weight`"),
        ({"hard_labels": 2}, "True or False"),
    ],
)
def test_bad_settings_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        nk.JointOptim(toy.network(), 8, **options)
