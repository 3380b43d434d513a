"""The flags of label noise and the labels that they make."""

import numpy as np
import pytest

import noisy_keras as nk
from trainers import UsageError
from trainers.flags import noise
from trainers.presets import lookup as presets
from trainers.run import noise as run_noise
from trainers.run import noise_estimate

FLAGS = {
    "noise_type": None,
    "noise_rate": None,
    "noise_convention": None,
    "noise_matrix": None,
    "noise_foreign": None,
    "noise_share": None,
    "noise_foreign_classes": None,
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
        (
            {"noise_type": "open_set"},
            "--noise_foreign: expected a data set.* or --noise_foreign_classes",
        ),
        (
            {"noise_foreign_classes": ["1", "4", "1"]},
            "--noise_foreign_classes: expected different names.*got '1,4,1'",
        ),
        ({"noise_foreign_classes": []}, "such as cat,automobile; got ''"),
        ({"noise_foreign_classes": ["1", ""]}, "automobile; got '1,'"),
        (
            {"noise_type": "uniform_ood"},
            "--noise_foreign: .* with --noise_type=uniform_ood; got none",
        ),
        (
            {
                "noise_type": "uniform_ood",
                "noise_foreign_classes": ["1"],
                "noise_matrix": "m.npy",
            },
            "--noise_matrix: expected none with --noise_type=uniform_ood",
        ),
        (
            {"noise_type": "non_uniform_ood", "noise_foreign_classes": ["1"]},
            "--noise_matrix: .* with --noise_type=non_uniform_ood; got none",
        ),
        (
            {"noise_type": "uniform_id", "noise_matrix": "m.npy"},
            "--noise_matrix: .*alone; got --noise_type=uniform_id",
        ),
        (
            {"noise_type": "uniform_id", "noise_foreign": "cifar100"},
            "--noise_foreign: expected with --noise_type=open_set alone",
        ),
        (
            {"dataset": "tfds:mnist", "noise_type": "uniform_id"},
            "expected a share .* with --noise_type=uniform_id; got none",
        ),
        (
            {
                "noise_manifest": "labels.npz",
                "noise_type": "open_set",
                "noise_foreign": "cifar",
            },
            "--noise_foreign: expected one of .*; got 'cifar'",
        ),
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


def test_classes_are_left_out_with_or_without_noise(tmp_path):
    assert resolve()["noise_foreign_classes"] is None
    found = resolve(noise_foreign_classes=["4", "1"])
    assert found["noise_foreign_classes"] == ["4", "1"]
    assert (found["noise_type"], found["noise_rate"]) == ("symmetric", 0.4)
    found = resolve(noise_type="open_set", noise_foreign_classes=["1"])
    assert found["noise_foreign"] is None
    (tmp_path / "labels.npz").touch()
    found = resolve(
        noise_manifest=str(tmp_path / "labels.npz"),
        noise_type="uniform_ood",
        noise_foreign="cifar100",
        noise_foreign_classes=["1"],
    )
    assert found["noise_type"] == "open_set"


@pytest.mark.parametrize(
    ("name", "matrix", "flags", "kind", "convention"),
    [
        ("uniform_id", False, {}, "symmetric", "exclude_true"),
        (
            "uniform_id",
            False,
            {"noise_convention": "ieg"},
            "symmetric",
            "ieg",
        ),
        ("non_uniform_id", False, {}, "asymmetric", "matrix"),
        (
            "non_uniform_id",
            False,
            {"noise_convention": "per_class"},
            "asymmetric",
            "per_class",
        ),
        ("non_uniform_id", True, {}, "confusion", None),
        ("uniform_ood", False, {"noise_foreign": "cifar100"}, "open_set", None),
        (
            "non_uniform_ood",
            True,
            {"noise_foreign_classes": ["1"]},
            "open_set",
            None,
        ),
    ],
)
def test_names_of_drpl(name, matrix, flags, kind, convention, tmp_path):
    if matrix:
        path = str(tmp_path / "m.npy")
        np.save(path, np.eye(10))
        flags = flags | {"noise_matrix": path}
    found = resolve(noise_type=name, **flags)
    assert found["noise_type"] == kind and kind in noise.TYPES
    assert found["noise_rate"] == 0.4
    assert found["noise_convention"] == convention
    # The same as flags of its own.
    plain = flags | {"noise_type": kind, "noise_convention": convention}
    assert found == resolve(**plain)


def test_names_of_drpl_choose_the_preset_of_a_manifest(tmp_path):
    (tmp_path / "labels.npz").touch()
    path = str(tmp_path / "labels.npz")
    for name in ("uniform_id", "non_uniform_id", "non_uniform_ood"):
        found = resolve(noise_type=name, noise_manifest=path)
        assert found["noise_convention"] is None


def inject(train, load_foreign=None, **settings):
    return run_noise.inject(train, FLAGS | settings, load_foreign)


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
    noisy = inject(
        train, lambda name: asked.append(name) or foreign, **settings
    )
    assert asked == [None]
    known = dict(zip(foreign.ids, foreign.labels, strict=True))
    rows = np.flatnonzero(noisy.foreign)
    shown = np.array([known[noisy.foreign_ids[row]] for row in rows])
    # 1e-5 is added to the matrix.
    assert np.mean(shown == (noisy.labels[rows] == 1)) > 0.99
    np.save(path, np.eye(10))
    with pytest.raises(UsageError, match=r"stays, 2 x 3; got shape \(10, 10\)"):
        inject(train, lambda name: foreign, **settings)


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
