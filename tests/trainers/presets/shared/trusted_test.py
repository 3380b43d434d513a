import inspect

import pytest

import noisy_keras as nk
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.flags import recipes as recipe_flags

CLASSES = {
    "ieg": "IEG",
    "eg": "EG",
    "l2r": "L2R",
    "meta_weight_net": "MetaWeightNet",
    "mlc": "MLC",
    "mslc": "MSLC",
}
DATASETS = (
    "cifar10",
    "cifar10_n",
    "cifar100",
    "mini_webvision",
    "webvision",
    "tfds:webvision/mini",
    "clothing1m",
    "food101n",
    "digits",
    "folder:.",
)


@pytest.mark.parametrize("method", recipe_flags.TRUSTED_HOSTS)
@pytest.mark.parametrize("name", ["recommended", "official"])
@pytest.mark.parametrize("dataset", DATASETS)
def test_methods_and_networks_take_the_values_of_a_row(method, name, dataset):
    found = resolve(method, dataset=dataset, preset=name, trusted=1)
    taken = inspect.signature(getattr(nk, CLASSES[method])).parameters
    assert set(found.arguments) <= set(taken)
    assert found.training["network"] in nk.networks.NAMES
    assert "{" not in found.preset and len(found.preset) > 10
    assert found.data["trusted"] == 1


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "cifar10_n"])
def test_ieg_takes_the_published_settings(dataset):
    found = resolve("ieg", dataset=dataset)
    assert found.training["network"] == "wide_resnet28_10"
    assert found.training["batch_size"] == 100
    assert found.training["learning_rate"] == 0.1
    assert found.training["weight_decay"] == 5e-4
    assert found.training["restart_steps"] == 500
    assert found.training["learning_rate_drops"] == ()
    assert found.training["epochs"] <= 200
    assert found.arguments == {
        "unlabeled_weight": 5.0,
        "consistency_weight": 20.0,
    }
    assert found.data["trusted"] == 10
    assert "IEG, CVPR 2020" in found.preset
    assert resolve("eg", dataset=dataset).training["network"] == (
        "wide_resnet28_2"
    )


def test_ieg_on_the_web_weighs_guesses_less():
    for dataset in ("mini_webvision", "webvision", "clothing1m", "folder:."):
        found = resolve("ieg", dataset=dataset, trusted=10)
        assert found.arguments["unlabeled_weight"] == 4.0
        assert found.arguments["consistency_weight"] == 8.0
    # As in the paper, no policy where there are so many pictures.
    found = resolve("ieg", dataset="webvision", trusted=1, preset="official")
    assert found.arguments["strong_view"] == "weak"
    found = resolve("ieg", dataset="clothing1m")
    assert found.data["trusted"] == 100
    assert (found.training["batch_size"], found.training["learning_rate"]) == (
        32,
        0.01,
    )


@pytest.mark.parametrize(
    ("dataset", "methods"),
    [
        ("mini_webvision", ("ieg", "eg")),
        ("tfds:webvision/mini", ("ieg", "eg")),
        ("webvision", ("ieg", "eg")),
        ("clothing1m", recipe_flags.TRUSTED_HOSTS),
    ],
)
def test_photographs_are_seen_by_resnet50(dataset, methods):
    for method in methods:
        found = resolve(method, dataset=dataset, trusted=10)
        assert found.training["network"] == "resnet50"
        assert found.training["width"] is None
        assert found.data["image_size"] == 224
    found = resolve("ieg", dataset="folder:.", trusted=10)
    assert found.training["network"] == "preact_resnet18"
    assert found.data["image_size"] == 64


def test_the_official_ieg_is_its_code():
    found = resolve("ieg", dataset="cifar10", preset="official").arguments
    assert found["step_size"] == 0.1
    assert found["lookahead_through_pseudo_labels"] is True
    assert found["supervised_weight"] == 0.5
    assert found["exact_beta"] is False
    # It shifts by 2 pixels, and starts its strong view there.
    assert found["view"] == "slight"
    assert found["strong_view"] == "slight_autoaugment_cutout"
    source = resolve("eg", dataset="cifar100", preset="official").preset
    assert "25 sub-policies of AutoAugment in place of 95" in source
    other = resolve("ieg", dataset="webvision", trusted=1, preset="official")
    assert "but for the strong view, which is CIFAR's" in other.preset
    # Nothing differs.
    for name in ("l2r", "meta_weight_net"):
        one = resolve(name, dataset="cifar10", preset="official")
        assert one == resolve(name, dataset="cifar10")
    # Every argument is set, so that other defaults change nothing.
    taken = set(inspect.signature(nk.IEG).parameters)
    assert set(found) == taken - {"networks", "num_samples", "name"}
    found = resolve("mlc", dataset="cifar10", preset="official").arguments
    assert found == {"meta_learning_rate": 3e-4, "embedding": 128}
    found = resolve("mslc", dataset="cifar10", preset="official").arguments
    assert found == {"correct_from": 80, "hard_predictions": True}


def test_the_digits_steps_are_few():
    assert resolve("mlc").arguments == {"meta_learning_rate": 3e-3}
    assert resolve("meta_weight_net").arguments == {"normalized": True}
    found = resolve(
        "meta_weight_net", arguments={"normalized": False}
    ).arguments
    assert found == {"normalized": False}
    assert resolve("l2r").arguments == {}
    for name in ("ieg", "eg"):
        weights = {"unlabeled_weight": 1.0, "consistency_weight": 2.0}
        assert resolve(name).arguments == weights


@pytest.mark.parametrize(
    ("method", "network", "epochs", "drops"),
    [
        ("l2r", "wide_resnet28_10", 136, (91, 114)),
        ("meta_weight_net", "resnet32", 120, (80, 100)),
        ("mlc", "resnet32", 120, (80, 100)),
        ("mslc", "resnet34", 120, (80, 100)),
    ],
)
def test_others_take_the_published_settings(method, network, epochs, drops):
    found = resolve(method, dataset="cifar10")
    assert found.training["network"] == network
    assert found.training["epochs"] == epochs
    assert found.training["learning_rate_drops"] == drops
    assert found.training["learning_rate"] == 0.1
    assert found.training["restart_steps"] is None
    assert found.training["batch_size"] == 100
    # 1,000 in all.
    assert found.data["trusted"] == 100
    assert resolve(method, dataset="cifar100").data["trusted"] == 10


def test_mslc_corrects_after_two_thirds():
    assert resolve("mslc", dataset="cifar10").arguments == {"correct_from": 80}
    short = resolve("mslc", dataset="cifar10", epochs=12)
    assert short.arguments == {"correct_from": 8}


def test_other_methods_trust_nothing():
    for method in ("sanm", "joint_optim", "drpl"):
        found = resolve(method)
        assert found.data["trusted"] is found.data["trusted_csv"] is None
        assert found.training["restart_steps"] is None


def test_cycles_stay_with_fewer_epochs_and_drops_move():
    short = resolve("ieg", dataset="cifar10", epochs=10).training
    assert short["restart_steps"] == 500
    own = resolve("ieg", restart_steps=7)
    assert own.training["restart_steps"] == 7
    assert "restart_steps" in own.replaced
    # A method whose rate drops can have cycles, and the other way about.
    cycles = resolve("mlc", dataset="cifar10", restart_steps=500).training
    assert cycles["learning_rate_drops"] == ()
    drops = resolve("ieg", restart_steps=0, learning_rate_drops=["30"])
    assert drops.training["restart_steps"] is None
    assert drops.training["learning_rate_drops"] == (30,)
    with pytest.raises(UsageError, match="as the rate restarts .* got 3,5"):
        resolve("ieg", learning_rate_drops=["3", "5"])
