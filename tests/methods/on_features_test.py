"""Methods on sources of features: those that run, and those refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core import vectors
from noisy_keras.utils.errors import ConfigurationError

CENTERS = np.random.RandomState(0).normal(size=(3, 8)) * 2.0


def _data(count, seed=1):
    random = np.random.RandomState(seed)
    labels = random.randint(0, 3, count)
    return CENTERS[labels] + random.normal(size=(count, 8)), labels


@pytest.fixture(scope="module")
def source():
    features, labels = _data(240)
    source = nk.data.from_features(features.astype(np.float16), labels)
    return source.with_noise(nk.data.SymmetricNoise(0.3, seed=0))


def _linear(source, epochs=6):
    keras.utils.set_random_seed(0)
    model = nk.CrossEntropy("linear", source)
    model.compile(nk.MomentumSGD(0.05, momentum=0.9))
    model.fit(source, epochs=epochs, batch_size=24, verbose=0)
    return model


@pytest.fixture(scope="module")
def model(source):
    return _linear(source)


def test_wrong_labels_are_found(model, source):
    audit = model.label_audit(source)
    wrong = source.labels != source.true_labels
    clean = audit.clean_probability
    below = clean[wrong][:, None] < clean[~wrong]
    assert below.mean() > 0.9  # The area under the ROC curve.


def test_arrays_datasets_and_sources_are_predicted_alike(model):
    features, labels = _data(50, seed=2)
    found = model.predict(features, verbose=0)
    test = nk.data.from_features(features, labels)
    data = tf.data.Dataset.from_tensor_slices(
        (features.astype(np.float32), labels)
    )
    for other in (test, data, data.batch(7)):
        given = model.predict(other, verbose=0)
        np.testing.assert_allclose(given, found, atol=1e-5)
    accuracy = np.mean(found.argmax(axis=1) == labels)
    assert accuracy > 0.8
    for given in ((features, labels), (test,), (data,), (data.batch(7),)):
        result = model.evaluate(*given, verbose=0)[1]
        assert result == pytest.approx(accuracy, abs=1e-6)


def test_arrays_and_datasets_are_fitted():
    features, labels = _data(60)
    features = features.astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(20)
    network = nk.networks.build("linear", image_shape=(8,), num_classes=3)
    model = nk.CrossEntropy(network, 60)
    model.compile(jit_compile=False)
    model.fit(data, epochs=1, verbose=0)
    model.fit(features, labels, epochs=1, batch_size=20, verbose=0)
    assert len(model.label_audit(data)) == 60


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((2, 7)), "8 columns"),
        (np.zeros(8), "one vector"),
        (np.full((2, 8), np.nan), "2 of 2 rows"),
        (np.zeros((2, 4, 4, 3)), "two dimensions"),
    ],
)
def test_other_features_are_refused(model, features, message):
    with pytest.raises(ConfigurationError, match=message):
        model.predict(features)


def test_nan_in_a_dataset_is_refused(model):
    data = tf.data.Dataset.from_tensors(tf.fill([2, 8], np.nan))
    with pytest.raises(ConfigurationError, match="NaN or infinity"):
        model.predict(data, verbose=0)


def test_a_saved_model_goes_on(model, source, tmp_path):
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    features = _data(10)[0]
    np.testing.assert_allclose(
        loaded.predict(features, verbose=0),
        model.predict(features, verbose=0),
        atol=1e-6,
    )
    assert len(loaded.label_audit(source)) == 240


def test_pictures_are_refused(model, tmp_path):
    with pytest.raises(ConfigurationError, match="features .N, 8..*1 pictures"):
        model.predict(str(tmp_path / "a.png"))
    with pytest.raises(ConfigurationError, match="features .N, 8..*2 pictures"):
        nk.predict_files(model, ["a.png", "b.png"])


def test_features_are_not_written_as_records(source, tmp_path):
    with pytest.raises(ConfigurationError, match="Expected images"):
        nk.data.write_tfrecord(source, str(tmp_path))


@pytest.mark.parametrize("name", ["SANM", "SimCLR", "MoCo", "C2D"])
def test_methods_of_pixels_are_refused_with_those_that_run(source, name):
    with pytest.raises(ConfigurationError, match="pixels.*ELR, .*DMLP"):
        getattr(nk, name)("linear", source)


def test_auto_refuses_its_candidate_of_pixels(source):
    with pytest.raises(ConfigurationError, match="SANM needs pixels"):
        nk.Auto("linear", source, candidate="sanm")


def test_dmlp_takes_the_features_as_they_are(source):
    train, trusted = source.split(trusted=8)
    recipe = nk.DMLP(
        "linear", train, epochs=2, purifier=nk.LabelPurifier(epochs=5)
    )
    assert len(recipe.phases) == 1
    recipe.fit(train, trusted=trusted, verbose=0)
    right = np.mean(recipe.purified.label == train.true_labels)
    assert right > 0.85
    assert right > np.mean(train.labels == train.true_labels)


@pytest.mark.large
@pytest.mark.parametrize("name", vectors.METHODS)
def test_every_method_learns(source, name):
    train, trusted = source.split(trusted=8)
    keras.utils.set_random_seed(0)
    own = {
        "DivideMix": {"warmup_epochs": 2},
        "DMLP": {"epochs": 4, "purifier": nk.LabelPurifier(epochs=5)},
        "DRPL": {
            "warmup_epochs": 2,
            "relabel_epochs": 4,
            "relabel_from": 2,
            "relabel_drops": (3,),
            "ssl_epochs": 3,
            "ssl_drops": (2,),
            "final_epochs": 3,
            "final_drops": (2,),
        },
        "Auto": {"epochs": 10},
        # With the paper's weights, eight trusted samples of each class are
        # too few for so small a network: all samples become one class.
        "EG": {"unlabeled_weight": 1.0, "consistency_weight": 1.0},
    }
    model = getattr(nk, name)("mlp", train, **own.get(name, {}))
    inputs = {}
    if isinstance(model, nk.recipes.Recipe):
        if name == "DMLP":
            inputs = {"trusted": trusted}
        model = model.fit(train, batch_size=24, verbose=0, **inputs)
    else:
        if name in ("IEG", "EG", "L2R", "MetaWeightNet", "MLC", "MSLC"):
            inputs = {"trusted": trusted}
        model.compile(nk.MomentumSGD(0.02, momentum=0.9))
        model.fit(train, epochs=6, batch_size=24, verbose=0, **inputs)
    features, labels = _data(200, seed=2)
    found = model.predict(features, verbose=0).argmax(axis=1)
    assert np.mean(found == labels) > 0.6
