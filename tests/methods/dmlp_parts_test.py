import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.methods.dmlp import adam
from noisy_keras.methods.dmlp import checks
from noisy_keras.methods.dmlp import choice
from noisy_keras.methods.dmlp import noise
from noisy_keras.methods.dmlp.features import FixedFeatures
from noisy_keras.methods.dmlp.layout import Layout


def fixed(features, batch_size, ridge, counted=None):
    layout = Layout.at_random(len(features), 0, batch_size, 500, seed=0)
    if counted is None:
        counted = np.ones(len(features), bool)
    empty = np.zeros((0, features.shape[1]), np.float32)
    return FixedFeatures(features, layout, empty, counted, ridge)


def normal(*shape):
    return np.random.RandomState(0).normal(size=shape).astype(np.float32)


def test_every_sample_and_follower_has_one_place():
    layout = Layout.at_random(23, 7, batch_size=10, slice_size=4, seed=3)
    assert layout.samples.shape == (3, 8) and layout.slices == (2, 4)
    assert layout.followers.shape == (3, 3)
    for places, count in ((layout.samples, 23), (layout.followers, 7)):
        assert sorted(places[places >= 0]) == list(range(count))
    assert not np.array_equal(np.sort(layout.samples[0]), layout.samples[0])
    samples, followers = normal(23, 2), normal(7, 2)
    spread = list(layout.spread(samples, followers))
    assert spread[0].shape == (11, 2)
    for name, expected in (("samples", samples), ("followers", followers)):
        rows = np.stack([batch[layout.places(name)] for batch in spread])
        np.testing.assert_array_equal(layout.gather(name, rows), expected)


@pytest.mark.parametrize("slice_size", [23, 26, 32])
def test_every_slice_has_samples(slice_size):
    layout = Layout.at_random(1437, 0, 7000, slice_size, seed=0)
    assert sorted(layout.samples[layout.samples >= 0]) == list(range(1437))
    slices = layout.samples.reshape(layout.slices)
    assert (slices[:, 0] >= 0).all()


def test_the_published_batches():
    layout = Layout.at_random(49_000, 0, 7000, 500, seed=0)
    assert layout.samples.shape == (7, 7000) and layout.slices == (14, 500)
    assert (layout.samples >= 0).all()


def test_adam_is_pytorchs():
    # By hand: gradient 2 + 0.5 * 1, then 1 + 0.5 * value.
    slots = adam.Adam.fresh([1])
    value, slots = adam.adam(
        tf.ones([1]), tf.constant([2.0]), slots, 0.1, weight_decay=0.5
    )
    assert float(value[0]) == pytest.approx(0.9, abs=1e-6)
    value, slots = adam.adam(
        value, tf.constant([1.0]), slots, 0.1, weight_decay=0.5
    )
    first = (0.5 * 1.25 + 0.5 * 1.45) / 0.75
    second = (0.999 * 0.00625 + 0.001 * 1.45**2) / (1.0 - 0.999**2)
    expected = 0.9 - 0.1 * first / np.sqrt(second)
    assert float(value[0]) == pytest.approx(expected, abs=1e-5)
    assert float(slots.steps) == 2.0


@pytest.mark.parametrize(
    ("transition", "tolerance"),
    [
        ([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]], 0.01),
        # Classes become more frequent or rarer by the noise.
        ([[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.3, 0.3, 0.4]], 0.15),
    ],
)
def test_noise_is_found_from_a_classifier_that_errs(transition, tolerance):
    transition = np.array(transition)
    predicted = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])
    joint = transition.T @ predicted / 3.0
    found = noise.estimate_noise(joint, 1e6 * predicted)
    np.testing.assert_allclose(found.transition, transition, atol=tolerance)
    wrong = 1.0 - np.trace(transition) / 3.0
    assert found.rate == pytest.approx(wrong, abs=tolerance)


def test_classes_that_never_come_leave_numbers():
    joint, confusion = np.zeros((2, 3, 3))
    joint[0, 0], confusion[:2, 0] = 5.0, 4.0
    found = noise.estimate_noise(joint, confusion)
    assert np.isfinite(found.transition).all()
    np.testing.assert_allclose(found.transition.sum(axis=1), 1.0)


def test_followers_start_as_often_wrong_as_noise_says():
    transition = np.array([[0.73, 0.27, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0]])
    labels = np.repeat([0, 1, 2], 200)
    drawn = noise.noisy_labels(labels, transition, seed=0)
    drawn = drawn.reshape(3, -1)
    for row, shares in zip(drawn, transition, strict=True):
        found = np.bincount(row, minlength=3) / len(row)
        np.testing.assert_allclose(found, shares, atol=0.01)


def test_rows_that_are_also_elsewhere_are_found():
    rows = normal(50, 8) + 5.0
    rows[7] = rows[3]
    rows[20:30] = 0.0
    others = np.stack([rows[3], rows[40] + 1e-2, rows[41], np.zeros(8)])
    for scale in (1.0, 1e-12):
        found = checks.same_rows(
            (rows * scale).astype(np.float32),
            (others * scale).astype(np.float32),
        )
        assert sorted(map(tuple, found.tolist())) == [(3, 0), (7, 0), (41, 2)]


def test_held_out_samples_leave_one_of_each_class():
    labels = np.array([0] * 20 + [1] * 20 + [2])
    learned, held = choice.hold_out(labels, 0.2, seed=0)
    assert len(np.intersect1d(learned, held)) == 0
    assert len(learned) + len(held) == 41
    assert set(labels[learned]) == {0, 1, 2}
    assert abs(len(held) - 8) <= 1
    learned, held = choice.hold_out(labels, 0.0, seed=0)
    assert len(learned) == 41 and not len(held)
    with pytest.raises(ValueError, match="to spare.* 3 samples of 3 classes"):
        choice.hold_out(np.arange(3), 0.5, seed=0)


def test_the_best_is_kept_and_ties_go_to_the_lower_error():
    best = choice.Best()
    for epoch, quality in enumerate([(0.5, -1.0), (0.7, -0.9), (0.6, -0.1)]):
        best.offer("labels", quality, epoch, lambda e=epoch: [e])
    best.offer("response", (0.7, -0.8), 5, lambda: [9])
    assert best.kept["labels"] == [1] and best.epoch["labels"] == 1
    assert best.winner() == "response" and best.last_gain() == 5
    # Labels that nothing beats yet may be beaten by what still gains.
    best.offer("given", (0.8, -0.2), -1, list)
    assert best.winner() == "given" and best.last_gain() == 5


def test_a_factor_solves_its_batch():
    features = normal(40, 6)
    counted = np.arange(40) % 4 > 0
    view = fixed(features, 20, 1e-3, counted)
    assert len(view) == 2 and view.ridge == 1e-3
    for k in range(2):
        rows = view.batch(k).numpy() * view.weights[k].numpy()[:, None]
        square = rows.T @ rows
        square += 1e-3 * np.trace(square) / 6 * np.eye(6)
        whitening = view.whitening[k].numpy()
        np.testing.assert_allclose(
            whitening.T @ whitening, np.linalg.inv(square), atol=1e-4
        )
    values = np.linalg.eigvalsh(square)
    assert view.condition_number >= 0.9 * values[-1] / values[0]


def test_a_file_gives_the_same_batches_as_memory(tmp_path):
    np.save(tmp_path / "f.npy", normal(30, 4))
    on_disk = np.load(tmp_path / "f.npy", mmap_mode="r")
    views = [fixed(f, 10, 1e-3) for f in (on_disk, normal(30, 4))]
    for k in range(3):
        first, second = (view.batch(k).numpy() for view in views)
        np.testing.assert_array_equal(first, second)
    # It is read anew at each visit.
    assert views[0]._batches is None


def test_rank_deficient_features_are_told_with_their_condition():
    features = np.concatenate([normal(60, 3)] * 2, axis=1)
    with pytest.warns(UserWarning, match=r"over 1e\+13 without.* ridge=0.001"):
        view = fixed(features, 30, 1e-3)
    assert view.condition_number < 1e7
    for part in view.whitening:
        assert np.isfinite(part.numpy()).all()
    with pytest.raises(ValueError, match="condition number over .*set ridge"):
        fixed(features, 30, 0.0)
    dead = np.concatenate([normal(60, 3), np.zeros((60, 2), "f")], axis=1)
    with pytest.raises(ValueError, match="full rank"):
        fixed(dead, 30, 0.0)


def test_batches_smaller_than_the_features_raise_the_ridge():
    with pytest.warns(UserWarning, match="samples with 40 .*raised from 0.001"):
        view = fixed(normal(60, 40), 20, 1e-3)
    assert view.ridge > 1e-3
    values = np.linalg.eigvalsh(normal(60, 40)[:20].T @ normal(60, 40)[:20])
    added = view.ridge * values.mean()
    # About half as many parameters as samples are left.
    assert np.sum(values / (values + added)) < 0.6 * 20


def test_equal_rows_are_found_whatever_rounding_did():
    features = normal(500, 8)
    others = normal(20, 8) + 3.0
    others[4], others[7] = features[17] * (1.0 + 1e-6), features[400]
    assert checks.same_rows(features, others).tolist() == [[17, 4], [400, 7]]
    assert checks.same_rows(features, others[:2]).shape == (0, 2)


def test_a_fingerprint_sees_every_number():
    features = normal(20, 3)
    other = features.copy()
    other[19, 2] += 1e-6
    found = {checks.fingerprint(f) for f in (features, other, features.T)}
    assert len(found) == 3
    assert checks.fingerprint(features.copy()) in found
