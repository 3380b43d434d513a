"""The first two arguments of all methods and recipes are the same."""

import inspect

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras import methods
from noisy_keras.testing import toy

COUNT = 16

#: What makes the training of a method or recipe short.
SHORT = {"pretrain_epochs": 1, "pretraining": {"batch_size": 8}, "epochs": 1}
_OPTIONS = {
    nk.DivideMix: {"warmup_epochs": 0, "num_views": 1},
    nk.EG: {"strong_view": "weak"},
    nk.IEG: {"strong_view": "weak"},
    nk.MLC: {"hidden": 4},
    nk.MSLC: {"correct_from": 0, "hidden": 4},
    nk.MetaWeightNet: {"hidden": 4},
    nk.MoCo: {"queue_size": COUNT, "view": "weak"},
    nk.SANM: {"host": "ce", "warmup_epochs": 0},
    nk.SimCLR: {"view": "weak"},
}
#: A method whose file is added is tested without further ado.
METHODS = {
    method: _OPTIONS.get(method, {})
    for method in (*methods.classes().values(), nk.SANM)
}
RECIPES = {
    nk.C2D: {**SHORT, "host": "cross_entropy"},
    nk.DMLP: {**SHORT, "purifier": nk.LabelPurifier(epochs=1)},
    nk.DRPL: {
        **{f"{phase}_epochs": 1 for phase in ("relabel", "ssl", "final")},
        **{f"{phase}_drops": () for phase in ("relabel", "ssl", "final")},
        "warmup_epochs": 1,
    },
}
TRUSTED = (nk.EG, nk.IEG, nk.L2R, nk.MLC, nk.MSLC, nk.MetaWeightNet, nk.DMLP)
LABEL_FREE = (nk.MoCo, nk.SimCLR)


@pytest.fixture
def source():
    return toy.source(COUNT)


def count_of(method):
    return 2 if method is nk.DivideMix else 1


def test_every_method_is_here():
    exported = {
        value
        for value in vars(nk).values()
        if inspect.isclass(value) and issubclass(value, nk.NoisyLabelModel)
    }
    assert exported == {*METHODS, nk.NoisyLabelModel} - {nk.SANM}
    assert len(METHODS) >= 15


@pytest.mark.parametrize("method", METHODS)
def test_networks_and_samples_in_all_forms(method, source):
    options = METHODS[method]
    single = toy.network()
    several = [toy.network() for _ in range(count_of(method))]
    for networks, samples in (
        (single, COUNT),
        (several, source),
        ("tiny", source),
    ):
        model = method(networks, samples, **options)
        assert model.num_samples == COUNT
        assert model.get_config()["num_samples"] == COUNT
        assert len(model.networks) == count_of(method)
    with pytest.raises(ValueError, match="source beside the name"):
        method("tiny", COUNT, **options)


# One place checks these for all methods: some will do.
@pytest.mark.parametrize(
    "method", [nk.CrossEntropy, nk.DivideMix, nk.SANM, *RECIPES]
)
def test_arguments_that_do_not_fit_are_refused(method, source):
    options = {**METHODS, **RECIPES}[method]
    with pytest.raises(ValueError, match="Did you mean 'tiny'"):
        method("tinny", source, **options)
    with pytest.raises(ValueError, match="Expected one network or a list"):
        method([toy.network() for _ in range(3)], source, **options)
    with pytest.raises(ValueError, match="Expected .*Source`"):
        method(toy.network(), "digits", **options)
    with pytest.raises(ValueError, match="images"):
        method(toy.network(size=8), source, **options)


@pytest.mark.parametrize("method", RECIPES)
def test_recipes_take_a_name_or_a_list_of_one(method, source):
    options = RECIPES[method]
    assert method("tiny", source, **options).networks[0].name == "tiny"
    network = toy.network()
    assert method([network], source, **options).networks == [network]


@pytest.mark.large
@pytest.mark.parametrize("method", [*METHODS, *RECIPES])
def test_the_first_example_of_the_readme(method, source, tmp_path):
    model = made = method("tiny", source, **{**METHODS, **RECIPES}[method])
    # Its graph is traced in the tests of the method.
    model.compile(run_eagerly=True)
    options = {"trusted": toy.source(8, rate=0.0, seed=1)}
    options = options if method in TRUSTED else {}
    if method in RECIPES:
        model = made.fit(source, batch_size=8, verbose=0, **options)
    else:
        model.fit(source, epochs=1, batch_size=8, verbose=0, **options)
    if method in LABEL_FREE:
        with pytest.raises(ValueError, match="predicts no classes"):
            model.evaluate(source, verbose=0)
    else:
        loss, accuracy = model.evaluate(source, verbose=0)
        assert np.isfinite(loss) and 0.0 <= accuracy <= 1.0
    predictions = model.predict(source, verbose=0)
    assert np.isfinite(predictions).all() and len(predictions) == COUNT
    assert len(made.label_audit(source)) == COUNT
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(source, verbose=0), predictions
    )
