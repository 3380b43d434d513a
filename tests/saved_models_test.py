"""Files of earlier versions load, predict as they did, and train on.

`tests/saved` has a folder for each version, and `tests/saved/make.py` documents
its files. They never change: where a test fails here, the code must change.
"""

import csv
import functools
import json
import os
import shutil
import types
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from tests import commands
from tests.saved import make
from trainers.run import folder as run_folder
from trainers.run import prepare

VERSIONS = sorted(
    name
    for name in os.listdir(make.HERE)
    if os.path.exists(os.path.join(make.HERE, name, "arguments.json"))
)


@functools.cache
def arguments(version):
    with open(path_of(version, "arguments.json"), encoding="utf-8") as stream:
        return json.load(stream)


def path_of(version, *names):
    return os.path.join(make.HERE, version, *names)


def over(*groups):
    """Parametrizes a test by version and by the names in some groups."""
    return pytest.mark.parametrize(
        ("version", "name"),
        [
            (version, name)
            for version in VERSIONS
            for group in groups
            for name in arguments(version)[group]
        ],
    )


over_models = over("models", "recipes")

# An epoch after the warm-up of every model.
PAST_WARM_UP = 20


@functools.cache
def stored(version, name):
    with np.load(path_of(version, f"{name}.npz")) as arrays:
        return dict(arrays)


def stored_under(version, name, prefix):
    return {
        key.removeprefix(prefix): value
        for key, value in stored(version, name).items()
        if key.startswith(prefix)
    }


@functools.cache
def sources(version):
    return make.read_sources(path_of(version))


def source_of(version, name):
    """The source that a model was trained on."""
    source = sources(version)[0]
    labels = stored(version, name).get("purified/label")
    return source if labels is None else source.relabel(labels)


@functools.cache
def loaded(version, name):
    # In the safe mode of Keras, its default, which runs no code of a file.
    return keras.models.load_model(path_of(version, f"{name}.keras"))


def assert_close(found, expected, **tolerance):
    tolerance = {"rtol": 1e-5, "atol": 1e-5} | tolerance
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, **tolerance)


def assert_same_weights(model, expected):
    """Asserts that variables, in their order, and slots are the stored ones."""
    for key, variables in (
        ("variables", model.variables),
        ("optimizer", model.optimizer.variables),
    ):
        assert_close(make.sums(variables), expected[key], rtol=1e-6)
    # Momentum had been gathered, so that it is not fresh slots that are equal.
    assert np.count_nonzero(expected["optimizer"][2:, 1]) > 4


def assert_same_tables(model, tables):
    for key, value in tables.items():
        np.testing.assert_array_equal(getattr(model, key).numpy(), value)


@over_models
def test_a_model_predicts_the_same(version, name):
    model = loaded(version, name)
    made = arguments(version)["models"].get(name)
    assert made is None or type(model) is getattr(nk, made["class"])
    images = make.images_of(sources(version)[0])
    predictions = model.predict(images, batch_size=16, verbose=0)
    assert_close(predictions, stored(version, name)["predictions"])


@over_models
def test_a_model_has_its_weights_tables_and_slots(version, name):
    model, expected = loaded(version, name), stored(version, name)
    assert_same_weights(model, expected)
    assert_same_tables(model, stored_under(version, name, "table/"))


@over_models
def test_a_run_of_a_model_may_go_on_as_its_arguments_are_the_same(
    version, name, tmp_path
):
    """Arguments that the version did not have are those it acted by."""
    model = loaded(version, name)
    with zipfile.ZipFile(path_of(version, f"{name}.keras")) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    known = {k: config[k] for k in model.settings if k in config}
    run = types.SimpleNamespace(model=model, trusted=None)
    used = prepare.used(run)
    run_folder.write_json(f"{tmp_path}/config.json", used | {"method": known})
    run_folder.check_used(tmp_path, used, prepare.defaults(run))


@over_models
def test_a_model_audits_the_same(version, name):
    source = source_of(version, name)
    model = loaded(version, name)
    audit = model.label_audit(source)
    expected = stored_under(version, name, "audit/")
    assert {"clean_probability", "suggested_label", "verdict"} <= set(expected)
    if getattr(model.audit_strategy, "by_class", False):
        # Since 0.2 as many labels are called wrong as the estimated noise rate
        # allows. Which are more suspect than others, is as before.
        before = expected.pop("clean_probability")
        order = np.argsort(before, kind="stable")
        assert (np.diff(audit.clean_probability[order]) >= -1e-6).all()
        del expected["verdict"]
    for key, value in expected.items():
        found = np.asarray(getattr(audit, key))
        if value.dtype.kind == "f":
            assert_close(found, value, atol=1e-4)
        else:
            np.testing.assert_array_equal(found, value)


@over("models")
def test_training_goes_on(version, name):
    made = arguments(version)
    source, trusted = sources(version)
    model = loaded(version, name)
    # Tracing every step would take longer than all other tests here.
    model.run_eagerly = name != "cross_entropy"
    taken = int(model.optimizer.iterations)
    before = make.sums(model.trainable_variables)
    history = model.fit(
        source,
        initial_epoch=PAST_WARM_UP,
        epochs=PAST_WARM_UP + 1,
        batch_size=made["batch_size"],
        steps_per_epoch=1,
        verbose=0,
        **({"trusted": trusted} if made["models"][name].get("trusted") else {}),
    )
    loaded.cache_clear()  # It is another model now.
    assert np.isfinite(history.history["loss"]).all()
    assert int(model.optimizer.iterations) > taken > 0
    changed = make.sums(model.trainable_variables) != before
    assert changed.any(axis=1).mean() > 0.5


@pytest.mark.parametrize("version", VERSIONS)
def test_networks_predict_the_same(version):
    images = make.images_of(sources(version)[0])[:16]
    for name in ("encoder", *arguments(version)["networks"]):
        outputs = loaded(version, name).predict(images, verbose=0)
        expected = stored(version, name)
        assert set(outputs) == set(expected)
        for key, value in expected.items():
            assert_close(outputs[key], value)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_encoder_starts_a_method(version):
    source = sources(version)[0]
    started = nk.networks.warm_started(loaded(version, "encoder"))
    model = nk.CrossEntropy(started, source.num_samples)
    images = make.images_of(source)[:16]
    outputs = model.networks[0].predict(images, verbose=0)
    assert_close(outputs["embedding"], stored(version, "encoder")["embedding"])


@pytest.mark.parametrize("version", VERSIONS)
def test_purified_labels_load(version):
    expected = stored_under(version, "dmlp", "purified/")
    purified = nk.PurifiedLabels.load(
        path_of(version, "dmlp", "phases", "purified.npz")
    )
    for key in make.PURIFIED:
        np.testing.assert_array_equal(getattr(purified, key), expected[key])
    values = {key: getattr(purified, key) for key in make.PURIFIED_VALUES}
    assert json.dumps(values) == str(expected["values"])
    np.testing.assert_array_equal(purified.noise.joint, expected["noise"])
    source = sources(version)[0]
    assert_close(purified.audit(source).clean_probability, expected["audit"])
    predictions = purified.predict(expected["features"])
    assert_close(predictions, expected["predictions"])


@over("recipes")
def test_a_recipe_goes_on_after_its_phases(version, name, tmp_path):
    """Finished phases are read from their files, and only the last trains."""
    made = arguments(version)
    kind = made["recipes"][name]
    source, trusted = sources(version)
    options = dict(kind["options"])
    if "purifier" in kind:
        options["purifier"] = nk.LabelPurifier(**kind["purifier"])
    recipe = getattr(nk, kind["class"])(
        loaded(version, name).networks[0], source, **options
    )
    recipe.compile(make.optimizer_of(name))
    kept = path_of(version, name, "phases")
    shutil.copytree(kept, tmp_path / "phases")
    trained = []
    model = recipe.fit(
        source,
        batch_size=made["batch_size"],
        directory=tmp_path,
        # No batch is needed to see which phases are trained.
        callbacks=lambda phase: trained.append(phase.name) or [StopAtOnce()],
        verbose=0,
        **({"trusted": trusted} if kind.get("trusted") else {}),
    )
    assert trained == [recipe.phases[-1].name]
    assert type(model) is type(loaded(version, name))
    for file in os.listdir(kept):
        now = (tmp_path / "phases" / file).read_bytes()
        with open(os.path.join(kept, file), "rb") as stream:
            assert now == stream.read()


class StopAtOnce(keras.callbacks.Callback):
    """Ends training before its first batch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.stop_training = True


@pytest.mark.parametrize("version", VERSIONS)
def test_the_model_of_a_run_is_the_same(version):
    model, expected = loaded(version, "run/model"), stored(version, "run")
    assert_same_weights(model, expected)
    assert_same_tables(model, stored_under(version, "run", "table/"))
    predictions = model.predict(expected["images"], verbose=0)
    assert_close(predictions, expected["predictions"])


@pytest.mark.parametrize("version", VERSIONS)
def test_checkpoints_of_a_run_have_the_order_of_the_variables(version):
    """A checkpoint numbers the variables, so their order must stay."""
    model = loaded(version, "run/model")
    latest = tf.train.latest_checkpoint(path_of(version, "run", "checkpoints"))
    reader = tf.train.load_checkpoint(latest)
    names = reader.get_variable_to_shape_map()
    groups = {"model": model, "optimizer": model.optimizer}
    for group, holder in groups.items():
        name = f"variables/{group}_{{}}/.ATTRIBUTES/VARIABLE_VALUE"
        for number, variable in enumerate(holder.variables):
            np.testing.assert_array_equal(
                reader.get_tensor(name.format(number)), variable.numpy()
            )
        assert name.format(len(holder.variables)) not in names


# From the command line.


def command(module, *flags):
    result = commands.run(f"trainers.{module}", *flags)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def run(version, tmp_path):
    """A copy of a frozen run."""
    return shutil.copytree(path_of(version, "run"), tmp_path / "run")


@pytest.mark.large
@pytest.mark.parametrize("version", VERSIONS)
def test_a_report_of_a_run_is_written(version, run):
    command("report", f"--run={run}")
    text = (run / "report.html").read_text(encoding="utf-8")
    for figure in ("digits", "cross_entropy", version):
        assert figure in text
    assert "<img" in text


@pytest.mark.large
@pytest.mark.parametrize("version", VERSIONS)
def test_suspects_of_a_run_are_listed(version, run):
    command("audit", f"--run={run}", "--top=20")
    rows = rows_of(run / "audit" / "most_suspect.csv")
    audit = {row["id"]: row for row in rows_of(run / "label_audit.csv")}
    assert len(rows) == 20
    for row in rows:
        assert row["verdict"] == audit[row["id"]]["verdict"] == "suspect"


@pytest.mark.large
@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_goes_on_from_its_checkpoint(version, run):
    """It has finished: only its last files are written again."""
    made = arguments(version)["run"]
    before = contents(run)
    os.remove(run / "model.keras")
    os.remove(run / "summary.json")
    command(made["method"], f"--output_dir={run}", *made["flags"])
    after = contents(run)
    assert after["metrics.jsonl"] == before["metrics.jsonl"]
    found, expected = after["summary.json"], before["summary.json"]
    assert found["final"] == pytest.approx(expected["final"], abs=1e-5)
    model = keras.models.load_model(run / "model.keras")
    assert_same_weights(model, stored(version, "run"))


@pytest.mark.large
@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_has_the_files_and_keys_of_earlier_ones(version, tmp_path):
    made = arguments(version)["run"]
    folder = tmp_path / "run"
    command(made["method"], f"--output_dir={folder}", *made["flags"])
    expected, found = contents(path_of(version, "run")), contents(folder)
    assert set(made["files"]) <= set(os.listdir(folder))
    assert len(expected) == 7
    for name, content in expected.items():
        missing = keys_of(content) - keys_of(found[name])
        assert not missing, f"{name} lacks {sorted(missing)}"
    # The same noise and the same samples.
    with (
        np.load(path_of(version, "run", "noise_manifest.npz")) as old,
        np.load(folder / "noise_manifest.npz") as new,
    ):
        for key in old.files:
            np.testing.assert_array_equal(new[key], old[key])


def contents(folder):
    """What is in a run's files, as JSON or rows: dict by name of the file."""
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".csv"):
            found[name] = rows_of(path)
        elif name.endswith((".json", ".jsonl")):
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            lines = text.splitlines() if name.endswith("l") else [text]
            found[name] = [json.loads(line) for line in lines]
            if name.endswith(".json"):
                [found[name]] = found[name]
        elif name.endswith(".npz"):
            with np.load(path) as arrays:
                found[name] = dict.fromkeys(arrays.files)
    return found


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def keys_of(content, prefix=""):
    """All keys of nested dicts, those of lists' items together."""
    if isinstance(content, list):
        return set().union(*(keys_of(item, f"{prefix}[]") for item in content))
    if not isinstance(content, dict):
        return set()
    found = set()
    for key, value in content.items():
        found |= {f"{prefix}.{key}"} | keys_of(value, f"{prefix}.{key}")
    return found
