import pytest

from trainers import UsageError
from trainers import presets
from trainers.flags import settings

FLAGS = {
    "dataset": "digits",
    "data_dir": None,
    "image_size": None,
    "noise_type": None,
    "noise_rate": None,
    "noise_convention": None,
    "noise_seed": 0,
    "noise_manifest": None,
    "noise_matrix": None,
    "noise_foreign": None,
    "noise_share": None,
    "noise_foreign_classes": None,
    "network": None,
    "width": None,
    "epochs": None,
    "steps_per_epoch": None,
    "batch_size": None,
    "learning_rate": None,
    "learning_rate_drops": None,
    "weight_decay": None,
    "seed": 0,
    "mixed_precision": "off",
    "jit_compile": "auto",
    "preset": "recommended",
    "max_train_samples": None,
    "validation": None,
}


def resolve(method="dividemix", arguments=None, plugin_arguments=None, **flags):
    values = {**FLAGS, **flags}
    return settings.resolve(method, values, None, arguments, plugin_arguments)


@pytest.mark.parametrize(
    ("dataset", "rate", "weight"),
    [
        ("cifar10", 0.2, 0.0),
        ("cifar10", 0.5, 25.0),
        ("cifar10", 0.8, 25.0),
        ("cifar10", 0.9, 50.0),
        ("cifar100", 0.2, 25.0),
        ("cifar100", 0.8, 150.0),
    ],
)
def test_dividemix_takes_the_published_weight_per_rate(dataset, rate, weight):
    found = resolve(dataset=dataset, noise_rate=rate)
    assert found.arguments["unlabeled_weight"] == weight
    assert found.training["epochs"] == 300
    assert found.training["learning_rate_drops"] == (150,)
    assert found.arguments["warmup_epochs"] == (
        30 if dataset == "cifar100" else 10
    )
    assert f"{rate:.0%} symmetric noise" in found.preset


def test_rates_between_take_the_nearest():
    found = resolve(dataset="cifar10", noise_rate=0.4)
    assert found.arguments["unlabeled_weight"] == 25.0
    assert "50% symmetric noise, the nearest published rate" in found.preset


def test_high_noise_averages_losses():
    found = resolve(dataset="cifar10", noise_rate=0.9)
    assert found.arguments["loss_history"] == 5
    assert found.arguments["clean_threshold"] == 0.6


def test_asymmetric_noise_penalises_confidence():
    found = resolve(dataset="cifar10", noise_type="asymmetric", noise_rate=0.4)
    assert found.arguments["warmup_penalty"] is True
    assert found.arguments["unlabeled_weight"] == 0.0


def test_sanm_has_its_own_row():
    found = settings.resolve(
        "sanm", {**FLAGS, "dataset": "cifar100", "noise_rate": 0.5}
    )
    assert found.training["epochs"] == 360
    assert found.arguments["warmup_epochs"] == 20


def test_flags_replace_and_are_listed():
    found = resolve(
        network="tiny",
        epochs=5,
        learning_rate=0.1,
        arguments={"unlabeled_weight": 3.0, "clean_threshold": None},
        plugin_arguments={"activation": "energy"},
    )
    assert found.training["network"] == "tiny"
    assert found.arguments["unlabeled_weight"] == 3.0
    assert found.plugin_arguments == {"activation": "energy"}
    assert set(found.replaced) == {
        "network",
        "epochs",
        "learning_rate",
        "unlabeled_weight",
        "activation",
    }


def test_epochs_move_drops_and_shrink_the_warmup():
    short = resolve(dataset="cifar10", epochs=30)
    assert short.training["learning_rate_drops"] == (15,)
    assert short.arguments["warmup_epochs"] == 1
    long = resolve(dataset="cifar10", epochs=600)
    assert long.training["learning_rate_drops"] == (300,)
    assert long.arguments["warmup_epochs"] == 10


def test_the_default_noise_of_a_data_set():
    found = resolve()
    assert (found.data["noise_type"], found.data["noise_rate"]) == (
        "symmetric",
        0.4,
    )
    none = resolve(noise_type="none")
    assert (none.data["noise_type"], none.data["noise_rate"]) == ("none", 0.0)
    assert resolve(noise_rate=0.0).data["noise_type"] == "none"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"dataset": "cifar"},
            r"one of animal10n, cifar10, .*; got 'cifar'",
        ),
        ({"dataset": "digit"}, "Did you mean 'digits'"),
        ({"noise_rate": 1.0}, r"--noise_rate: expected a share in \[0, 1\)"),
        ({"noise_rate": -0.1}, "--noise_rate"),
        ({"noise_rate": float("nan")}, "--noise_rate"),
        (
            {"noise_type": "none", "noise_rate": 0.3},
            "--noise_rate: expected no",
        ),
        ({"learning_rate": 0.0}, "--learning_rate: expected a positive"),
        ({"learning_rate": float("nan")}, "--learning_rate"),
        ({"weight_decay": -1.0}, "--weight_decay"),
        ({"learning_rate_drops": ["1", "x"]}, "epoch indices"),
        ({"learning_rate_drops": ["-3"]}, "epoch indices"),
        ({"seed": -1}, "--seed"),
        (
            {"preset": "offical"},
            "--preset: expected a preset, one of recommended, official; got "
            "'offical'. Did you mean 'official'",
        ),
        ({"epochs": 2, "arguments": {"warmup_epochs": 3}}, "--warmup_epochs"),
    ],
)
def test_impossible_values_are_reported(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve(**flags)


def test_human_labels_are_chosen_by_the_noise_type():
    found = resolve(dataset="cifar10_n")
    assert found.data["noise_type"] == "worse"
    assert found.arguments["unlabeled_weight"] == 25.0
    found = resolve(dataset="cifar100_n", noise_type="noisy_fine")
    assert found.arguments["warmup_epochs"] == 30
    found = resolve(dataset="cifar10_n", noise_type="aggre")
    assert found.arguments["unlabeled_weight"] == 0.0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"dataset": "cifar10", "noise_type": "worse"},
            "labels of cifar10_n; got --dataset=cifar10",
        ),
        (
            {"dataset": "cifar10_n", "noise_type": "symmetric"},
            "--noise_type: .*worse.* got symmetric",
        ),
        (
            {"dataset": "cifar10_n", "noise_rate": 0.4},
            "--noise_rate: .* no rate; got 0.4",
        ),
    ],
)
def test_human_labels_of_other_sets_are_reported(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve(**flags)


def test_pictures_have_no_noise_unless_asked(tmp_path):
    dataset = f"folder:{tmp_path}"
    found = resolve(dataset=dataset)
    assert found.data["noise_type"] == presets.ESTIMATED
    assert found.data["noise_rate"] is None
    assert found.data["image_size"] == 64
    found = resolve(dataset=dataset, noise_type="none", noise_rate=0.5)
    assert found.arguments["unlabeled_weight"] == 25.0
    found = resolve(dataset=dataset, noise_rate=0.3)
    assert found.data["noise_type"] == "symmetric"


def test_the_official_preset_of_dividemix_forwards_views_apart():
    assert resolve(preset="official").arguments["separate_guesses"] is True
    found = resolve(method="cross_entropy", preset="official")
    assert "released" not in found.preset
