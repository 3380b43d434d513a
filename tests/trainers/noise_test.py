"""The flags of label noise and the labels that they make."""

import numpy as np
import pytest

import noisy_keras as nk
from trainers import injection
from trainers import noise
from trainers import noise_estimate
from trainers import presets
from trainers.usage import UsageError

FLAGS = {
    "noise_type": None,
    "noise_rate": None,
    "noise_convention": None,
    "noise_matrix": None,
    "noise_foreign": None,
    "noise_share": None,
    "noise_seed": 0,
    "noise_manifest": None,
}


def resolve(dataset="digits", **changes):
    return noise.resolve(dataset, FLAGS | changes)


def test_labels_as_found_are_estimated_unless_told(tmp_path):
    dataset = f"folder:{tmp_path}"
    found = resolve(dataset)
    assert found["noise_type"] == presets.ESTIMATED
    assert found["noise_rate"] is None
    found = resolve(dataset, noise_type="none", noise_rate=0.2)
    assert (found["noise_type"], found["noise_rate"]) == ("none", 0.2)
    found = resolve(dataset, noise_type="none")
    assert found["noise_rate"] == 0.0


def test_the_share_that_a_weak_network_learns_from():
    assert resolve(noise_type="semantic")["noise_share"] == 0.05
    assert resolve("cifar100", noise_type="semantic")["noise_share"] == 0.2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"noise_type": "confusion"}, "--noise_matrix: expected a file"),
        (
            {"noise_type": "confusion", "noise_matrix": "nowhere.npy"},
            "'nowhere.npy', which is no file",
        ),
        ({"noise_type": "open_set"}, "--noise_foreign: expected a data set"),
        (
            {"noise_type": "open_set", "noise_foreign": "cifar"},
            "--noise_foreign: expected one of .*; got 'cifar'",
        ),
        ({"noise_foreign": "cifar100"}, "--noise_type=open_set alone"),
        (
            {"noise_type": "semantic", "noise_rate": 0.3},
            "--noise_rate: expected none with --noise_type=semantic",
        ),
        (
            {"noise_type": "semantic", "noise_share": 1.0},
            r"--noise_share: expected a share in \(0, 1\); got 1.0",
        ),
        (
            {"dataset": "tfds:mnist", "noise_type": "symmetric"},
            "--noise_rate: expected a share .*; got none",
        ),
        (
            {"noise_manifest": "labels.npz", "noise_convention": "ieg"},
            "--noise_convention: expected none beside --noise_manifest",
        ),
        ({"noise_manifest": "labels.npz"}, "'labels.npz', which is no file"),
    ],
)
def test_flags_that_do_not_go_together_are_told(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve(**flags)


def inject(train, load_foreign=None, **settings):
    return injection.inject(train, FLAGS | settings, load_foreign)


def test_a_matrix_from_a_file(tmp_path):
    train = nk.data.load("digits")
    matrix = np.roll(np.eye(10), 3, axis=1)
    np.save(tmp_path / "m.npy", matrix)
    np.savetxt(tmp_path / "m.csv", matrix, delimiter=",")
    for name in ("m.npy", "m.csv"):
        noisy = inject(
            train,
            noise_type="confusion",
            noise_rate=0.4,
            noise_matrix=str(tmp_path / name),
        )
        wrong = noisy.labels != train.labels
        assert wrong.sum() == int(0.4 * train.num_samples)
        shift = (noisy.labels - train.labels)[wrong] % 10
        assert np.mean(shift == 3) > 0.99
    (tmp_path / "m.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(UsageError, match="expected numbers in a .npy file"):
        inject(
            train,
            noise_type="confusion",
            noise_rate=0.4,
            noise_matrix=str(tmp_path / "m.csv"),
        )


def test_foreign_pictures_of_another_set():
    train = nk.data.load("digits")
    foreign = nk.data.from_arrays(
        np.full((400, 32, 32, 3), 7, np.uint8), np.arange(400) % 5
    )
    asked = []
    noisy = inject(
        train,
        lambda name: asked.append(name) or foreign,
        noise_type="open_set",
        noise_rate=0.3,
        noise_foreign="other",
    )
    assert asked == ["other"]
    assert noisy.foreign.sum() == int(0.3 * train.num_samples)
    assert (noisy.fetch(np.flatnonzero(noisy.foreign)[:3]).numpy() == 7).all()


@pytest.mark.parametrize("kind", ["semantic", "polynomial_margin"])
def test_networks_make_labels_that_look_like_mistakes(kind, monkeypatch):
    monkeypatch.setattr(injection, "_EPOCHS", 3)
    monkeypatch.setattr(injection, "_LEAST_STEPS", 60)
    train = nk.data.load("digits", max_samples=500)
    settings = {"noise_type": kind, "noise_rate": 0.3, "noise_share": 0.2}
    noisy = inject(train, **settings)
    again = inject(train, **settings)
    np.testing.assert_array_equal(noisy.labels, again.labels)
    np.testing.assert_array_equal(noisy.true_labels, train.labels)
    rate = np.mean(noisy.labels != train.labels)
    assert noisy.noise["realized_rate"] == pytest.approx(rate, abs=1e-6)
    if kind == "polynomial_margin":
        assert rate == pytest.approx(0.3, abs=0.01)
    else:
        assert 0.02 < rate < 0.8


def test_an_estimate_chooses_settings_and_is_told():
    host, told = presets.for_estimate(0.45, 0.2)
    assert host == {"unlabeled_weight": 25.0} and "50% symmetric" in told
    assert presets.for_estimate(0.1, 0.2)[0] == {"unlabeled_weight": 0.0}
    assert presets.for_estimate(0.45, 0.8)[0] == {"unlabeled_weight": 0.0}
    high = presets.for_estimate(0.95, 0.1)[0]
    assert high == {"unlabeled_weight": 50.0, "clean_threshold": 0.6}
    joint = np.array([[0.5, 0.1], [0.05, 0.35]])
    found = nk.data.NoiseEstimate.of_joint(joint)
    text = noise_estimate.describe(found, ("cat", "dog"), host, told)
    assert "15.0% of the labels are wrong" in text
    assert "'cat' for what is 'dog' (10.0% of all)" in text
    assert "unlabeled_weight 25 (50% symmetric" in text
