"""Sources of features: values, checks of bad input, subsets, pickles."""

import pickle
import warnings

import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data import overlap
from noisy_keras.data.io import feature_arrays
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import DataWarning

FEATURES = np.array([[0, 10], [2, 10], [4, 10], [6, 10]], np.float32)
LABELS = ["a", "b", "a", "b"]


def _source(features=FEATURES, labels=LABELS, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return nk.data.from_features(features, labels, **options)


def test_statistics_are_those_of_the_columns():
    source = _source()
    # Mean of 0, 2, 4, 6 is 3; deviation is the root of (9+1+1+9)/4 = 5. A
    # constant column is divided by 1.
    np.testing.assert_allclose(source.pixel_mean, (3.0, 10.0))
    np.testing.assert_allclose(source.pixel_std, (5.0**0.5, 1.0))
    assert source.image_shape == (2,)
    assert source.class_names == ("a", "b")
    assert source.labels.tolist() == [0, 1, 0, 1]


def test_statistics_of_blocks_agree_with_those_of_the_whole(monkeypatch):
    features = np.random.RandomState(0).normal(1e4, 0.1, (1000, 3))
    monkeypatch.setattr(feature_arrays, "_VALUES", 21)  # Blocks of 7 rows.
    found = feature_arrays.scan(features)
    np.testing.assert_allclose(found.mean, features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, features.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint16", "bool", ">f4"]
)
def test_rows_are_float32_whatever_the_dtype(dtype):
    values = np.array([[0, 1], [1, 0], [1, 1], [0, 0]]).astype(dtype)
    rows = _source(values).fetch([2, 1])
    assert rows.dtype == tf.float32
    np.testing.assert_array_equal(rows, [[1, 1], [1, 0]])


def test_memory_mapped_arrays_are_not_copied(tmp_path):
    np.save(tmp_path / "f.npy", FEATURES.astype(np.float16))
    array = np.load(tmp_path / "f.npy", mmap_mode="r")
    source = _source(array)
    assert source._features is array
    np.testing.assert_array_equal(source.fetch([3]), [[6, 10]])


def test_rows_are_read_inside_tf_data_and_of_subsets_of_subsets():
    source = _source(texts=["w", "x", "y", "z"]).subset([3, 2, 0]).subset([1])
    data = tf.data.Dataset.from_tensors([0]).map(source.fetch)
    assert data.element_spec.shape == (1, 2)
    np.testing.assert_array_equal(next(iter(data)), [[4, 10]])
    assert source.texts.tolist() == ["y"]
    assert source.ids.tolist() == ["000002"]


def test_a_pickle_is_the_same_source():
    source = pickle.loads(pickle.dumps(_source().subset([2, 1])))
    np.testing.assert_array_equal(source.fetch([0, 1]), [[4, 10], [2, 10]])


def test_soft_labels_and_unknown_true_labels_are_taken():
    soft = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [1.0, 0.0]]
    source = _source(labels=soft, true_labels=[0, 1, -1, 0])
    np.testing.assert_allclose(source.soft_labels, soft)
    assert source.truth_known.tolist() == [True, True, False, True]


def test_constant_columns_are_a_warning():
    with pytest.warns(DataWarning, match="1 of 2 columns .* number 1"):
        nk.data.from_features(FEATURES, LABELS)


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (FEATURES, LABELS[:3], "4 features, 3 labels"),
        (FEATURES[0], LABELS, "two dimensions.*shape .2,.*reshape"),
        (np.zeros((4, 8, 8, 3)), LABELS, "from_arrays"),
        (np.zeros((4, 0)), LABELS, "at least one row and one column"),
        (FEATURES.astype(str), LABELS, "Expected numbers"),
        ([[1, 2], [3]], ["a", "b"], "rows of one length"),
        ([[1e39], [0.0], [-1e39], [0]], LABELS, "2 of 4 rows, .* at row 0"),
        ([[0], [2**24 + 1], [1], [2]], LABELS, "integers.* at row 1"),
    ],
)
def test_bad_arrays_are_a_line(features, labels, message):
    with pytest.raises(ConfigurationError, match=message) as error:
        nk.data.from_features(features, labels)
    assert "\n" not in str(error.value)


def test_values_that_are_not_finite_are_counted(monkeypatch):
    monkeypatch.setattr(feature_arrays, "_VALUES", 4)
    features = FEATURES.copy()
    features[1, 0], features[3, 1] = np.nan, -np.inf
    with pytest.raises(ConfigurationError, match="in 2 of 4 rows, .* at row 1"):
        nk.data.from_features(features, LABELS)


def test_sparse_features_are_refused_with_what_to_do():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ConfigurationError, match="toarray"):
        nk.data.from_features(sparse.csr_matrix(FEATURES), LABELS)


def test_features_have_no_size():
    with pytest.raises(ConfigurationError, match="image_size=32"):
        _source().resized(32)


def test_equal_vectors_of_two_sources_are_found():
    other = _source(FEATURES[[3, 0]], ["a", "b"], ids=["x", "y"])
    assert overlap.same_pictures(_source(), other) == [0, 3]


def test_noise_by_instance_reads_features():
    features = np.random.RandomState(0).normal(size=(400, 5))
    source = _source(features, np.arange(400) % 2)
    noisy = source.with_noise(nk.data.InstanceNoise(0.3, seed=0))
    assert 0.2 < np.mean(noisy.labels != noisy.true_labels) < 0.4
