"""The presets of all methods: what they hold, their commands, their use."""

import importlib
import inspect
import json
import os
import subprocess
import sys

import keras
import pytest

import noisy_keras as nk
from tests import imports
from trainers import UsageError
from trainers import __main__ as front_door
from trainers import presets

DATASETS = (
    "digits",
    "cifar10",
    "cifar100",
    "cifar10_n",
    "mini_webvision",
    "webvision",
    "clothing1m",
    "animal10n",
    "food101n",
    "folder:pictures",
    "tfds:imagenet32/drpl",
)
METHODS = presets.methods()
#: Classes that a row's arguments are of, where they are those of a host.
HOSTS = {"sanm": "DivideMix", "dmlp": "CrossEntropy", "c2d": "DivideMix"}


def module_of(method):
    return importlib.import_module(f"trainers.presets.{method}")


def targets_of(method):
    """Published results as (method with host, data set, type, rate, result)."""
    module = module_of(method)
    by_host = {"": module.TARGETS}
    if hasattr(module, "HOSTS"):
        by_host = {f"/{host}": found for host, found in module.TARGETS.items()}
    for host, found in by_host.items():
        for key, result in found.items():
            key = key if isinstance(key, tuple) else (key, presets.ESTIMATED)
            dataset, kind, rate = (*key, None)[:3]
            kind = presets.ESTIMATED if kind == "any" else kind
            yield method + host, dataset, kind, rate, result


def test_there_is_a_file_for_each_command_that_trains():
    files = os.listdir(os.path.join(imports.ROOT, "trainers"))
    names = {name.removesuffix(".py") for name in files if ".py" in name}
    others = {"__init__", "__main__", *front_door.FINISHED} - {"export"}
    others.add("features")  # It makes them, and trains nothing.
    assert set(METHODS) == names - others


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", presets.NAMES)
@pytest.mark.parametrize("dataset", DATASETS)
def test_rows_are_complete_and_fit_their_methods(method, name, dataset):
    row = presets.preset(method, dataset, "symmetric", 0.5, name)
    assert (row.method, row.dataset, row.name) == (method, dataset, name)
    assert len(row.source) > 10 and "{" not in row.source
    assert row.network in (*nk.networks.NAMES, "keras:ResNet50")
    assert row.command.startswith(f"python -m trainers.{method} --dataset=")
    assert row.epochs > 0 and row.batch_size > 1 and row.learning_rate > 0.0
    assert row.optimizer_name in ("sgd", "lars")
    taken = getattr(nk, HOSTS.get(method, module_of(method).CLASS))
    assert set(row.method_arguments()) <= set(
        inspect.signature(taken).parameters
    )


@pytest.mark.parametrize("method", METHODS)
def test_published_results_are_the_targets_of_their_rows(method):
    for name, dataset, kind, rate, result in targets_of(method):
        assert presets.preset(name, dataset, kind, rate).target == result
        assert 0.0 < float(result.split()[0]) < 100.0 and "(" in result
    row = presets.preset(method, "digits", "symmetric", 0.4)
    assert row.target is None  # No paper has them.


_RESOLVE = """
import importlib, json, shlex, sys
from absl import flags
from trainers.flags import settings
F = flags.FLAGS
found = []
for line in json.load(sys.stdin):
    _, _, module, *words = shlex.split(line)
    if module not in sys.modules:
        for of, defined in F.flags_by_module_dict().items():
            if of.startswith("trainers."):
                for flag in list(defined):
                    delattr(F, flag.name)
    trainer = importlib.import_module(module)
    F.unparse_flags()
    for flag in list(F):
        F[flag].unparse()
    assert F(["x", *words]) == ["x"]
    values = {name: F[name].value for name in F}
    resolve = getattr(trainer, "resolve", settings.resolve)
    found.append(resolve(trainer.METHOD, values).as_dict())
print(json.dumps(found))
"""


def test_the_command_of_a_row_resolves_to_it(tmp_path):
    (tmp_path / "FILE").touch()
    rows = []
    for method in METHODS:
        noise = ("symmetric", 0.4), ("asymmetric", 0.3), ("none", 0.0)
        cases = [(method, "digits", *n) for n in noise]
        cases += [(method, "clothing1m", presets.ESTIMATED, None)]
        cases += [(method, "cifar10_n", "worse", 0.402)]
        cases += [target[:4] for target in targets_of(method)]
        rows += [presets.preset(*case) for case in cases]
        rows += [presets.preset(*cases[0], "official")]
    lines = [r.command.replace("=DATASET", "=digits") for r in rows]
    answer = subprocess.run(
        [sys.executable, "-c", _RESOLVE],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": imports.ROOT},
    )
    assert answer.returncode == 0, answer.stderr
    for row, found in zip(rows, json.loads(answer.stdout), strict=True):
        # Recipes add the source of their features.
        assert found["preset"].split("; features:")[0] == row.source, (
            row.command
        )
        arguments, training = found["host"], found["training"]
        if "host_options" in arguments:
            training |= {"epochs": arguments["epochs"]}
            arguments = arguments["host_options"]
        wanted = json.loads(json.dumps([row.training, row.method_arguments()]))
        assert wanted[0].items() <= training.items(), row.command
        assert wanted[1].items() <= arguments.items(), row.command
        assert found["data"]["trusted"] == row.trusted


@pytest.mark.parametrize("method", METHODS)
def test_a_row_builds_its_method(method):
    source = nk.data.load("digits", max_samples=200)
    row = presets.preset(method, "digits", "symmetric", 0.4)
    model = row.build(source)
    model.compile(row.optimizer(source.num_samples))
    settings = json.loads(json.dumps(model.settings))
    wanted = row.method_arguments()
    if method in ("dmlp", "c2d"):
        assert settings["host"] == module_of(method).HOSTS[0]
        assert settings["epochs"] == row.epochs
        settings = settings["host_options"]
    if method == "moco":  # A queue of half the pictures, or a batch.
        wanted["queue_size"] = 128
    wanted.pop("preset", None)
    assert json.loads(json.dumps(wanted)).items() <= settings.items()


def test_a_row_trains_as_its_command_does():
    source = nk.data.load("digits", max_samples=64)
    row = presets.preset("sanm", "digits", "symmetric", 0.4, "official")
    model = row.build(source)
    command = nk.SANM(
        "tiny", source, preset="official", **row.method_arguments()
    )
    assert model.settings == command.settings
    assert model.plugins[0].settings == command.plugins[0].settings
    row = presets.preset("cross_entropy", "digits").with_epochs(3)
    assert row.learning_rate_drops == (2,)
    model = row.build(source)
    model.compile(row.optimizer(source.num_samples))
    history = model.fit(
        source,
        epochs=row.epochs,
        batch_size=row.batch_size,
        callbacks=[row.learning_rate_callback(source.num_samples)],
        verbose=0,
    )
    rates = history.history["learning_rate"]
    assert rates == pytest.approx([0.05, 0.05, 0.005])


def test_the_rates_schedule_is_that_of_the_row():
    row = presets.preset("simclr", "digits", name="official")
    optimizer = row.optimizer(1257)
    assert type(optimizer) is nk.LARS
    assert isinstance(
        optimizer._learning_rate,
        keras.optimizers.schedules.LearningRateSchedule,
    )
    assert type(presets.preset("ieg", "digits").optimizer(1257)) is (
        nk.MomentumSGD
    )


@pytest.mark.parametrize(
    ("method", "name", "message"),
    [
        ("devidemix", "official", "'devidemix'. Did you mean 'dividemix'"),
        ("ig", "official", "got 'ig'. Did you mean .*'eg'"),
        ("zzz", "official", "one of auto, c2d, cross_entropy, .*; got 'zzz'$"),
        (
            "dmlp/sam",
            "official",
            "a host of dmlp, .*'sam'. Did you mean 'sanm'",
        ),
        ("ieg/ce", "official", "a host of ieg, one of none; got 'ce'$"),
        ("ieg", "recomended", "'recomended'. Did you mean 'recommended'"),
    ],
)
def test_unknown_names_are_reported_with_the_nearest(method, name, message):
    with pytest.raises(UsageError, match=message) as error:
        presets.preset(method, "digits", name=name)
    assert "\n" not in str(error.value)
