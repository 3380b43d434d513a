import pytest

from tests.trainers.flags.settings_test import FLAGS
from trainers.flags import settings
from trainers.presets.shared import phases as phase_presets


def resolve(method, arguments=None, **flags):
    return settings.resolve(method, {**FLAGS, **flags}, arguments=arguments)


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
    assert found.arguments["relabel_epochs"] == relabel
    assert found.arguments["relabel_from"] == relabel_from
    assert found.arguments["ssl_drops"] == (99, 149)
    assert found.arguments["threshold_1"] == threshold
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
    found = resolve("drpl", dataset="cifar10", epochs=epochs).arguments
    assert phase_presets.total(found) == epochs
    assert min(found[name] for name in phase_presets.PHASES) >= 1
    assert 1 <= found["relabel_from"] <= max(1, found["relabel_epochs"])
    for name in ("relabel", "ssl", "final"):
        assert max(found[f"{name}_drops"]) <= found[f"{name}_epochs"]
    if epochs == 1250:  # Twice the published number.
        assert found["final_drops"] == (298, 448)


@pytest.mark.parametrize("dataset", ["digits", "folder:."])
@pytest.mark.parametrize("epochs", [5, 7, 30])
def test_brief_presets_share_them_as_exactly(dataset, epochs):
    found = resolve("drpl", dataset=dataset, epochs=epochs).arguments
    assert phase_presets.total(found) == epochs


def test_a_phase_of_another_length_keeps_its_shape():
    found = resolve(
        "drpl",
        dataset="cifar10",
        arguments={
            "relabel_epochs": 13,
            "ssl_epochs": 350,
            "warmup_epochs": 900,
        },
    ).arguments
    assert found["relabel_drops"] == (7, 11) and found["relabel_from"] == 7
    assert found["ssl_drops"] == (198, 298)
    assert found["final_drops"] == (149, 224)
    own = {"relabel_epochs": 13, "relabel_drops": (2,), "relabel_from": 3}
    found = resolve("drpl", dataset="cifar10", arguments=own).arguments
    assert found["relabel_drops"] == (2,) and found["relabel_from"] == 3


def test_sets_that_the_paper_left_out_take_its_nearest():
    for dataset in ("clothing1m", "animal10n"):
        found = resolve("drpl", dataset=dataset)
        assert found.training["learning_rate"] == 0.02
        assert found.arguments["threshold_1"] == 0.05
        assert found.training["epochs"] == 595
        assert found.preset.startswith("noisy_keras, after DRPL")


def test_the_official_presets_reproduce_the_released_choices():
    drpl = resolve("drpl", dataset="cifar10", preset="official")
    assert drpl.arguments["preset"] == "official"
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
    assert own["symmetric"].arguments == {
        "prior_weight": 1.2,
        "entropy_weight": 0.8,
        "relabel_from": 70,
    }
    assert own["asymmetric"].training["learning_rate"] == 0.03
    assert own["asymmetric"].arguments["entropy_weight"] == 0.4
    assert "Tanaka" in own["asymmetric"].preset


def test_joint_optim_is_drpls_first_phase():
    found = resolve("joint_optim", dataset="cifar100")
    assert found.training["epochs"] == 100
    assert found.training["learning_rate_drops"] == (44, 79)
    assert found.arguments == {"relabel_from": 40}
    half = resolve("joint_optim", dataset="cifar100", epochs=50)
    assert half.arguments == {"relabel_from": 20}
    found = resolve(
        "joint_optim", dataset="cifar100", arguments={"relabel_from": 7}
    )
    assert found.arguments == {"relabel_from": 7}
