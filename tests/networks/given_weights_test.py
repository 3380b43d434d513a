"""No method and no recipe loses the weights of the network that it is given."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras import methods
from noisy_keras.networks import copies
from noisy_keras.networks import head
from noisy_keras.recipes import artefacts
from noisy_keras.recipes.training import Training
from tests import toy

COUNT = 32
#: Ways to start each method: functions of a network and a source.
METHODS = {
    **methods.classes(),
    "SANM": nk.SANM,
    "SANM on cross-entropy": lambda network, source: nk.SANM(
        network, source, host="ce"
    ),
    "DivideMix, adaptive": lambda network, source: nk.DivideMix(
        network, source, warmup_epochs="auto"
    ),
}
#: The same of recipes that end with a host.
RECIPES = {
    f"{recipe.__name__} {host}": lambda network, source, r=recipe, h=host: r(
        network, source, h, pretrain_epochs=0
    )
    for recipe in (nk.C2D, nk.DMLP)
    for host in ("cross_entropy", "dividemix", "sanm")
}


def given(frozen):
    """A network whose backbone someone else has trained, maybe frozen."""
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(images)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.1)(x)
    backbone = keras.Model(images, x, name="pretrained")
    backbone.trainable = not frozen
    return nk.networks.from_backbone(backbone, toy.CLASSES)


def check(model, network, frozen):
    classifiers = []
    assert model.networks
    for one in model.networks:
        kernel = head.classifier(one).kernel
        classifiers.append(kernel.numpy())
        own = {id(w) for w in head.classifier(one).weights}
        for new, old in zip(one.weights, network.weights, strict=True):
            if id(new) not in own:
                np.testing.assert_array_equal(new, old, err_msg=new.path)
        assert len(one.trainable_weights) == (2 if frozen else 6)
    for other in classifiers[1:]:
        assert np.abs(other - classifiers[0]).max() > 0.01


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_methods_start_from_given_weights(name, frozen):
    network = given(frozen)
    model = METHODS[name](network, toy.source(COUNT))
    if "DivideMix" in name or name == "SANM":
        assert len(model.networks) == 2
    check(model, network, frozen)
    assert model.networks[0] is network


@pytest.mark.parametrize("name", RECIPES)
def test_hosts_of_recipes_start_from_given_weights(name):
    source, network = toy.source(COUNT), given(frozen=True)
    recipe = RECIPES[name](network, source)
    check(recipe._build_host(fresh(recipe, source), source, 0), network, True)


@pytest.mark.parametrize("recipe", [nk.DRPL, nk.Auto])
def test_phases_of_recipes_start_from_given_weights(recipe, monkeypatch):
    class Built(Exception):
        pass

    def stop(self, phase, build, *args, **kwargs):
        raise Built(build())

    monkeypatch.setattr(Training, "train", stop)
    network = given(frozen=False)
    with pytest.raises(Built) as caught:
        recipe(network, toy.source(COUNT)).fit(toy.source(COUNT), batch_size=8)
    [model] = caught.value.args
    for new, old in zip(
        model.networks[0].weights, network.weights, strict=True
    ):
        np.testing.assert_array_equal(new, old)


def test_recipes_take_a_file_by_its_name(tmp_path, monkeypatch):
    path = str(tmp_path / "pretrained.keras")
    network, source = given(frozen=True), toy.source(COUNT)
    network.save(path)
    recipe = nk.C2D(path, source, pretrain_epochs=0)
    model = recipe._build_host(fresh(recipe, source), source, 0)
    check(model, network, frozen=True)
    with pytest.raises(ValueError, match="of random weights"):
        nk.C2D("tiny", source, pretrain_epochs=0)

    class Made(Exception):
        pass

    def fit(self, *args, **options):
        raise Made(self.networks[0])

    monkeypatch.setattr(nk.Auto, "fit", fit)
    with pytest.raises(Made) as caught:
        nk.auto(source, path)
    np.testing.assert_array_equal(
        caught.value.args[0].weights[0], network.weights[0]
    )


def fresh(recipe, source):
    """The network that a recipe gives to a phase."""
    kept = artefacts.Artefacts(None, {}, ("start", *recipe.artefact_names))
    training = Training(recipe, source, kept, None, None, None, {"seed": 0})
    return training.fresh_network()


def kernels(model):
    return [network.weights[0].numpy() for network in model.networks]


@pytest.mark.parametrize("how", ["name", "network"])
def test_random_weights_are_drawn_independently(how):
    source = toy.source(COUNT)
    network = "tiny" if how == "name" else toy.network()
    first, second = kernels(nk.DivideMix(network, source))
    assert np.abs(first - second).max() > 0.01


def test_a_second_draw_is_the_published_one():
    network = toy.network()
    keras.utils.set_random_seed(5)
    expected = nk.networks.reinitialized(network).get_weights()
    keras.utils.set_random_seed(5)
    model = nk.DivideMix(network, COUNT)
    for new, old in zip(model.networks[1].get_weights(), expected, strict=True):
        np.testing.assert_array_equal(new, old)


def test_networks_of_recipes_by_name_are_drawn_independently():
    source = toy.source(COUNT)
    recipe = nk.DMLP("tiny", source, "dividemix", pretrain_epochs=0, width=4)
    model = recipe._build_host(fresh(recipe, source), source, 0)
    first, second = kernels(model)
    np.testing.assert_array_equal(first, recipe.networks[0].weights[0])
    assert np.abs(first - second).max() > 0.01


def test_trained_weights_count_as_given(tmp_path):
    network = toy.network()
    assert copies.is_drawn(network)
    network.weights[0].assign(network.weights[0] + 0.5)
    assert not copies.is_drawn(network)
    first, second = kernels(nk.DivideMix(network, COUNT))
    np.testing.assert_array_equal(first, second)
    # As do those that a file has, whatever they are.
    toy.network().save(tmp_path / "network.keras")
    network = keras.models.load_model(tmp_path / "network.keras")
    first, second = kernels(nk.DivideMix(network, COUNT))
    np.testing.assert_array_equal(first, second)


def test_a_frozen_layer_counts_as_given():
    network = toy.network()
    layer = next(layer for layer in network.layers if layer.weights)
    layer.trainable = False
    first, second = kernels(nk.DivideMix(network, COUNT))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "method",
    [
        lambda network: nk.DivideMix(network, COUNT, fresh_copy=True),
        lambda network: nk.SANM(network, COUNT, fresh_copy=True),
    ],
)
def test_a_fresh_copy_is_drawn_where_asked_for(method):
    first, second = kernels(method(given(frozen=False)))
    assert np.abs(first - second).max() > 0.01


def test_fresh_copy_false_keeps_random_weights():
    model = nk.DivideMix(toy.network(), COUNT, fresh_copy=False)
    first, second = kernels(model)
    np.testing.assert_array_equal(first, second)
    heads = [head.classifier(n).kernel.numpy() for n in model.networks]
    assert np.abs(heads[0] - heads[1]).max() > 0.01


def test_a_frozen_classifier_is_kept():
    network = given(frozen=True)
    network.get_layer("logits").trainable = False
    copy = nk.networks.copied(network)
    for new, old in zip(copy.weights, network.weights, strict=True):
        np.testing.assert_array_equal(new, old)


def test_the_classifier_is_found_behind_an_activation():
    images = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3)(images)
    embedding = keras.layers.GlobalAveragePooling2D()(features)
    scores = keras.layers.Dense(3, name="scores")(embedding)
    logits = keras.layers.Activation("tanh")(scores)
    outputs = {"features": features, "embedding": embedding, "logits": logits}
    network = keras.Model(images, outputs)
    assert head.classifier(network).name == "scores"
    copy = nk.networks.copied(network)
    np.testing.assert_array_equal(copy.weights[0], network.weights[0])
    assert np.abs(copy.weights[2] - network.weights[2]).max() > 0.01
    # A network within the network is not taken for a classifier.
    inner = keras.Model(embedding, logits)
    outputs["logits"] = inner(embedding)
    assert head.classifier(keras.Model(images, outputs)) is None


def test_every_method_is_tested_here():
    assert set(methods.classes()) <= set(METHODS)
