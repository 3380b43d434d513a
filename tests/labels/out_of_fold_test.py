"""Labels judged by features: a transition by hand, and known mistakes."""

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import out_of_fold


def groups(count, classes, spread=0.1, columns=6, seed=0):
    """Features around a centre for each class, and the classes."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, columns))
    true = np.arange(count) % classes
    noise = random.normal(0.0, spread, (count, columns))
    return (centres[true] + noise).astype(np.float32), true


def judged(features, labels, classes):
    return out_of_fold.judge(
        {"features": lambda i: features[i]}, labels, classes
    )


def test_the_transition_counts_confident_samples():
    predicted = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    labels = np.array([0, 0, 1, 0])
    # Thresholds: (0.9 + 0.7 + 0.1) / 3 of class 0, 0.6 of class 1. The samples
    # count as 0, 0, 1 and 1, so that two of three labels 0 are right.
    counts = np.array([[2.0, 0.0], [1.0, 1.0]])
    counts += 1e-3 * 4 / 4 + 0.5 / 2
    np.testing.assert_allclose(
        out_of_fold.transition_of(predicted, labels),
        counts / counts.sum(axis=1, keepdims=True),
        rtol=1e-9,
    )


def test_a_class_without_labels_has_no_confident_samples():
    predicted = np.full((6, 3), 1 / 3)
    found = out_of_fold.transition_of(predicted, np.array([0, 0, 0, 1, 1, 1]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    "noise",
    [
        nk.data.SymmetricNoise(0.4, seed=1),
        nk.data.AsymmetricNoise(0.3, mapping={0: 1, 1: 2, 2: 0}, seed=1),
    ],
    ids=["symmetric", "asymmetric"],
)
def test_mistakes_are_found_with_the_right_class(noise):
    features, true = groups(600, 3)
    source = nk.data.from_features(features, true).with_noise(noise)
    wrong = source.labels != true
    found = judged(features, source.labels, 3)
    called = found.clean_probability < 0.5
    np.testing.assert_array_equal(called, wrong)
    np.testing.assert_array_equal(found.suggested, true)
    assert found.rate == pytest.approx(wrong.mean(), abs=0.01)
    # About as often given as the noise says.
    transition = np.array(
        [
            [np.mean(source.labels[true == y] == g) for g in range(3)]
            for y in range(3)
        ]
    )
    np.testing.assert_allclose(found.transition, transition, atol=0.02)


def test_right_labels_are_left_alone():
    features, true = groups(300, 3)
    found = judged(features, true, 3)
    assert (found.clean_probability > 0.9).all()


def test_features_that_say_nothing_call_no_label_wrong():
    random = np.random.default_rng(0)
    features = random.normal(size=(400, 5)).astype(np.float32)
    labels = random.integers(0, 4, 400)
    found = judged(features, labels, 4)
    assert (found.clean_probability == 0.5).all()
    np.testing.assert_array_equal(found.suggested, labels)


def test_features_that_predict_the_labels_are_chosen_among_others():
    features, true = groups(300, 3)
    random = np.random.default_rng(1)
    useless = random.normal(size=(300, 4)).astype(np.float32)
    found = out_of_fold.judge(
        {"noise": lambda i: useless[i], "groups": lambda i: features[i]},
        true,
        3,
    )
    assert found.evidence
    assert all(name.endswith("groups") for name in found.evidence)


def test_many_samples_are_judged_by_what_is_best_on_some(monkeypatch):
    features, true = groups(900, 3)
    labels = true.copy()
    labels[::10] = (labels[::10] + 1) % 3
    monkeypatch.setattr(out_of_fold, "_COMPARED_ON", 200)
    monkeypatch.setattr(out_of_fold, "_CHUNK", 100)
    found = judged(features, labels, 3)
    np.testing.assert_array_equal(
        np.flatnonzero(found.clean_probability < 0.5), np.arange(0, 900, 10)
    )


@pytest.mark.parametrize("labels", [[0, 1, 0], [1, 1, 1, 1, 1]])
def test_too_little_to_judge_is_refused(labels):
    features = np.eye(5, dtype=np.float32)
    with pytest.raises(nk.ConfigurationError, match="at least four samples"):
        judged(features, np.array(labels), 2)
