"""What the documentation shows works, and it leaves nothing out."""

import glob
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import zlib

import keras
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data import example
from tests import commands as command_line
from tests import imports
from tests import pages
from tests import shortened

#: Commands of `trainers` that are no method's.
NO_METHODS = ("analyze", "audit", "features", "predict", "report", "run")
RECIPES = ("auto.md", "c2d.md", "dmlp.md", "drpl.md")
LARGE = pytest.mark.large
PAGES = pages.of_docs()


@pytest.fixture(scope="module")
def extension():
    """A function that imports an extension of the documentation by name."""
    folder = os.path.join(pages.DOCS, "_ext")
    sys.path.insert(0, folder)
    pytest.importorskip("sphinx")
    yield importlib.import_module
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the pages' commands leave: images, shards, a run."""
    folder = tmp_path_factory.mktemp("docs")
    example.write(str(folder / "pictures"))
    shortened.remove_pictures(folder / "pictures")
    source = nk.data.from_folder(str(folder / "pictures"), image_size=32)
    nk.data.write_tfrecord(source, str(folder / "shards"), shards=4)
    # As a run of `trainers.simclr` leaves it; what it holds, is not read here.
    (folder / "runs" / "features").mkdir(parents=True)
    (folder / "runs" / "features" / "encoder.keras").touch()
    (folder / "runs" / "first" / "audit").mkdir(parents=True)
    (folder / "runs" / "first" / "audit" / "most_suspect.csv").touch()
    (folder / "runs" / "audit").mkdir()
    (folder / "runs" / "audit" / "label_audit.csv").touch()
    (folder / "notes.npz").touch()
    return folder


# Code.


#: The first page, whose code is the quick start's.
FRONT = os.path.join(pages.DOCS, "index.md")
EXAMPLES = [p for p in PAGES if pages.blocks(p, "python") and p != FRONT]


@pytest.mark.large
@pytest.mark.parametrize("path", EXAMPLES, ids=pages.name_of)
def test_python_blocks_run_in_their_order(
    path, folder, tmp_path, monkeypatch, two_replicas, request
):
    # A second strategy in one process would clash with that of other tests.
    monkeypatch.setattr(
        tf.distribute, "MirroredStrategy", lambda *devices: two_replicas
    )
    for name in ("pictures", "shards"):
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.chdir(tmp_path)
    # Tests of all methods train each of them.
    of_method = os.sep + "methods" + os.sep in path
    epochs = 0 if of_method else 2
    shortened.shorten_fit(monkeypatch, samples=64, epochs=epochs)
    if os.path.basename(path) != "trusted_labels.md":
        # That page names samples by their place among a thousand.
        shortened.shorten_data(monkeypatch)
    # A step is taken once or twice, which is cheaper than tracing it.
    request.addfinalizer(lambda: tf.config.run_functions_eagerly(False))
    tf.config.run_functions_eagerly(True)
    names = {}
    for block in pages.blocks(path, "python"):
        training = re.search(r"\n[^\n]*(\.fit|nk\.auto)\(", block)
        if os.path.basename(path) in RECIPES and training:
            # Phases need some training to go on.
            block = block[: training.start()]
        exec(compile(block, pages.name_of(path), "exec"), names)
    if "model" in names:
        assert isinstance(names["model"], keras.Model)


def test_code_of_the_front_page_is_the_quick_starts():
    shown, run = (
        "".join(pages.blocks(path, "python")).splitlines()
        for path in (FRONT, os.path.join(pages.DOCS, "quick_start.md"))
    )
    # In the same order, so that it works as well.
    rest = iter(run)
    assert all(line in rest for line in shown if line)


# Parses the command lines of one module and prints what they come to.
_RESOLVE = """
import importlib, json, sys
from absl import flags
from trainers.flags import settings
module, *lines = json.load(sys.stdin)
trainer = importlib.import_module(module)
F = flags.FLAGS
for line in lines:
    for name in F:
        F[name].unparse()
    assert F([module, *line]) == [module], line
    values = {name: F[name].value for name in F}
    resolve = getattr(trainer, "resolve", settings.resolve)
    print(resolve(trainer.METHOD, values).preset)
"""


def _trainings():
    """The pages' command lines that train, by module."""
    others = [f"trainers.{name}" for name in NO_METHODS]
    found = {}
    for path in [*PAGES, pages.README]:
        for module, line in pages.command_lines(path):
            if module.startswith("trainers.") and module not in others:
                if line not in found.setdefault(module, []):
                    found[module].append(line)
    return found


@pytest.mark.parametrize("module", sorted(_trainings()))
def test_command_lines_are_accepted(module, folder):
    # Up to the settings: training itself is tested elsewhere.
    lines = _trainings()[module]
    result = subprocess.run(
        [sys.executable, "-c", _RESOLVE],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": imports.ROOT},
        input=json.dumps([module, *lines]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == len(lines)


@pytest.mark.parametrize("library", [False, pytest.param(True, marks=LARGE)])
def test_flags_of_other_commands_exist(library, extension):
    commands = extension("commands")
    others = {}
    for path in [*PAGES, pages.README]:
        for module, line in pages.command_lines(path):
            # Those of the library take seconds to start.
            if module.startswith("noisy_keras.") == library:
                others.setdefault(module, set()).update(
                    word.split("=")[0].removeprefix("--")
                    for word in line
                    if word.startswith("--")
                )
    assert ("noisy_keras.data.shard" if library else "export") in others
    for module, used in others.items():
        known = {flag["name"] for flag in commands.flags_of(module)}
        used -= {"help", *(n for n in used if n.removeprefix("no") in known)}
        assert used <= known, f"{module}: {used - known}"


@pytest.mark.large
def test_labels_are_repaired_in_three_commands(tmp_path):
    example.write(str(tmp_path / "pictures"))
    path = os.path.join(pages.DOCS, "guides", "features.md")
    lines = [
        (module, flags)
        for module, flags in pages.command_lines(path)
        if any("=runs/" in flag for flag in flags)
    ]
    assert len(lines) == 3
    for module, flags in lines:
        flags = [flag.replace("=runs/", f"={tmp_path}/") for flag in flags]
        if module.startswith("trainers."):
            flags.append("--epochs=2")
        result = command_line.run(module, *flags, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    with open(tmp_path / "purified" / "labels" / "labels.csv") as stream:
        # 200 are trusted.
        assert len(stream.readlines()) == 1 + 1797 - 200


# References.


def _rooms():
    """Modules of the library that publish names for users."""
    found = ["noisy_keras"]
    for module in pkgutil.walk_packages(nk.__path__, "noisy_keras."):
        if not module.ispkg:
            continue
        package = importlib.import_module(module.name)
        if hasattr(package, "__all__") and _is_reached(module.name):
            found.append(module.name)
    found += [
        f"noisy_keras.ops.{module.name}"
        for module in pkgutil.iter_modules(nk.ops.__path__)
    ]
    return found


def _is_reached(name):
    """Whether `nk` leads to a package by its public names."""
    owner = nk
    for part in name.split(".")[1:]:
        public = getattr(owner, "__all__", ())
        # The generators of noise have a room in that of the data.
        if part not in (*public, "noise"):
            return False
        owner = getattr(owner, part)
    return True


def test_every_public_name_is_in_the_reference(extension):
    api = extension("api")
    documented = {}
    for path in PAGES:
        for module, names in api.documented_names(pages.read(path)).items():
            documented.setdefault(module, []).extend(names)
    for room in _rooms():
        public = set(api.public_names(importlib.import_module(room)))
        missing = public - set(documented.get(room, ()))
        # What several rooms publish is documented in one of them.
        missing = {
            name
            for name in missing
            if not _is_elsewhere(room, name, documented)
        }
        assert not missing, f"{room}: {sorted(missing)}"
    for module, names in documented.items():
        assert len(set(names)) == len(names), f"{module}: documented twice"


def _is_elsewhere(room, name, documented):
    value = getattr(importlib.import_module(room), name)
    return any(
        name in names and getattr(importlib.import_module(other), name) is value
        for other, names in documented.items()
        if other != room
    )


@pytest.mark.parametrize("path", [*PAGES, pages.README], ids=pages.name_of)
def test_names_in_the_text_exist(path):
    for name in re.findall(r"`nk\.([\w.]+)", pages.read(path)):
        value = nk
        for part in name.split("."):
            assert hasattr(value, part), f"nk.{name}"
            value = getattr(value, part)


def test_networks_data_sets_and_commands_are_named():
    text = "".join(pages.read(path) for path in PAGES)
    for name in (*nk.networks.NAMES, *nk.data.NAMES):
        assert f"`{name}`" in text, name
    trainers = os.path.join(imports.ROOT, "trainers")
    for module in set(re.findall(r"`trainers\.(\w+)`", text)):
        assert os.path.exists(os.path.join(trainers, f"{module}.py"))


def test_every_method_has_a_page_with_all_sections(extension):
    commands = extension("commands")
    folder_of_pages = os.path.join(pages.DOCS, "methods")
    listed = [
        page for page, _, _ in extension("methods").listed(folder_of_pages)
    ]
    for module in commands.modules():
        folder, _, name = module.rpartition(".")
        if folder != "trainers" or name in NO_METHODS:
            continue
        assert name in listed
        text = pages.read(os.path.join(pages.DOCS, "methods", f"{name}.md"))
        for section in (
            "Idea",
            "Equations",
            "Options",
            "When to use it",
            "Example",
            "Evidence",
            "Differences from the authors' code",
            "Reference",
        ):
            if (name, section[:4]) != ("cross_entropy", "Diff"):
                assert f"## {section}\n" in text, f"{name}: {section}"


@pytest.mark.parametrize("path", [*PAGES, pages.README], ids=pages.name_of)
def test_links_and_pictures_are_there(path):
    for target, anchor in pages.links(path):
        assert os.path.exists(target), target
        if anchor:
            assert anchor in pages.anchors(target), f"{target}#{anchor}"


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for path in PAGES:
        fences = r"^```\{toctree\}\n(.*?)^```"
        for tree in re.findall(fences, pages.read(path), re.DOTALL | re.M):
            for entry in tree.splitlines():
                if entry and not entry.startswith(":"):
                    # May be a pattern, in a tree with `:glob:`.
                    place = os.path.join(os.path.dirname(path), f"{entry}.md")
                    listed.update(map(os.path.normpath, glob.glob(place)))
    assert set(PAGES) - listed == {FRONT}


@pytest.mark.large
def test_the_site_is_built_without_a_warning(extension, tmp_path):
    options = ["-W", "--keep-going", "-j", "2", "-b", "html"]
    output = str(tmp_path / "html")
    result = command_line.run_alone(
        "sphinx", *options, pages.DOCS, output, cwd=imports.ROOT
    )
    assert result.returncode == 0, result.stderr
    known = _inventory(tmp_path / "html" / "objects.inv")
    for path in PAGES:
        for module, names in (
            extension("api").documented_names(pages.read(path)).items()
        ):
            for name in names:
                assert f"{module}.{name}" in known
    page = pages.read(tmp_path / "html" / "methods" / "dividemix.html")
    assert page.count("<math") > 10
    assert (
        "<script"
        not in page.partition('class="equation"')[2].partition("</div>")[0]
    )
    for address in re.findall(r'(?:src|href)="(https?://[^"]+)', page):
        # Pages load nothing from elsewhere: they only link.
        assert not re.search(r"\.(?:js|css|woff2?)$", address), address


def _inventory(path):
    """Names of the objects of Python that a built site documents."""
    content = path.read_bytes()
    # Four lines of text are followed by the names, compressed.
    names = zlib.decompress(content.split(b"\n", 4)[4]).decode()
    rows = [line.split() for line in names.splitlines()]
    return {row[0] for row in rows if row[1].startswith("py:")}
