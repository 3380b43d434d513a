"""Data mean the same at every entry of a model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core import evaluation
from noisy_keras.core import inputs
from noisy_keras.core import sample_weights
from noisy_keras.testing import toy

NAMES = ("a", "b", "c", "d")


def arrays():
    images, labels = toy.pictures(32)
    # In an order that a wrong reading of labels would change.
    return images, (labels * 3 + 1) % 4


@pytest.fixture(scope="module")
def model():
    """A model of named classes that was fitted on `arrays`."""
    images, labels = arrays()
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(keras.optimizers.SGD(0.01))
    names = np.array(NAMES)[labels]
    model.fit(images, names, batch_size=16, verbose=0)
    return model


def dataset(*parts):
    return tf.data.Dataset.from_tensor_slices(parts)


def read(model, data):
    """Images and labels of a dataset, as Keras gets them."""
    checked = inputs.checked_dataset(model, data, 10)
    with checked.told():
        parts = list(checked.dataset.as_numpy_iterator())
    return [np.concatenate(p) for p in zip(*parts, strict=True)]


def test_labels_in_all_forms_mean_the_same(model):
    images, labels = arrays()
    assert model.pictures.class_names == NAMES
    for form in (
        np.array(NAMES)[labels],
        np.eye(4)[labels],
        labels[:, None].astype(float),
    ):
        source = inputs.as_source(model, images, form)
        assert source.labels.tolist() == labels.tolist()
        assert source.class_names == NAMES
        for data in (dataset(images, form).batch(7), dataset(images, form)):
            found = read(model, data)
            np.testing.assert_array_equal(found[0], images)
            assert found[1].tolist() == labels.tolist()
    soft = 0.7 * np.eye(4)[labels] + 0.075
    source = inputs.as_source(model, images, soft)
    np.testing.assert_allclose(source.soft_labels, soft, rtol=1e-6)


def test_keras_evaluates_them_alike(model):
    images, labels = arrays()
    expected = model.evaluate(images, labels, verbose=0)
    data = dataset(images, np.eye(4)[labels]).batch(10)
    found = model.evaluate(data, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_wrong_labels_and_images_are_told_in_a_line(model):
    images, labels = arrays()
    wrong = np.where(np.arange(32) == 21, 7, labels)
    for given, message in (
        ((images, wrong), r"in \[0, 4\).*7 at row"),
        ((images, 0.7 * np.eye(4)[labels] + 0.075), "one class per sample"),
        ((images / 255.0, labels), "white pixels.*multiply the images by 255"),
        ((images / 127.5 - 1.0, labels), r"if black is -1"),
        ((images[:, :8], labels), "images as the model was built for"),
    ):
        for call in (model.evaluate, lambda *data: read(model, dataset(*data))):
            with pytest.raises(nk.ConfigurationError, match=message) as error:
                call(*given)
            assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="7 at row 5 .in batch 1."):
        model.evaluate(dataset(images, wrong).batch(16), verbose=0)
    with pytest.raises(ValueError, match="7 at row 5 .in batch 1."):
        model.fit(
            images,
            labels,
            validation_data=dataset(images, wrong).batch(16),
            verbose=0,
        )


def test_images_are_checked_where_they_are_predicted(model):
    images = arrays()[0]
    expected = model.predict(images, verbose=0)
    found = model.predict(images.astype(np.float32), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    [found] = read(model, dataset(images).batch(8))
    np.testing.assert_array_equal(found, images)
    # Black images are of any range.
    inputs.checked_images(model, np.zeros((1, 16, 16, 3)))
    for wrong, message in (
        (images / 255.0, "white pixels"),
        (images / 127.5 - 1.0, "if black is -1"),
        (images[0], "batch of images"),
        (images[:, :8], "built for"),
    ):
        with pytest.raises(nk.ConfigurationError, match=message):
            model.predict(wrong, verbose=0)


def test_only_what_was_fitted_is_audited(model):
    images, labels = arrays()
    names = np.array(NAMES)[labels]
    audit = model.label_audit((images, names))
    assert audit.class_names == NAMES
    assert audit.given_label.tolist() == labels.tolist()
    with pytest.raises(ValueError, match="samples that the model was fitted"):
        model.label_audit((images[::-1], labels[::-1]))
    source = nk.data.from_arrays(images, names)
    # Other labels of the same samples may be audited.
    inputs.check_fitted(model, source.relabel(np.roll(labels, 1)))
    with pytest.raises(ValueError, match="tf.data dataset"):
        model.label_audit(images)
    other = nk.data.from_arrays(images, np.array(["a", "c", "b", "x"])[labels])
    with pytest.raises(ValueError, match="Expected the classes"):
        model.evaluate(other, verbose=0)


def test_a_dataset_that_was_fitted_is_audited_and_keeps_its_batches():
    images, labels = arrays()
    weights = np.linspace(0.0, 2.0, 32)
    data = dataset(images, np.eye(4)[labels], weights).shuffle(32).batch(8)
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(keras.optimizers.SGD(0.01))
    model.fit(data, verbose=0)
    assert int(model.optimizer.iterations) == 4 and model.batch_size == 8
    assert len(model.label_audit(data)) == 32
    # Read again, it has another order.
    fresh = dataset(images, labels).shuffle(32).batch(8)
    with pytest.raises(ValueError, match="must be the same object"):
        model.label_audit(fresh)
    source = inputs.as_training_source(model, data)
    np.testing.assert_allclose(
        np.sort(source.sample_weights), weights, rtol=1e-6
    )


def test_weights_are_multiplied_and_checked():
    source = nk.data.from_arrays(*arrays(), class_names=NAMES)
    found = sample_weights.weighted(
        source.with_sample_weights(np.full(32, 0.5)),
        np.arange(32),
        {0: 2.0, "b": 0.0},
    )
    factor = np.array([2.0, 0.0, 1.0, 1.0])[source.labels]
    np.testing.assert_allclose(
        found.sample_weights, 0.5 * np.arange(32) * factor
    )
    part = found.subset([3, 5])
    np.testing.assert_allclose(
        part.sample_weights, found.sample_weights[[3, 5]]
    )
    for given, message in (
        ({"sample_weight": np.ones(3)}, r"\[32\].*\(3,\)"),
        ({"sample_weight": -np.ones(32)}, "not negative.*32 others"),
        ({"class_weight": {4: 1.0}}, r"in \[0, 4\).*Received: 4"),
        ({"class_weight": {"x": 1.0}}, "Received: 'x'"),
        ({"class_weight": {0: np.nan}}, "at least 0.*nan"),
        ({"class_weight": [1.0] * 4}, "dict.*list"),
    ):
        with pytest.raises(nk.ConfigurationError, match=message):
            sample_weights.weighted(source, **given)


@pytest.mark.parametrize(
    "make",
    [
        nk.CrossEntropy,
        lambda *a: nk.CrossEntropy(*a, loss="categorical_focal_crossentropy"),
        nk.GCE,
        nk.ELR,
    ],
)
def test_the_loss_of_a_step_is_weighted(make):
    images, labels = arrays()
    model = make(toy.network(), 32)
    # Without a step, the loss is that of the same network each time.
    model.compile(keras.optimizers.SGD(0.0), metrics=(), run_eagerly=True)
    source = nk.data.from_arrays(images, labels, class_names=NAMES)

    def loss(weights):
        model.reset_metrics()
        if isinstance(model, nk.ELR):
            model.targets.assign(np.zeros([32, 4], np.float32))
        fields = {
            "index": tf.range(32),
            "images": tf.constant(images),
            "label": tf.constant(source.labels),
            "target": tf.one_hot(source.labels, 4),
            "seed": tf.zeros([32, 2], tf.int32),
        }
        if weights is not None:
            fields["weight"] = tf.constant(weights, tf.float32)
        model.steps()["train"](fields)
        return float(model.get_metrics_result()["loss"])

    assert loss(np.ones(32)) == pytest.approx(loss(None), rel=1e-4)
    each = [loss(32.0 * np.eye(32)[i]) for i in (3, 8)]
    both = loss(16.0 * (np.eye(32)[3] + np.eye(32)[8]))
    assert both == pytest.approx(np.mean(each), rel=1e-4)
    assert each[0] != pytest.approx(each[1], rel=1e-3)
    assert loss(np.zeros(32)) == pytest.approx(0.0, abs=1e-6)


def test_fit_passes_weights_to_the_step():
    images, labels = arrays()

    def loss(factor):
        keras.utils.set_random_seed(3)
        model = nk.CrossEntropy(toy.network(), 32)
        model.compile(keras.optimizers.SGD(0.0), metrics=())
        return model.fit(
            images,
            labels,
            sample_weight=np.full(32, factor),
            class_weight={k: 0.5 for k in range(4)},
            batch_size=32,
            verbose=0,
        ).history["loss"][0]

    assert loss(4.0) == pytest.approx(2.0 * loss(2.0), rel=1e-4)


def test_methods_that_cannot_honour_weights_say_why():
    images, labels = arrays()
    for model, reason in (
        (nk.DivideMix(toy.network(), 32), "mixtures of pairs"),
        (nk.JointOptim(toy.network(), 32), "replaces labels"),
        (nk.L2R(toy.network(), 32), "learns from trusted samples"),
        (
            nk.CrossEntropy(
                toy.network(), 32, plugins=[nk.AdversarialNoisyMasking()]
            ),
            "plug-ins",
        ),
    ):
        trusted = (
            {"trusted": toy.trusted()} if hasattr(model, "trusted") else {}
        )
        model.compile()
        with pytest.raises(ValueError, match=f"{reason}.*`nk.CrossEntropy`"):
            model.fit(images, labels, class_weight={0: 2.0}, **trusted)
    source = nk.data.from_arrays(images, labels, sample_weight=np.ones(32))
    with pytest.raises(ValueError, match="Auto has phases"):
        nk.Auto(toy.network(), source, epochs=1).fit(source)


def test_evaluation_with_weights_is_that_of_keras(model):
    images, labels = arrays()
    weights = np.arange(32) % 3
    found = model.evaluate(images, labels, sample_weight=weights, verbose=0)
    predicted = model.predict(images, verbose=0)[np.arange(32), labels]
    expected = np.sum(-np.log(predicted) * weights) / np.sum(weights)
    assert found[0] == pytest.approx(expected, rel=1e-4)
    data = dataset(images, labels, weights).batch(7)
    np.testing.assert_allclose(
        model.evaluate(data, verbose=0)[0], expected, rtol=1e-4
    )


def test_checked_datasets_keep_their_length():
    images, labels = arrays()
    rows = {"image": images, "label": labels, "id": labels}
    data = tf.data.Dataset.from_tensor_slices(rows).batch(10)
    checked = evaluation.Checked(data, (16, 16, 3), None, 4, 255.0, 5)
    with checked.told():
        shapes = [batch[0].shape[0] for batch in checked.dataset]
    assert shapes == [10, 10, 10, 2]
    assert int(checked.dataset.cardinality()) == 4
