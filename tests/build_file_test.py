import glob
import os
import shutil
import subprocess

import pytest

from tests import build_file
from tests import imports


class Targets(dict):
    """BUILD's targets by name, read as Python: its language is a part of it."""

    def __init__(self):
        super().__init__()
        with open(build_file.PATH, encoding="utf-8") as stream:
            text = stream.read()
        kinds = ("py_library", "py_binary", "py_test", "filegroup")
        rules = {kind: self._rule(kind) for kind in kinds}
        others = ("package", "licenses", "exports_files")
        ignored = dict.fromkeys(others, lambda *_, **__: None)
        exec(
            compile(text, "BUILD", "exec"), {**rules, **ignored, "glob": files}
        )

    def _rule(self, kind):
        def add(name, **attributes):
            assert name not in self, name
            self[name] = {"kind": kind, **attributes}

        return add

    def of(self, *kinds):
        return {
            name: target
            for name, target in self.items()
            if target["kind"] in kinds
        }

    def edges(self):
        return {
            name: [label.removeprefix(":") for label in target.get("deps", [])]
            for name, target in self.items()
        }


def files(patterns, exclude=(), allow_empty=False):
    """Bazel's `glob`."""
    found = set()
    for pattern in patterns:
        matches = glob.glob(
            pattern, root_dir=imports.ROOT, recursive=True, include_hidden=True
        )
        assert matches or allow_empty, pattern
        found |= {
            path
            for path in matches
            if os.path.isfile(os.path.join(imports.ROOT, path))
        }
    return sorted(found - set(files(exclude) if exclude else ()))


@pytest.fixture(scope="module")
def targets():
    return Targets()


def test_build_is_what_the_tree_asks_for():
    with open(build_file.PATH, encoding="utf-8") as stream:
        assert stream.read() == build_file.content(), (
            "BUILD is out of date: run `python -m tests.build_file`"
        )


def test_every_file_is_in_one_library(targets):
    sources = [
        path
        for library in targets.of("py_library").values()
        for path in library["srcs"]
    ]
    assert sorted(sources) == imports.python_files()


def test_edges_are_the_imports_between_libraries(targets):
    libraries = targets.of("py_library")
    home = {
        path: name
        for name, library in libraries.items()
        for path in library["srcs"]
    }
    edges = targets.edges()
    for name, library in libraries.items():
        imported = {
            home[other]
            for path in library["srcs"]
            for other in imports.imports_of(path)
        }
        assert sorted(imported - {name}) == sorted(edges[name]), name


def test_the_graph_has_no_cycle(targets):
    edges = targets.edges()
    assert sum(map(len, edges.values())) > 100
    assert {name for names in edges.values() for name in names} <= set(targets)
    assert build_file.find_cycle(edges) == []


def test_every_test_is_run_once_and_every_command_has_its_target(targets):
    tests = [
        path
        for target in targets.of("py_test").values()
        for path in files([f"{target['args'][0]}/*_test.py"])
    ]
    assert sorted(tests) == [
        path for path in imports.python_files() if path.endswith("_test.py")
    ]
    for name in ("trainers/sanm", "export/__main__", "benchmarks/digits"):
        command = targets[name]
        assert command["kind"] == "py_binary"
        assert command["srcs"] == [command["main"]] == [f"{name}.py"]


def test_files_that_are_not_python_go_with_their_folder(targets):
    data = targets["noisy_keras/reporting"]["data"]
    assert data == ["noisy_keras/reporting/page.html"]
    assert "tests/parity/beta_mixture.npz" in targets["tests/files"]["srcs"]
    assert {"BUILD", "README.md", "setup.cfg"} <= set(targets["tree"]["srcs"])
    assert targets["tests/test"]["data"] == [":tree"]


def test_it_stays_light(targets):
    assert os.path.getsize(build_file.PATH) < 20_000
    folders = {os.path.dirname(path) for path in imports.python_files()}
    assert folders <= set(targets)


def test_folders_are_whole_where_that_closes_no_circle():
    edges = {
        "a/x.py": ["b/x.py"],
        "a/y.py": [],
        "b/x.py": ["b/y.py"],
        "b/y.py": [],
    }
    assert build_file.grouped(edges) == {
        "a": ["a/x.py", "a/y.py"],
        "b": ["b/x.py", "b/y.py"],
    }


def test_folders_that_need_each_other_are_split_once():
    edges = {
        "a/__init__.py": ["a/b/x.py", "a/b/y.py", "c/x.py"],
        "a/version.py": [],
        "a/b/x.py": ["a/version.py"],
        "a/b/y.py": ["a/b/x.py", "c/x.py"],
        "c/x.py": ["a/version.py", "a/b/x.py"],
    }
    libraries = build_file.grouped(edges)
    home = {path: name for name in libraries for path in libraries[name]}
    assert build_file.find_cycle(build_file.between(home, edges)) == []
    assert libraries == {
        "a": ["a/__init__.py"],
        "a/b": ["a/b/x.py"],
        "a/b/y_library": ["a/b/y.py"],
        "a/version_library": ["a/version.py"],
        "c": ["c/x.py"],
    }


def test_files_that_import_each_other_in_a_circle_are_refused():
    edges = {"a/x.py": ["b/x.py"], "b/x.py": ["c/x.py"], "c/x.py": ["a/x.py"]}
    with pytest.raises(ValueError, match=r"a/x.py -> b/x.py -> c/x.py -> a/x"):
        build_file.grouped(edges)


def test_cycles_are_found():
    assert build_file.find_cycle({1: [2, 3], 2: [4], 3: [4], 4: []}) == []
    assert build_file.find_cycle({1: [2], 2: [3], 3: [2]}) == [2, 3, 2]
    assert build_file.find_cycle({1: [1]}) == [1, 1]


@pytest.mark.skipif(
    not shutil.which("bazel"), reason="bazel is not on this machine"
)
def test_bazel_parses_it(targets, tmp_path):
    root = tmp_path / "workspace"
    root.mkdir()
    for top in ("BUILD", "WORKSPACE", "LICENSE", *imports.TOPS):
        path = os.path.join(imports.ROOT, top)
        if os.path.exists(path):
            (root / top).symlink_to(path)
    command = ["bazel", f"--output_user_root={tmp_path}/out", "--batch"]
    result = subprocess.run(
        [*command, "query", "//..."],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found = [t for t in result.stdout.split() if t.startswith("//")]
    assert sorted(found) == sorted(f"//:{name}" for name in targets)
