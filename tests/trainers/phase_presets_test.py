import pytest

from tests.trainers.settings_test import FLAGS
from trainers import phase_presets
from trainers import settings


def resolve(method, host=None, **flags):
    return settings.resolve(method, {**FLAGS, **flags}, host=host)


@pytest.mark.parametrize(
    ("dataset", "relabel", "relabel_from", "threshold"),
    [
        ("cifar10", 130, 70, 0.1),
        ("cifar10_n", 130, 70, 0.1),
        ("cifar100", 100, 40, 0.1),
        ("tfds:imagenet32/drpl", 100, 40, 0.05),
        ("tfds:imagenet64/drpl", 100, 40, 0.05),
        ("mini_webvision", 100, 40, 0.05),
    ],
)
def test_drpl_takes_the_published_phases(
    dataset, relabel, relabel_from, threshold
):
    found = resolve("drpl", dataset=dataset)
    assert found.host["relabel_epochs"] == relabel
    assert found.host["relabel_from"] == relabel_from
    assert found.host["ssl_drops"] == (100, 150)
    assert found.host["threshold_1"] == threshold
    assert found.training["epochs"] == relabel + 10 + 175 + 10 + 300
    assert found.training["learning_rate"] == 0.1
    assert found.training["weight_decay"] == 1e-4
    assert found.training["batch_size"] == 128
    assert "DRPL, ICPR 2020" in found.preset


def test_what_is_not_published_is_said():
    assert (
        "of which it tells none"
        in resolve("drpl", dataset="mini_webvision").preset
    )
    assert "noisy_keras" in resolve("drpl", dataset="digits").preset


@pytest.mark.parametrize("epochs", [5, 6, 17, 61, 100, 1250])
def test_phases_share_the_epochs_asked_for(epochs):
    found = resolve("drpl", dataset="cifar10", epochs=epochs).host
    assert phase_presets.total(found) == epochs
    assert min(found[name] for name in phase_presets.PHASES) >= 1
    assert 1 <= found["relabel_from"] <= max(1, found["relabel_epochs"])
    for name in ("relabel", "ssl", "final"):
        assert max(found[f"{name}_drops"]) <= found[f"{name}_epochs"]
    if epochs == 1250:  # Twice the published number.
        assert found["final_drops"] == (300, 450)


def test_the_official_presets_reproduce_the_released_choices():
    drpl = resolve("drpl", dataset="cifar10", preset="official")
    assert drpl.host["preset"] == "official"
    own = {
        kind: resolve(
            "joint_optim",
            dataset="cifar10",
            preset="official",
            noise_type=kind,
            noise_rate=0.4,
        )
        for kind in ("symmetric", "asymmetric")
    }
    assert own["symmetric"].training["learning_rate"] == 0.08
    assert own["symmetric"].host == {
        "prior_weight": 1.2,
        "entropy_weight": 0.8,
        "relabel_from": 70,
    }
    assert own["asymmetric"].training["learning_rate"] == 0.03
    assert own["asymmetric"].host["entropy_weight"] == 0.4
    assert "Tanaka" in own["asymmetric"].preset


def test_joint_optim_is_drpls_first_phase():
    found = resolve("joint_optim", dataset="cifar100")
    assert found.training["epochs"] == 100
    assert found.training["learning_rate_drops"] == (45, 80)
    assert found.host == {"relabel_from": 40}
    half = resolve("joint_optim", dataset="cifar100", epochs=50)
    assert half.host == {"relabel_from": 20}
    told = resolve("joint_optim", dataset="cifar100", host={"relabel_from": 7})
    assert told.host == {"relabel_from": 7}
