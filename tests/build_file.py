"""Writes BUILD from the tree: one target per file, with its true edges.

    python -m tests.build_file

`build_file_test` compares the two, so a file that came, went or imports
something new is told until this has been run.
"""

import os

from tests import imports

PATH = os.path.join(imports.ROOT, "BUILD")
RUNNER = "tests/run_file.py"
PARITY = "tests/parity"
TEMPLATE = "noisy_keras/reporting/page.html"

_HEADER = """\
# Bazel targets of every Python file, with the imports between them as edges.
# Written by `python -m tests.build_file`; third-party packages come from the
# environment that `pip install '.[test]'` makes.

package(default_visibility = ["//visibility:public"])

licenses(["notice"])

exports_files(["LICENSE"])
"""


def content():
    """What BUILD should hold.

    Returns:
        str.
    """
    blocks = [_HEADER]
    for path in imports.python_files():
        blocks.append(_target(path))
    return "\n".join(blocks)


def name_of(path):
    """Name of a file's target: its path, a package being its folder."""
    if path.endswith("/__init__.py"):
        return path.removesuffix("/__init__.py")
    return path.removesuffix(".py")


def _target(path):
    kind, main, edges = "py_library", None, imports.imports_of(path)
    sources, data = [path], []
    if path.endswith("_test.py"):
        # A test file alone runs nothing: pytest has to be told to.
        kind, main = "py_test", RUNNER
        sources.append(RUNNER)
        edges = sorted({*edges, "tests/conftest.py"})
        data = _data(path)
    elif path.replace(".py", ".html") == TEMPLATE:
        data = [TEMPLATE]
    elif _is_program(path):
        kind, main = "py_binary", path
    lines = [f'    name = "{name_of(path)}",', f"    srcs = {_list(sources)},"]
    if main:
        lines.append(f'    main = "{main}",')
    if kind == "py_test":
        lines.append(f'    args = ["{path}"],')
    if data:
        lines.append(f"    data = {_list(data)},")
    if edges:
        names = [f'        ":{name_of(other)}",' for other in edges]
        lines += ["    deps = [", *names, "    ],"]
    return "\n".join([f"{kind}(", *lines, ")", ""])


def _list(items):
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def _data(path):
    """Files of the tree that a test names."""
    with open(os.path.join(imports.ROOT, path), encoding="utf-8") as stream:
        text = stream.read()
    known = [
        f"tests/parity/{name}"
        for name in sorted(os.listdir(os.path.join(imports.ROOT, PARITY)))
    ]
    known += ["README.md", "BUILD", "setup.cfg"]
    return [file for file in known if os.path.basename(file) in text]


def _is_program(path):
    with open(os.path.join(imports.ROOT, path), encoding="utf-8") as stream:
        return '__name__ == "__main__"' in stream.read()


if __name__ == "__main__":
    with open(PATH, "w", encoding="utf-8") as stream:
        stream.write(content())
