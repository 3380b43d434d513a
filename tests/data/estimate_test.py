import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import estimate


def source(labels, count):
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    names = [str(c) for c in range(count)]
    return nk.data.from_arrays(images, labels, class_names=names)


def test_by_hand():
    labels = [0, 0, 0, 1, 1, 1]
    first = np.array([0.9, 0.8, 0.1, 0.7, 0.2, 0.3])
    found = nk.data.estimate_noise(
        source(labels, 2), np.stack([first, 1 - first], axis=1)
    )
    # Average self-confidence: 0.6 in class 0, 0.6 in class 1. Samples 0, 1 are
    # counted for class 0; 2 for 1; 3 for 0; 4, 5 for 1.
    np.testing.assert_allclose(found.joint, np.array([[2, 1], [1, 2]]) / 6)
    assert found.rate == pytest.approx(1 / 3)
    np.testing.assert_allclose(
        found.transition, [[2 / 3, 1 / 3]] * 1 + [[1 / 3, 2 / 3]]
    )


def test_planted_noise_is_found():
    random = np.random.RandomState(0)
    true = random.randint(0, 4, 20000)
    noise = nk.data.PairFlipNoise(0.3, seed=1)
    given = noise.apply(true, 4)
    # Right but uncertain predictions.
    predictions = random.dirichlet(np.ones(4), 20000) * 0.5
    predictions[np.arange(20000), true] += 0.5
    found = nk.data.estimate_noise(source(given, 4), predictions)
    assert found.rate == pytest.approx(noise.realized_rate, abs=0.02)
    np.testing.assert_allclose(found.transition, noise.transition, atol=0.03)


def test_clean_labels_have_no_noise():
    labels = np.arange(12) % 3
    found = nk.data.estimate_noise(source(labels, 3), np.eye(3)[labels])
    assert found.rate == 0.0
    np.testing.assert_array_equal(found.transition, np.eye(3))


def test_classes_without_samples_do_no_harm():
    labels = [0, 1, 0, 1]
    predictions = np.eye(3)[[0, 1, 0, 2]] * 0.8 + 0.2 / 3
    found = nk.data.estimate_noise(source(labels, 3), predictions)
    assert np.isfinite(found.transition).all()
    np.testing.assert_allclose(found.transition.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.joint.sum(), 1.0)


@pytest.mark.parametrize("shape", [(4, 2), (3, 3), (4,)])
def test_other_shapes_are_reported(shape):
    with pytest.raises(ValueError, match="Expected"):
        nk.data.estimate_noise(
            source([0, 1, 2, 0], 3), np.full(shape, 1.0 / shape[-1])
        )


def test_concentration_tells_flips_from_symmetric_noise():
    true = np.repeat(np.arange(4), 3000)
    for noise, expected in (
        (nk.data.PairFlipNoise(0.3, seed=1), 1.0),
        (nk.data.SymmetricNoise(0.4, 1, convention="exclude_true"), 1 / 3),
    ):
        given = noise.apply(true, 4)
        found = nk.data.estimate_noise(source(given, 4), np.eye(4)[true])
        assert found.concentration == pytest.approx(expected, abs=0.03)
    clean = nk.data.estimate_noise(source(true, 4), np.eye(4)[true])
    assert clean.concentration == 0.0


def test_the_joint_is_the_same_of_classes_in_another_order():
    random = np.random.RandomState(0)
    rows = random.dirichlet(np.ones(5), 200)
    labels = random.randint(0, 5, 200)
    joint = estimate.confident_joint(labels, rows, np.arange(5), 5)
    # As a history of the likeliest classes holds them.
    order = np.argsort(-rows, axis=1)
    kept = np.take_along_axis(rows, order, axis=1)
    np.testing.assert_allclose(
        estimate.confident_joint(labels, kept, order, 5), joint
    )
