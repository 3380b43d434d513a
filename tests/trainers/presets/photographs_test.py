"""The published settings for data sets of photographs."""

import json

import pytest

from tests.trainers.flags.settings_test import resolve
from trainers import presets

CLOTHING1M = {
    "network": "keras:ResNet50",
    "weights": "imagenet",
    "width": None,
    "epochs": 80,
    "learning_rate_drops": (40,),
    "batch_size": 32,
    "steps_per_epoch": 1000,
    "learning_rate": 0.002,
    "weight_decay": 1e-3,
}
MINI_WEBVISION = {
    "network": "inception_resnet_v2",
    "weights": None,
    "epochs": 80,
    "learning_rate_drops": (40,),
    "batch_size": 32,
    "steps_per_epoch": None,
    "learning_rate": 0.01,
    "weight_decay": 5e-4,
}
ELR_CLOTHING1M = CLOTHING1M | {
    "epochs": 15,
    "learning_rate_drops": (7,),
    "batch_size": 64,
    "steps_per_epoch": 3000,
}
VGG = {
    "network": "vgg19_bn",
    "weights": None,
    "epochs": 150,
    "learning_rate_drops": (50, 100),
    "learning_rate": 0.02,
    "weight_decay": 5e-4,
    "steps_per_epoch": None,
}


@pytest.mark.parametrize(
    ("method", "dataset", "size", "training"),
    [
        ("dividemix", "clothing1m", 224, CLOTHING1M),
        ("sanm", "clothing1m", 224, CLOTHING1M),
        ("cross_entropy", "clothing1m", 224, CLOTHING1M),
        ("elr", "clothing1m", 224, ELR_CLOTHING1M),
        ("dividemix", "food101n", 224, CLOTHING1M),
        ("elr", "food101n", 224, ELR_CLOTHING1M),
        (
            "cross_entropy",
            "food101n",
            224,
            CLOTHING1M
            | {
                "epochs": 30,
                "learning_rate_drops": (10, 20),
                "steps_per_epoch": None,
            },
        ),
        ("dividemix", "mini_webvision", 299, MINI_WEBVISION),
        ("cross_entropy", "mini_webvision", 299, MINI_WEBVISION),
        (
            "elr",
            "mini_webvision",
            299,
            MINI_WEBVISION
            | {
                "epochs": 100,
                "learning_rate_drops": (50,),
                "learning_rate": 0.02,
            },
        ),
        ("dividemix", "animal10n", 64, VGG | {"batch_size": 64}),
        ("sanm", "animal10n", 64, VGG | {"batch_size": 64}),
        ("cross_entropy", "animal10n", 64, VGG | {"batch_size": 128}),
        ("elr", "animal10n", 64, VGG | {"batch_size": 128}),
    ],
)
def test_photographs_are_trained_on_as_published(
    method, dataset, size, training
):
    found = resolve(method, dataset=dataset)
    assert training.items() <= found.training.items()
    assert found.data["image_size"] == size
    # However the data is read.
    other = {"mini_webvision": "webvision/mini"}.get(dataset, dataset)
    again = resolve(method, dataset=f"tfds:{other}")
    assert again.training == found.training
    assert again.arguments == found.arguments
    assert again.preset == found.preset


def test_dividemix_divides_clothing1m_after_one_epoch():
    found = resolve(dataset="clothing1m")
    assert (
        found.preset == "Li et al., DivideMix, ICLR 2020, code for Clothing1M"
    )
    assert found.arguments == {
        "warmup_epochs": 1,
        "unlabeled_weight": 0.0,
        "mix_alpha": 0.5,
        "mix_unlabeled": False,
        "warmup_penalty": True,
        "sampling": "balanced",
    }
    web = resolve(dataset="mini_webvision").arguments
    assert web["warmup_epochs"] == 1 and "sampling" not in web
    assert "warmup_penalty" not in web and web["mix_unlabeled"] is False
    # Nothing was published for this one: the evidence decides.
    assert resolve(dataset="animal10n").arguments["warmup_epochs"] == "auto"
    # Of noise that is added something is known.
    added = resolve(dataset="clothing1m", noise_rate=0.5)
    assert "50% symmetric noise" in added.preset


def test_sanm_masks_more_of_clothing1m():
    found = resolve("sanm", dataset="clothing1m")
    assert found.plugin_arguments == {
        "ratio_range": (0.06, 0.13),
        "ratio_step": 0.1,
        "reconstruction_weight": 0.3,
        "extra_views": 0,
    }
    code = resolve("sanm", dataset="clothing1m", preset="official")
    assert code.training["batch_size"] == 8
    assert code.training["steps_per_epoch"] == 15_625
    assert code.training["learning_rate"] == 9e-4
    # Its views there are not those of CIFAR.
    assert code.arguments["guess_view"] == "weak"
    assert code.arguments["train_view"] is None
    assert code.plugin_arguments == found.plugin_arguments
    animals = resolve("sanm", dataset="animal10n").plugin_arguments
    assert animals["activation"] == "energy"


def test_balanced_epochs_are_those_of_the_codes_that_have_them():
    for method in ("dividemix", "sanm", "cross_entropy", "elr"):
        found = resolve(method, dataset="clothing1m").arguments
        assert found["sampling"] == "balanced"
        assert "sampling" not in resolve(method, dataset="animal10n").arguments
    replaced = resolve("elr", {"view": None}, dataset="clothing1m").arguments
    assert replaced["sampling"] == "balanced"
    own = resolve("elr", dataset="clothing1m", sampling="shuffled")
    assert own.arguments["sampling"] == "shuffled"
    assert own.replaced == ("sampling",)


def test_flags_replace_weights_steps_and_with_the_network_its_weights():
    own = resolve(dataset="clothing1m", weights="none", steps_per_epoch=7)
    assert own.training["weights"] == "none"
    assert own.training["network"] == "keras:ResNet50"
    assert own.training["steps_per_epoch"] == 7
    assert set(own.replaced) == {"weights", "steps_per_epoch"}
    # Weights belong to the network that the row names.
    other = resolve(dataset="clothing1m", network="preact_resnet18")
    assert other.training["weights"] is None
    assert resolve().training["weights"] is None
    assert resolve().training["steps_per_epoch"] is None


def test_recipes_learn_features_of_photographs_themselves():
    row = presets.preset("c2d", "clothing1m")
    assert (row.network, row.weights) == ("resnet50", None)
    assert row.epochs == 120 and row.learning_rate_drops == (40,)
    assert row.batch_size == 32 and row.steps_per_epoch == 1000
    assert row.learning_rate == 0.002 and row.weight_decay == 1e-3
    options = row.method_arguments()
    assert options["warmup_epochs"] == 5
    assert options["clean_threshold"] == 0.7
    assert options["warmup_clip_norm"] == 1.0
    assert options["warmup_view"] == "weak"
    web = presets.preset("c2d", "mini_webvision")
    assert (web.network, web.image_size) == ("resnet50", 227)
    assert web.epochs == 80 and web.learning_rate == 0.01
    assert web.method_arguments()["warmup_clip_norm"] is None
    assert web.method_arguments()["clean_threshold"] == 0.03
    for host in ("cross_entropy", "dividemix"):
        row = presets.preset(f"dmlp/{host}", "clothing1m")
        assert (row.network, row.weights) == ("resnet50", None)
        assert row.trusted == 100 and "--trusted=100" in row.command
    assert presets.preset("dmlp/ieg", "clothing1m").network == "resnet50"
    assert presets.preset("dmlp/sanm", "animal10n").network == "vgg19_bn"


def test_ieg_keeps_its_settings_for_the_web():
    row = presets.preset("ieg", "mini_webvision")
    assert (row.network, row.weights) == ("resnet50", None)
    assert row.image_size == 224 and row.restart_steps == 500


def test_a_run_from_before_has_neither_weights_nor_steps():
    from trainers.run import folder

    now = json.loads(json.dumps(resolve("cross_entropy").as_dict()))
    before = {**now, "training": dict(now["training"])}
    del before["training"]["weights"]
    assert folder.differences(before, now) == []


@pytest.mark.parametrize("dataset", presets.PHOTOGRAPHS)
def test_auto_takes_the_budget_of_plain_training(dataset):
    row = presets.preset("auto", dataset)
    assert "sampling" not in row.method_arguments()
    assert row.epochs == presets.preset("cross_entropy", dataset).epochs
