"""A method of your own, in a file: `--method=FILE.py:Class`."""

import json
import sys

import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests.commands import assert_refused
from tests.commands import console
from tests.commands import run
from trainers import UsageError
from trainers.run import own_method

GCE = '''\
"""Generalised cross-entropy, as a stranger writes it."""

import tensorflow as tf

import noisy_keras as nk


class GCE(nk.CrossEntropy):
    def __init__(self, networks, num_samples, q=0.7, **kwargs):
        super().__init__(networks, num_samples, **kwargs)
        self.q = q
        self.settings = {**self.settings, "q": q}

    def steps(self):
        return {"train": self.gce_step}

    def gce_step(self, data):
        images = tf.cast(data["images"], tf.float32)
        outputs = {}

        def terms():
            outputs.update(self.networks[0](images, training=True))
            likely = tf.nn.softmax(outputs["logits"])
            likely = tf.reduce_sum(likely * data["target"], axis=1)
            loss = (1.0 - likely**self.q) / self.q
            return {"loss_labeled": tf.reduce_mean(loss)}

        self.descend(0, terms, data["label"], logits=lambda: outputs["logits"])
        self.remember(data, tf.nn.softmax(outputs["logits"]))
'''

BROKEN = """\
import noisy_keras as nk


class Bare(nk.NoisyLabelModel):
    pass


class Other:
    pass


number = 3
"""

SMALL = ("--max_train_samples=200", "--epochs=2", "--width=4")


@pytest.fixture
def gce(tmp_path):
    path = tmp_path / "stranger_gce.py"
    path.write_text(GCE)
    places = list(sys.path)
    yield path
    # What loading changes, of this process.
    sys.path[:] = places
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ("", {}),
        ("q=0.7", {"q": 0.7}),
        ("view=weak,layers=(1, 2),on=True", None),
        ("name='a,b',none=None,low=-1e-3", None),
    ],
)
def test_arguments_are_python_literals(text, expected):
    found = own_method.arguments(text)
    if expected is None:
        expected = {
            "v": {"view": "weak", "layers": (1, 2), "on": True},
            "n": {"name": "a,b", "none": None, "low": -1e-3},
        }[text[0]]
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "q",
        "0.7",
        "q=0.7,q=0.8",
        "q=",
        "q=open('x')",
        "q=__import__('os').getcwd()",
        "**{}",
        "q=1) or f(x=2",
        "q={1, 2}",
        "q=b'a'",
    ],
)
def test_other_arguments_are_refused_and_nothing_is_run(text):
    with pytest.raises(UsageError, match="--arguments: expected key=value"):
        own_method.arguments(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "got none"),
        (
            "gce.py",
            "expected FILE.py:Class, a method of your own; got 'gce.py'",
        ),
        ("gce.py:", "got 'gce.py:'"),
        ("nowhere.py:GCE", "got 'nowhere.py', which is no file"),
    ],
)
def test_a_method_is_named_by_file_and_class(value, message):
    with pytest.raises(UsageError, match=message):
        own_method.reference(value)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("a = (\n", "A", "raises SyntaxError: .* in line 1"),
        ("\nx = 1 / 0\n", "A", "ZeroDivisionError: division by zero in line 2"),
        (
            "import nowhere",
            "A",
            "ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("raise SystemExit", "A", "raises SystemExit in line 1"),
        (BROKEN, "Bore", "does not have; did you mean Bare"),
        (BROKEN, "Bare", "a class that defines steps"),
        (BROKEN, "Other", "got Other of .*, a subclass of object"),
        (BROKEN, "number", "got number of .*, of type int"),
    ],
)
def test_a_file_of_no_use_is_reported_in_one_line(gce, text, name, message):
    path = gce.with_name("broken.py")
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        own_method.load(own_method.reference(f"{path}:{name}"))
    assert str(raised.value).startswith("--method: expected ")
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_a_class_is_known_to_keras_by_its_file(gce):
    cls = own_method.load(own_method.reference(f"{gce}:GCE"))
    assert issubclass(cls, nk.CrossEntropy)
    assert keras.saving.get_registered_name(cls) == "stranger_gce>GCE"
    # Of the same name as a module that there is.
    other = gce.with_name("json.py")
    other.write_text(GCE)
    cls = own_method.load(own_method.reference(f"{other}:GCE"))
    assert keras.saving.get_registered_name(cls) == "own_json>GCE"
    assert sys.modules["json"] is json
    # Its author's name for it stays.
    named = gce.with_name("named.py")
    line = '@keras.saving.register_keras_serializable(package="author")\n'
    text = GCE.replace("class GCE", line + "class GCE")
    named.write_text(text.replace("import tens", "import keras\nimport tens"))
    cls = own_method.load(own_method.reference(f"{named}:GCE"))
    assert keras.saving.get_registered_name(cls) == "author>GCE"


def test_a_method_that_audits_labels_itself_is_complete(gce):
    gce.write_text("import noisy_keras as nk\nclass A(nk.SimCLR):\n    pass\n")
    cls = own_method.load(own_method.reference(f"{gce}:A"))
    assert issubclass(cls, nk.SimCLR)


def test_files_beside_it_can_be_imported_and_hide_none(gce):
    gce.with_name("helper.py").write_text("RATE = 3\n")
    gce.with_name("export.py").write_text("raise RuntimeError\n")
    gce.write_text("import helper\nimport export.labels\n" + GCE)
    cls = own_method.load(own_method.reference(f"{gce}:GCE"))
    assert cls.__name__ == "GCE"


@pytest.mark.parametrize(
    ("arguments", "data", "message"),
    [
        ({"p": 3}, {}, "--arguments: expected those of GCE; got p"),
        ({"view": "mad"}, {}, "--arguments: GCE: Expected `view` to be one of"),
        ({}, {"trusted": 3}, "--trusted: expected none, as GCE learns without"),
    ],
)
def test_what_the_class_cannot_take_is_reported_in_one_line(
    gce, arguments, data, message
):
    cls = own_method.load(own_method.reference(f"{gce}:GCE"))
    source = nk.data.load("digits").subset(range(40))
    network = nk.networks.build("tiny", source, width=4)
    settings = type("Settings", (), {})()
    settings.arguments = arguments
    settings.data = {"trusted": None, "trusted_csv": None} | data
    with pytest.raises(UsageError, match=message):
        own_method.build(cls, network, source, settings)


def test_a_class_of_no_use_ends_a_run_in_one_line(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    folder = tmp_path / "run"
    result = console("run", f"--method={path}:Bare", f"--output_dir={folder}")
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: --method: expected a class that defines")
    assert not folder.exists()
    result = run("trainers.run", "--method=nowhere.py:A", "--output_dir=x")
    assert_refused(result, "which is no file")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "gce.py").write_text(GCE)
    flags = ("--method=gce.py:GCE", "--arguments=q=0.5", *SMALL)
    result = console("run", *flags, "--output_dir=run", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result


@pytest.mark.large
def test_a_run_of_it_is_as_any_other(finished):
    folder, result = finished
    assert "GCE on digits" in result.stdout
    assert "replaced by flags: epochs, width, q" in result.stdout
    message = "To load model.keras, import the class and pass custom_objects="
    assert message + "{'gce>GCE': GCE}" in result.stdout
    config = json.loads((folder / "run" / "config.json").read_text())
    assert config["settings"]["host"] == {"q": 0.5}
    assert config["method"]["q"] == 0.5
    own = config["own_method"]
    assert (own["file"], own["class"]) == ("gce.py", "GCE")
    for name in ("report.html", "label_audit.csv", "export/1/saved_model.pb"):
        assert (folder / "run" / name).exists()


@pytest.mark.large
def test_its_model_loads_with_the_class(finished, gce):
    folder, _ = finished
    cls = own_method.load(own_method.reference(f"{gce}:GCE"))
    model = keras.models.load_model(
        folder / "run" / "model.keras", custom_objects={"gce>GCE": cls}
    )
    assert isinstance(model, cls)
    summary = json.loads((folder / "run" / "summary.json").read_text())
    test = nk.data.load("digits", "test")
    accuracy = np.mean(model.predict(test).argmax(axis=1) == test.labels)
    assert accuracy == pytest.approx(summary["final"]["test"], abs=1e-6)


@pytest.mark.large
def test_commands_after_it_load_code_only_when_asked_to(finished):
    folder, _ = finished
    # What is of files alone needs no class.
    for command in ("report", "audit"):
        result = console(command, "--run=run", cwd=folder)
        assert result.returncode == 0, result.stderr
    for command in ("analyze", "export"):
        result = console(command, "--run=run", cwd=folder)
        assert_refused(result, "GCE of gce.py; got none. Code is loaded only")
        wrong = console(command, "--run=run", "--method=gce.py:G", cwd=folder)
        assert_refused(wrong, "expected the class GCE, of which the model")
    # Under another name, and changed.
    (folder / "moved.py").write_text(f"{GCE}\n# Changed.\n")
    result = console(
        "analyze",
        "--run=run",
        "--method=moved.py:GCE",
        "--only=detection",
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    note = "note: moved.py is not what it was when the run began\n"
    assert result.stderr == note
    result = console("export", "--run=run", "--method=gce.py:GCE", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "checked: answers as the model does" in result.stdout


@pytest.mark.large
def test_its_config_needs_the_class_named_again(finished):
    folder, _ = finished
    config = "--config=run/config.json"
    result = console("run", config, cwd=folder)
    assert_refused(result, "--method: expected FILE.py:Class beside --config")
    result = console("cross_entropy", config, cwd=folder)
    assert_refused(result, "noisy-keras run, or python -m trainers.run")
    flags = (config, "--method=gce.py:GCE", "--noexport", "--output_dir=again")
    result = console("run", *flags, cwd=folder)
    assert result.returncode == 0, result.stderr
    made = [
        (folder / name / "label_audit.csv").read_text()
        for name in ("run", "again")
    ]
    assert made[0] == made[1]
