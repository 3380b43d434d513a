"""Flags for networks that were trained before."""

import pytest

import noisy_keras as nk
from tests.trainers.flags.settings_test import FLAGS
from trainers import UsageError
from trainers.flags import FINE_TUNING
from trainers.flags import settings
from trainers.presets.shared import learning_rate


def resolve(method="cross_entropy", **flags):
    values = {**FLAGS, **dict.fromkeys(FINE_TUNING), **flags}
    return settings.resolve(method, values)


def test_without_them_settings_are_as_before():
    found = resolve()
    assert not set(FINE_TUNING[1:]) & set(found.training)
    assert found.training["network"] == "tiny"
    made = learning_rate.optimizer(found.training, 100)
    assert type(made) is nk.MomentumSGD and made.backbone_rate == 1.0
    assert learning_rate.describe_fine_tuning(found.training) == []


def test_they_reach_the_optimizer():
    found = resolve(
        optimizer="adamw", backbone_rate=0.1, layer_decay=0.75, freeze_epochs=2
    )
    assert set(found.replaced) == set(FINE_TUNING[:-1])
    training = found.training
    assert (training["learning_rate"], training["weight_decay"]) == (1e-3, 0.05)
    made = learning_rate.optimizer(training, 100)
    assert isinstance(made, nk.AdamW)
    assert (made.backbone_rate, made.layer_decay) == (0.1, 0.75)
    assert learning_rate.describe_fine_tuning(training) == [
        "AdamW, learning rate 0.001; the classifier alone in the first 2 "
        "epochs; rate of the backbone: 0.1 of the classifier's; 0.75 of the "
        "rate from block to block"
    ]


def test_a_rate_that_is_given_holds_for_adamw():
    training = resolve(optimizer="adamw", learning_rate=3e-4).training
    assert (training["learning_rate"], training["weight_decay"]) == (3e-4, 0.05)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"backbone_rate": -0.5}, "--backbone_rate: .*between 0 and 1.*-0.5"),
        ({"backbone_rate": float("nan")}, "--backbone_rate: .*nan"),
        ({"layer_decay": 0.0}, "--layer_decay: .*0.0"),
        ({"freeze_epochs": 9, "epochs": 8}, "--freeze_epochs: .*8; got 9"),
    ],
)
def test_bad_values_are_a_line(flags, message):
    with pytest.raises(UsageError, match=message):
        resolve(**flags)


def test_lars_has_one_rate():
    with pytest.raises(UsageError, match="--backbone_rate: .*lars"):
        resolve("simclr", optimizer="lars", backbone_rate=0.1)


def test_a_frozen_backbone_chooses_a_network_of_features(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    found = resolve(
        frozen_backbone="efficientnet_lite0", dataset="folder:pictures"
    )
    assert found.training["network"] == "mlp"
    assert found.training["frozen_backbone"] == "efficientnet_lite0"
    assert found.data["image_size"] == 224
    assert found.replaced == ("frozen_backbone",)
    found = resolve(
        frozen_backbone="keras:VGG16",
        dataset="folder:pictures",
        network="linear",
        image_size=96,
    )
    assert found.training["network"] == "linear"
    assert found.data["image_size"] == 96


@pytest.mark.parametrize(
    ("method", "flags", "message"),
    [
        ("sanm", {}, "sanm needs their pixels; got efficientnet_lite0.*elr"),
        ("elr", {"frozen_backbone": "tiny"}, "pretrained weights.*'tiny'"),
        ("elr", {"frozen_backbone": "no.keras"}, "is there; got 'no.keras'"),
        ("elr", {"freeze_epochs": 1}, "--freeze_epochs: .*without"),
        ("elr", {"weights": "imagenet"}, "--weights: .*without"),
        ("elr", {"distribute": "multi_worker"}, "one process.*features:FILE"),
    ],
)
def test_what_does_not_go_with_a_frozen_backbone(method, flags, message):
    flags = {"frozen_backbone": "efficientnet_lite0"} | flags
    with pytest.raises(UsageError, match=message):
        resolve(method, **flags)


def test_features_have_no_backbone(tmp_path):
    path = tmp_path / "f.npz"
    path.touch()
    with pytest.raises(UsageError, match="--frozen_backbone: .*already"):
        resolve(
            "elr",
            frozen_backbone="efficientnet_lite0",
            dataset=f"features:{path}",
        )


@pytest.mark.parametrize("dataset", ["clothing1m", "food101n", "animal10n"])
def test_published_settings_of_pictures_are_not_those_of_features(dataset):
    found = resolve(
        "dividemix", dataset=dataset, frozen_backbone="efficientnet_lite0"
    )
    training = found.training
    assert training["network"] == "mlp" and training["weights"] is None
    assert training["steps_per_epoch"] is None
    assert found.data["image_size"] == 224
