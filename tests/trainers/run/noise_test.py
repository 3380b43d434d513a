"""The labels that the flags of noise make."""

import numpy as np
import pytest

import noisy_keras as nk
from tests.trainers.flags.data_test import FLAGS
from trainers import UsageError
from trainers.run import noise as run_noise


def add(train, load_foreign=None, **settings):
    return run_noise.add(train, FLAGS | settings, load_foreign)


def test_a_matrix_from_a_file(tmp_path):
    train = nk.data.load("digits")
    matrix = np.roll(np.eye(10), 3, axis=1)
    np.save(tmp_path / "m.npy", matrix)
    np.savetxt(tmp_path / "m.csv", matrix, delimiter=",")
    for name in ("m.npy", "m.csv"):
        noisy = add(
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
        add(
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
    noisy = add(
        train,
        lambda name: asked.append(name) or foreign,
        noise_type="open_set",
        noise_rate=0.3,
        noise_foreign="other",
    )
    assert asked == ["other"]
    assert noisy.foreign.sum() == int(0.3 * train.num_samples)
    assert (noisy.fetch(np.flatnonzero(noisy.foreign)[:3]).numpy() == 7).all()


def test_a_matrix_is_of_the_classes_left_out_and_left(tmp_path):
    whole = nk.data.load("digits")
    train = whole.of_classes([3, 5, 9])
    foreign = whole.of_classes([8, 0])
    path = str(tmp_path / "m.npy")
    # Pictures of 8 for 3 and 9, of 0 for 5.
    np.save(path, [[1, 0, 1], [0, 1, 0]])
    settings = {
        "noise_type": "open_set",
        "noise_rate": 0.5,
        "noise_matrix": path,
        "noise_foreign_classes": ["8", "0"],
    }
    asked = []
    noisy = add(train, lambda name: asked.append(name) or foreign, **settings)
    assert asked == [None]
    known = dict(zip(foreign.ids, foreign.labels, strict=True))
    rows = np.flatnonzero(noisy.foreign)
    shown = np.array([known[noisy.foreign_ids[row]] for row in rows])
    # 1e-5 is added to the matrix.
    assert np.mean(shown == (noisy.labels[rows] == 1)) > 0.99
    np.save(path, np.eye(10))
    with pytest.raises(UsageError, match=r"stays, 2 x 3; got shape \(10, 10\)"):
        add(train, lambda name: foreign, **settings)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("semantic", marks=pytest.mark.large),
        "polynomial_margin",
    ],
)
def test_networks_make_labels_that_look_like_mistakes(kind, monkeypatch):
    monkeypatch.setattr(run_noise, "_EPOCHS", 3)
    monkeypatch.setattr(run_noise, "_LEAST_STEPS", 60)
    train = nk.data.load("digits", max_samples=500)
    settings = {"noise_type": kind, "noise_rate": 0.3, "noise_share": 0.2}
    noisy = add(train, **settings)
    again = add(train, **settings)
    np.testing.assert_array_equal(noisy.labels, again.labels)
    np.testing.assert_array_equal(noisy.true_labels, train.labels)
    rate = np.mean(noisy.labels != train.labels)
    assert noisy.noise["realized_rate"] == pytest.approx(rate, abs=1e-6)
    if kind == "polynomial_margin":
        assert rate == pytest.approx(0.3, abs=0.01)
    else:
        assert 0.02 < rate < 0.8
