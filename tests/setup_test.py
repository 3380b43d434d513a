"""What setup.cfg, the files of the front door and the version agree on."""

import ast
import configparser
import datetime
import os
import re

import pytest
import yaml
from packaging.version import Version

from tests import constraints
from tests import imports

# What is imported by another name than the one it is installed by.
MODULES = {
    "absl-py": "absl",
    "keras-cv": "keras_cv",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "tensorflow-datasets": "tensorflow_datasets",
    "tensorflow-probability": "tensorflow_probability",
}


def read(name):
    with open(os.path.join(imports.ROOT, name), encoding="utf-8") as stream:
        return stream.read()


def unexplained(text, sources):
    """Requirements that no source imports, and no comment stands above."""
    block = re.search(r"^install_requires =\n((?: +.*\n)+)", text, re.M)[1]
    lines = [line.strip() for line in block.splitlines()]
    wrong = []
    for above, line in zip(["", *lines], lines, strict=False):
        if line.startswith("#"):
            continue
        name = re.match(r"[\w-]+", line)[0]
        module = re.escape(MODULES.get(name, name))
        used = re.search(rf"^\s*(import|from) {module}\b", sources, re.M)
        if not used and not above.startswith("#"):
            wrong.append(name)
    return wrong


def test_wheels_are_not_built_in_the_file_build():
    config = configparser.ConfigParser()
    config.read(os.path.join(imports.ROOT, "setup.cfg"), encoding="utf-8")
    base = config["build"]["build_base"]
    top = os.listdir(imports.ROOT)
    assert "BUILD" in top
    assert base.lower() not in {
        name.lower()
        for name in top
        if os.path.isfile(os.path.join(imports.ROOT, name))
    }
    assert f"{base}/" in read(".gitignore").splitlines()
    assert f'extend-exclude = ["{base}"]' in read("pyproject.toml")


def test_every_requirement_is_imported_or_explained():
    sources = "".join(
        read(path)
        for path in imports.python_files()
        if path.startswith(("noisy_keras/", "trainers/", "export/"))
    )
    assert unexplained(read("setup.cfg"), sources) == []


def test_requirements_without_a_use_are_found():
    text = (
        "install_requires =\n    # Needed.\n    used-not>=1\n    plain>=1\n"
        "    pillow>=1\n    keras>=1\n\n"
    )
    sources = "import keras_cv\n    from PIL import Image\n"
    assert unexplained(text, sources) == ["plain", "keras"]


def imported_at_once(text):
    """Top packages that a module loads when it is imported."""
    found, waiting = set(), [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def test_keras_cv_is_loaded_by_its_users_alone():
    assert imported_at_once(
        "try:\n    import a.b\nexcept ImportError:\n    from c import d\n"
        "def f():\n    import e\n"
    ) == {"a", "c"}
    for path in imports.python_files():
        if path.startswith(("noisy_keras/", "trainers/", "export/")):
            assert "keras_cv" not in imported_at_once(read(path)), path


def test_versions_agree():
    version = Version(
        re.search(r'__version__ = "(.+)"', read("noisy_keras/version.py"))[1]
    )
    heads = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.M)
    dated = [head for head in heads if head != "Unreleased"]
    found = [
        re.fullmatch(r"(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)", head)
        for head in dated
    ]
    assert found and all(found), heads
    versions = [Version(match[1]) for match in found]
    dates = [match[2] for match in found]
    assert versions == sorted(versions, reverse=True)
    assert dates == sorted(dates, reverse=True)
    if version.is_devrelease:
        assert heads[0] == "Unreleased"
        assert version > versions[0]
    else:
        assert version == versions[0]
    # A citation is of what was released.
    assert f"version: {versions[0]}\ndate-released: {dates[0]}\n" in read(
        "CITATION.cff"
    )


def test_python_versions_agree():
    config = configparser.ConfigParser()
    config.read(os.path.join(imports.ROOT, "setup.cfg"), encoding="utf-8")
    listed = re.findall(
        r"Python :: (3\.\d+)", config["metadata"]["classifiers"]
    )
    lowest, above = re.fullmatch(
        r">=(3\.\d+),<(3\.\d+)", config["options"]["python_requires"]
    ).groups()
    assert [lowest, above] == [
        listed[0],
        f"3.{int(listed[-1].split('.')[1]) + 1}",
    ]
    workflow = read(".github/workflows/ci.yml")
    quoted = ", ".join(f'"{version}"' for version in listed)
    assert f"python: [{quoted}]" in workflow
    target = listed[0].replace(".", "")
    assert f'target-version = "py{target}"' in read("pyproject.toml")


def test_the_workflow_installs_with_both_constraints():
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    steps = [
        step.get("run", "")
        for job in workflow["jobs"].values()
        for step in job["steps"]
    ]
    for path in (constraints.MINIMUM, constraints.EXACT):
        name = os.path.relpath(path, imports.ROOT).replace(os.sep, "/")
        assert any(f"-c {name}" in step for step in steps), name
        assert f"`{name}`" in read("CONTRIBUTING.md")
    joined = "\n".join(steps)
    for command in ("ruff check", "ruff format --check", "pytest -m large"):
        assert command in joined
    assert "sphinx-build -W" in joined


def test_the_citation_is_valid():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["authors"] == [{"name": "The noisy_keras authors"}]
    assert citation["license"] == "Apache-2.0"
    assert isinstance(citation["date-released"], datetime.date)


def test_hooks_are_local_and_pass_what_they_check():
    config = yaml.safe_load(read(".pre-commit-config.yaml"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = {hook["id"]: hook for hook in config["repos"][0]["hooks"]}
    assert {"ruff-check", "ruff-format", "build-file"} <= set(hooks)
    space = re.compile(hooks["trailing-whitespace"]["entry"], re.M)
    assert space.search("a = 1 \n") and not space.search("a = 1\n")
    marks = re.compile(hooks["merge-conflict"]["entry"], re.M)
    assert marks.search("<<<<<<< HEAD\n") and not marks.search("=======\n")


@pytest.mark.parametrize(
    "name",
    ["ARCHITECTURE.md", "CONTRIBUTING.md", "RELEASING.md"],
)
def test_links_and_named_files_of_the_front_door_exist(name):
    text = read(name)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    named = re.findall(r"`([\w./-]+/[\w./-]*)`", text)
    # Rooms of the library are named without its own name.
    roots = [imports.ROOT, os.path.join(imports.ROOT, "noisy_keras")]
    paths = [path for path in links + named if "METHOD" not in path]
    assert paths
    for path in paths:
        assert any(os.path.exists(os.path.join(r, path)) for r in roots), path
