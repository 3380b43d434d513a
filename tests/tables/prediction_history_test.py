import keras
import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.tables import prediction_history
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory
from noisy_keras.tables.prediction_history import history_of


def some(*probabilities):
    return np.asarray(probabilities, np.float32)


def test_the_mean_is_of_all_predictions_of_a_sample():
    history = PredictionHistory(3, 2)
    history.add([0, 2], some([0.25, 0.75], [0.5, 0.5]))
    history.add([0], some([0.75, 0.25]))
    history.add([0], some([0.5, 0.5]))
    np.testing.assert_allclose(
        history.mean(), [[0.5, 0.5], [0.0, 0.0], [0.5, 0.5]], atol=1e-6
    )
    np.testing.assert_array_equal(history.seen(), [True, False, True])


def test_earlier_predictions_fade():
    history = PredictionHistory(1, 2, decay=0.5)
    for p in ([1.0, 1e-9], [1e-9, 1.0], [1e-9, 1.0]):
        history.add([0], some(p))
    # Weights 1/4, 1/2 and 1.
    np.testing.assert_allclose(history.mean(), [[1 / 7, 6 / 7]], rtol=1e-5)
    again = PredictionHistory.from_config(history.get_config())
    assert again.decay == 0.5


def test_a_decay_outside_of_its_range_is_told():
    with pytest.raises(ValueError, match=r"`decay` in \(0, 1\]"):
        PredictionHistory(1, 2, decay=0.0)


def test_the_loss_is_of_the_mean_and_not_the_mean_of_losses():
    history = PredictionHistory(3, 2)
    history.add([0, 1], some([0.9, 0.1], [0.2, 0.8]))
    history.add([0, 1], some([0.5, 0.5], [0.4, 0.6]))
    loss = history.loss(np.array([1, 0, 1]))
    np.testing.assert_allclose(loss[:2], -np.log([0.3, 0.3]), rtol=1e-5)
    assert np.isnan(loss[2])


def test_an_impossible_label_has_a_finite_loss():
    loss = prediction_history.mean_loss(np.array([[3.0, 0.0]]), [1])
    assert loss[0] == pytest.approx(-np.log(1e-7))


def test_it_compiles():
    history = PredictionHistory(4, 3)
    add = tf.function(history.add, jit_compile=True)
    add(tf.constant([1, 3]), tf.fill([2, 3], 1 / 3))
    np.testing.assert_allclose(history.numpy()[[1, 3]], 1 / 3, rtol=1e-6)
    assert not history.numpy()[[0, 2]].any()


def both(kept, decay=1.0, classes=4, samples=3):
    return (
        PredictionHistory(samples, classes, decay),
        LikelyHistory(samples, classes, decay, kept=kept),
    )


@pytest.mark.parametrize("kept", [4, 9])
def test_with_all_classes_kept_a_likely_history_is_the_whole(kept):
    random = np.random.RandomState(0)
    whole, likely = both(kept, decay=0.8)
    add = tf.function(likely.add, jit_compile=True)
    for index in ([0, 1], [1, 2], [1, 0]):
        predictions = random.dirichlet(np.ones(4), 2).astype(np.float32)
        whole.add(index, predictions)
        add(tf.constant(index), tf.constant(predictions))
    for label in range(4):
        np.testing.assert_allclose(
            likely.loss(np.full(3, label)),
            whole.loss(np.full(3, label)),
            rtol=1e-4,
        )
    np.testing.assert_array_equal(likely.best()[0], whole.best()[0])
    np.testing.assert_allclose(likely.best()[1], whole.best()[1], rtol=1e-5)


def test_classes_outside_share_the_rest():
    _, likely = both(kept=2)
    likely.add([0], some([0.6, 0.1, 0.1, 0.2]))
    likely.add([0], some([0.1, 0.1, 0.0, 0.8]))
    # The first leaves 0.6 and 0.2, the second adds to all and leaves two.
    given = np.exp(-likely.loss(np.array([3, 0, 0])))[0]
    assert given == pytest.approx(0.5)
    assert np.exp(-likely.loss(np.zeros(3, int)))[0] == pytest.approx(0.35)
    for outside in (1, 2):
        found = np.exp(-likely.loss(np.full(3, outside)))[0]
        assert found == pytest.approx(0.15 / 2)
    np.testing.assert_array_equal(likely.seen(), [True, False, False])
    assert np.isnan(likely.loss(np.zeros(3, int))[1:]).all()
    label, confidence = likely.best()
    assert label[0] == 3 and confidence[0] == pytest.approx(0.5)


def test_a_likely_history_is_saved_and_restored():
    _, likely = both(kept=2, decay=0.5)
    again = LikelyHistory.from_config(likely.get_config())
    assert again.get_config() == likely.get_config()
    assert again.rows.shape == (3, 5)


def test_large_histories_keep_what_is_likely(monkeypatch):
    assert isinstance(history_of(3, 4), PredictionHistory)
    monkeypatch.setattr(prediction_history, "_LARGE", 40)
    found = history_of(3, 4, 0.9, name="history")
    assert isinstance(found, LikelyHistory)
    assert (found.decay, found.name) == (0.9, "history")


@pytest.mark.parametrize("kept", [2, 4])
def test_the_likeliest_other_class_is_told_by_its_part_of_the_rest(kept):
    whole, likely = both(kept)
    for history in (whole, likely):
        history.add([0, 1], some([0.5, 0.3, 0.1, 0.1], [0.1, 0.0, 0.2, 0.7]))
        # Given classes 0 and 3: 0.3 of 0.5, and 0.2 of 0.3; one not seen.
        np.testing.assert_allclose(
            history.likeliest_other(np.array([0, 3, 1])),
            [0.6, 2 / 3, 0.0],
            rtol=1e-5,
        )
    # The given class is not the likeliest: 0.5 of 0.7.
    found = whole.likeliest_other(np.array([1, 3, 1]))[0]
    assert found == pytest.approx(0.5 / 0.7)


def test_a_certain_label_leaves_nothing_to_others():
    for history in both(4):
        history.add([0], some([1.0, 0.0, 0.0, 0.0]))
        found = history.likeliest_other(np.zeros(3, int))
        assert 0.0 <= found[0] <= 1.0 and np.isfinite(found).all()


def test_epochs_in_which_the_label_was_predicted_are_counted():
    history = LabelHistory(3)
    add = tf.function(history.add, jit_compile=True)
    predictions = some([0.2, 0.8], [0.6, 0.4])
    add(tf.constant([0, 2]), predictions, tf.constant([1, 1]))
    add(tf.constant([2, 0]), predictions, tf.constant([1, 1]))
    np.testing.assert_array_equal(history.share(), some(0.5, np.nan, 0.5))
    history.add_all([1, 1, 0], [1, 0, 0])
    np.testing.assert_array_equal(history.epochs(), [3, 1, 3])
    np.testing.assert_allclose(history.share(), [2 / 3, 0.0, 2 / 3], rtol=1e-6)
    again = LabelHistory.from_config(history.get_config())
    assert again.rows.shape == (3, 2)
    history.clear()
    assert np.isnan(history.share()).all()


def test_a_margin_is_relative_to_how_surely_classes_are_predicted():
    history = PredictionHistory(4, 3)
    history.add(
        [0, 1, 2],
        some([0.6, 0.3, 0.1], [0.4, 0.5, 0.1], [0.5, 0.3, 0.2]),
    )
    labels = np.array([0, 0, 1, 2])
    # Class 0 is given to rows 0 and 1: (0.6 + 0.4) / 2; class 1 to row 2, 0.3;
    # class 2 to none that was seen: (0.6 + 0.4 + 0.3) / 3.
    t = np.array([0.5, 0.3, 1.3 / 3])
    expected = [
        np.log((0.6 / t[0]) / (0.3 / t[1])),
        np.log((0.4 / t[0]) / (0.5 / t[1])),
        np.log((0.3 / t[1]) / (0.5 / t[0])),
    ]
    margin = history.margin(labels)
    np.testing.assert_allclose(margin[:3], expected, atol=1e-6)
    assert np.isnan(margin[3])


def test_a_history_of_likely_classes_has_the_same_margins():
    random = np.random.RandomState(0)
    whole, likely = PredictionHistory(50, 6), LikelyHistory(50, 6, kept=6)
    for _ in range(3):
        seen = random.permutation(50)[:40]
        predictions = random.dirichlet(np.ones(6), 40).astype(np.float32)
        for history in (whole, likely):
            history.add(seen, predictions)
    labels = random.randint(0, 6, 50)
    np.testing.assert_allclose(
        likely.margin(labels), whole.margin(labels), atol=1e-4
    )


@pytest.mark.parametrize("kind", [PredictionHistory, LikelyHistory])
def test_what_was_noted_is_saved_with_the_table(kind, tmp_path):
    def model_of(history):
        # A table is a layer: any model that has it saves it.
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        model.table = history
        return model

    history = kind(3, 4)
    history.add([0, 1, 2], np.eye(4, dtype=np.float32)[:3])
    history.progress = np.array([[0.25, 0.5], [0.5, 0.25]], np.float32)
    path = tmp_path / "model.weights.h5"
    model_of(history).save_weights(path)
    other = kind(3, 4)
    other.progress = np.ones((1, 2), np.float32)
    model_of(other).load_weights(path)
    np.testing.assert_array_equal(other.progress, history.progress)
    np.testing.assert_array_equal(other.numpy(), history.numpy())
    # Files of version 0.1.0 have the table alone.
    history.progress = np.zeros((0, 2), np.float32)
    model_of(history).save_weights(path)
    model_of(other).load_weights(path)
    assert other.progress.shape == (0, 2)


@pytest.mark.parametrize("kind", [PredictionHistory, LikelyHistory])
def test_a_class_is_forgotten(kind):
    history = kind(3, 3)
    history.add(
        [0, 1, 2], some((0.2, 0.5, 0.3), (0.1, 0.1, 0.8), (1.0, 0.0, 0.0))
    )
    history.forget([0, 2], [1, 0])
    assert history.best()[0][:2].tolist() == [2, 2]
    loss = history.loss([1, 2, 0])
    assert loss[1] == pytest.approx(-np.log(0.8), abs=1e-5)
    assert loss[0] > 5.0 and loss[2] > 5.0
    np.testing.assert_allclose(history.weight([0, 1, 2]), 1.0, rtol=1e-5)
