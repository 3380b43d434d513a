import inspect

import pytest

import noisy_keras as nk
from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.flags import contrastive as contrastive_flags

CLASSES = {"simclr": "SimCLR", "moco": "MoCo"}


@pytest.mark.parametrize("method", ["simclr", "moco"])
@pytest.mark.parametrize("dataset", ["digits", "cifar10", "cifar100", "tfds:x"])
@pytest.mark.parametrize("name", ["recommended", "official"])
def test_every_argument_is_one_of_the_methods(method, dataset, name):
    found = resolve(method, dataset=dataset, preset=name)
    known = inspect.signature(getattr(nk, CLASSES[method])).parameters
    assert set(found.arguments) <= set(known)
    assert found.training["network"] in nk.networks.NAMES
    assert found.training["learning_rate_drops"] == ()
    assert 0 <= found.training["rate_warmup_epochs"]
    assert found.training["optimizer"] in ("sgd", "lars")
    if method == "moco":
        assert found.training["batch_size"] <= found.arguments["queue_size"]


def test_c2ds_simclr_is_as_published():
    found = resolve("simclr", dataset="cifar10")
    training = found.training
    values = ("network", "epochs", "batch_size")
    assert [training[name] for name in values] == ["resnet18", 1000, 512]
    assert (training["learning_rate"], training["rate_warmup_epochs"]) == (
        0.5,
        10,
    )
    assert (training["weight_decay"], training["optimizer"]) == (1e-4, "sgd")
    assert found.arguments == {"temperature": 0.5}
    assert resolve(
        "simclr", dataset="cifar10_n", noise_type="worse"
    ).arguments == (found.arguments)


def test_the_official_simclr_is_trained_by_lars():
    training = resolve("simclr", dataset="cifar10", preset="official").training
    assert (training["optimizer"], training["learning_rate"]) == ("lars", 2.0)


def test_the_warm_up_shrinks_with_the_epochs_and_can_be_set():
    def warmup(**flags):
        training = resolve("simclr", dataset="cifar10", **flags).training
        return training["rate_warmup_epochs"]

    assert warmup(epochs=100) == 1
    assert warmup(epochs=2000) == 10
    assert warmup(epochs=1) == 0
    assert warmup(epochs=100, warmup_epochs=7) == 7
    assert warmup(warmup_epochs=0) == 0
    with pytest.raises(UsageError, match="--warmup_epochs: expected less"):
        warmup(epochs=7, warmup_epochs=7)


def test_the_rate_has_no_drops():
    with pytest.raises(UsageError, match="falls by half a cosine; got 30"):
        resolve("simclr", learning_rate_drops=["30"])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_temperature_must_be_positive(value):
    resolved = resolve("simclr", arguments={"temperature": value})
    with pytest.raises(UsageError, match="--temperature: expected"):
        contrastive_flags.check(resolved)


def test_batches_of_one_are_refused():
    with pytest.raises(UsageError, match="--batch_size: expected at least 2"):
        contrastive_flags.check(resolve("simclr", batch_size=1))


def test_other_methods_neither_warm_up_nor_scale():
    for method in ("sanm", "ieg", "drpl"):
        training = resolve(method).training
        assert training["rate_warmup_epochs"] is None
        assert training["optimizer"] == "sgd"
