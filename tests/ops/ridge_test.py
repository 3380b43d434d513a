import os

import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import losses
from noisy_keras.ops import ridge

PARITY = os.path.join(
    os.path.dirname(__file__), "../parity/dmlp_purification.npz"
)


@pytest.fixture(scope="module")
def reference():
    data = np.load(PARITY)
    arrays = {
        name: tf.constant(data[name], tf.float32)
        for name in ("labels", "features", "val_features", "val_labels")
    }
    return arrays, float(data["ridge"]), data


def close(found, expected, tolerance=1e-4):
    expected = np.asarray(expected)
    np.testing.assert_allclose(
        found, expected, rtol=0.0, atol=tolerance * np.abs(expected).max()
    )


def factor(features, relative):
    found = ridge.whitening(ridge.gram(features, relative))
    return tf.cast(found, tf.float32)


def test_the_reference_solution(reference):
    arrays, relative, numbers = reference
    found = ridge.solve(arrays["features"], arrays["labels"], relative)
    assert found.dtype == tf.float32
    close(found, numbers["weights"])


@pytest.mark.parametrize(
    ("form", "jit"), [("code", False), ("code", True), ("paper", False)]
)
def test_the_reference_loss_and_gradient(reference, form, jit):
    arrays, relative, numbers = reference

    @tf.function(jit_compile=jit)
    def both(labels, features, val_features, val_labels):
        with tf.GradientTape() as tape:
            tape.watch(labels)
            loss = ridge.purification_loss(
                labels, features, val_features, val_labels, relative, form
            )
        return loss, tape.gradient(loss, labels)

    loss, gradient = both(**arrays)
    close(loss, numbers[f"{form}_loss"])
    close(gradient, numbers[f"{form}_grad"])


def label_gradient(labels, features, *rest, weight=None, **options):
    """A correction, and the gradient to the labels that it stands for."""
    moments = ridge.moments(features, labels, weight)
    found = ridge.correction(moments, features, *rest, weight=weight, **options)
    return found, features @ found.direction


@pytest.mark.parametrize("form", ridge.FORMS)
def test_the_gradient_from_a_factor_is_the_same(reference, form):
    arrays, relative, numbers = reference
    whitening = factor(arrays["features"], relative)
    found, gradient = tf.function(label_gradient, jit_compile=True)(
        **arrays, whitening=whitening, form=form
    )
    close(found.loss, numbers[f"{form}_loss"])
    close(gradient, numbers[f"{form}_grad"])
    close(found.weights, numbers["weights"])
    close(found.outputs, numbers["features"] @ numbers["weights"])


def test_rows_of_weight_zero_are_ignored(reference):
    arrays, relative, _ = reference
    more = tf.random.stateless_normal([5, 12], [0, 1])
    prior = tf.constant([0.4, 0.3, 0.2, 0.1])
    without, beside = (
        label_gradient(
            tf.concat([arrays["labels"], labels], axis=0),
            tf.concat([arrays["features"], features], axis=0),
            factor(arrays["features"], relative),
            arrays["val_features"],
            arrays["val_labels"],
            weight=tf.concat([tf.ones([60]), tf.zeros([len(features)])], 0),
            prior=prior,
        )
        for features, labels in ((more[:0], more[:0, :4]), (more, more[:, :4]))
    )
    assert float(beside[0].loss) == pytest.approx(
        float(without[0].loss), rel=1e-5
    )
    close(beside[1][:60], without[1])
    # A row's gradient is linear in its features.
    twice = arrays["features"][:1] + arrays["features"][1:2]
    _, summed = label_gradient(
        tf.concat([arrays["labels"], arrays["labels"][:1]], axis=0),
        tf.concat([arrays["features"], twice], axis=0),
        factor(arrays["features"], relative),
        arrays["val_features"],
        arrays["val_labels"],
        weight=tf.concat([tf.ones([60]), tf.zeros([1])], 0),
        prior=prior,
    )
    close(summed[60], summed[0] + summed[1])


def test_orthonormal_features_need_no_inverse():
    features = np.eye(4, dtype=np.float32)[:, [2, 0]]
    labels = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = ridge.solve(features, labels, 0.0)
    np.testing.assert_allclose(found, [[4.0, 5.0], [0.0, 1.0]], atol=1e-6)


def test_integer_labels_are_converted():
    labels = tf.one_hot([0, 1, 1], 2, dtype=tf.int32)
    found = ridge.solve(np.eye(3, dtype=np.float32), labels, 0.5)
    np.testing.assert_allclose(found, labels.numpy() / 1.5, atol=1e-6)


def test_trusted_samples_have_the_same_columns(reference):
    arrays, relative, _ = reference
    for name in ("val_features", "val_labels"):
        fewer = arrays | {name: arrays[name][:, :1]}
        with pytest.raises(ValueError, match="as many columns"):
            ridge.purification_loss(**fewer, ridge=relative, form="paper")


def test_nan_stays_nan():
    found = ridge.as_distributions(tf.constant([[np.nan, 1.0], [0.0, -1.0]]))
    assert np.isnan(found[0]).any()
    np.testing.assert_array_equal(found[1], [1.0, 0.0])


def test_ridge_is_relative_to_the_mean_square():
    # Columns of squares 1 and 3, whose mean is 2: 0.5 adds 1 to both.
    features = np.diag([1.0, np.sqrt(3.0)]).astype(np.float32)
    found = ridge.solve(features, np.eye(2, dtype=np.float32), 0.5)
    expected = np.diag([1.0 / 2.0, np.sqrt(3.0) / 4.0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_extreme_eigenvalues_are_those_of_a_decomposition():
    random = np.random.RandomState(0)
    features = random.normal(size=(50, 8)) * 3.0 ** np.arange(8)
    matrix = ridge.gram(features, 1e-6)
    expected = np.linalg.eigvalsh(matrix)[[-1, 0]]
    found = ridge.extreme_eigenvalues(matrix, ridge.whitening(matrix))
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_rows_become_distributions():
    values = tf.constant([[0.6, 0.2, -0.5], [2.0, 0.0, 2.0], [-3.0, -1.0, -2]])
    np.testing.assert_allclose(
        ridge.as_distributions(values),
        [[0.75, 0.25, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]],
        atol=1e-6,
    )


def test_the_balance_penalty_weighs_samples_against_a_prior():
    logits = tf.math.log([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    weight, prior = tf.constant([1.0, 1.0, 0.0]), tf.constant([0.5, 0.5])
    # The mean of two rows is (0.6, 0.4).
    expected = 0.5 * np.log(0.5 / 0.6) + 0.5 * np.log(0.5 / 0.4)
    for given in (prior, None):
        found = losses.class_balance_penalty(logits, weight, given)
        assert float(found) == pytest.approx(expected, rel=1e-5)
    # A class of prior 0 adds no penalty.
    found = losses.class_balance_penalty(logits, weight, tf.constant([1.0, 0]))
    assert float(found) == pytest.approx(-np.log(0.6), rel=1e-5)


def test_bad_arguments_raise():
    features, labels = np.ones((4, 2)), np.ones((3, 2))
    with pytest.raises(ValueError, match="one row per sample.* 4 and 3 rows"):
        ridge.solve(features, labels, 1e-3)
    with pytest.raises(ValueError, match="to be matrices"):
        ridge.solve(features, np.ones(4), 1e-3)
    with pytest.raises(ValueError, match="val_features.* 2 and 3 rows"):
        ridge.purification_loss(labels, features[:3], features[:2], labels)
    with pytest.raises(ValueError, match="one of .*'squared'"):
        ridge.purification_loss(
            labels, features[:3], features[:3], labels, form="squared"
        )
