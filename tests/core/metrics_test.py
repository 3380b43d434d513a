"""Metrics get labels in the form that they want."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core import metrics
from noisy_keras.testing import toy

LABELS = np.array([0, 1, 2, 1])
PREDICTED = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.5, 0.3, 0.2],
        [0.1, 0.2, 0.7],
        [0.2, 0.6, 0.2],
    ],
    np.float32,
)
HOT = np.eye(3, dtype=np.float32)[LABELS]


@pytest.mark.parametrize(
    ("metric", "own"),
    [
        ("categorical_accuracy", keras.metrics.CategoricalAccuracy()),
        (keras.metrics.CategoricalAccuracy, None),
        (keras.metrics.TopKCategoricalAccuracy(2), None),
        ("AUC", keras.metrics.AUC()),
        (keras.metrics.AUC(multi_label=True, num_labels=3), None),
        (keras.metrics.F1Score(average="macro"), None),
        (keras.metrics.Precision(class_id=1), None),
        (keras.metrics.Recall(), None),
        (keras.metrics.CategoricalCrossentropy(), None),
        ("mse", keras.metrics.MeanSquaredError()),
        (keras.metrics.OneHotIoU(3, [0, 1]), None),
    ],
)
def test_metrics_of_one_hot_labels_get_those(metric, own):
    [found] = metrics.prepared([metric], 3)
    found.update_state(tf.constant(LABELS), tf.constant(PREDICTED))
    if own is None:
        made = metric() if isinstance(metric, type) else metric
        own = type(made).from_config(made.get_config())
    own.update_state(HOT, PREDICTED)
    np.testing.assert_allclose(found.result(), own.result(), rtol=1e-6)
    # By hand, for the simplest: three of four are right.
    if isinstance(own, keras.metrics.CategoricalAccuracy):
        assert float(found.result()) == 0.75


@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "sparse_categorical_accuracy",
        keras.metrics.SparseTopKCategoricalAccuracy(2),
        keras.metrics.SparseCategoricalCrossentropy(),
    ],
)
def test_others_get_integers(metric):
    [found] = metrics.prepared(metric, 3)
    assert not isinstance(found, metrics.OneHot)


def test_functions_of_other_packages_get_integers():
    def share(y_true, y_pred):
        del y_pred
        return tf.cast(y_true == 1, tf.float32)

    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(metrics=[share])
    images, labels = toy.pictures(32)
    found = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert found["share"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (keras.metrics.Accuracy(), "Expected 'accuracy' among"),
        (keras.metrics.MeanIoU(4), "OneHotIoU"),
        (keras.metrics.Mean(), "labels and predictions.*Received: Mean"),
        ("acuracy", "name of a Keras metric.*'acuracy'"),
        ([["accuracy"]], "one list"),
        (
            keras.metrics.AUC(multi_label=True, num_labels=3),
            "num_labels=4.*Received: 3",
        ),
    ],
)
def test_those_that_cannot_be_computed_are_refused(metric, message):
    with pytest.raises(ValueError, match=message):
        nk.CrossEntropy(toy.network(), 32).compile(metrics=metric)


def test_wrapped_metrics_are_trained_saved_and_restored(tmp_path):
    images, labels = toy.pictures(32)
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(metrics=["AUC", keras.metrics.F1Score(name="f1")])
    history = model.fit(
        images, labels, verbose=0, validation_data=(images, labels)
    ).history
    assert {"f1", "val_f1"} <= set(history)
    # A number per class, as Keras has it without an average.
    assert np.shape(history["f1"]) == (1, 4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    found, expected = (
        m.evaluate(images, labels, verbose=0, return_dict=True)
        for m in (again, model)
    )
    np.testing.assert_allclose(found["f1"], expected["f1"], rtol=1e-5)
    assert sorted(found) == sorted(expected)
