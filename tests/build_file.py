"""Writes BUILD from the tree: one target per file, with its true edges.

    python -m tests.build_file

`build_file_test` compares the two, so a file that came, went or imports
something new is told until this has been run.
"""

import os

from tests import imports

PATH = os.path.join(imports.ROOT, "BUILD")

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
    kind = "py_library"
    lines = [f'    name = "{name_of(path)}",', f'    srcs = ["{path}"],']
    if path.endswith("_test.py"):
        kind = "py_test"
        lines.append(f'    main = "{path}",')
    elif _is_program(path):
        kind = "py_binary"
        lines.append(f'    main = "{path}",')
    edges = [
        f'        ":{name_of(other)}",' for other in imports.imports_of(path)
    ]
    if edges:
        lines += ["    deps = [", *edges, "    ],"]
    return "\n".join([f"{kind}(", *lines, ")", ""])


def _is_program(path):
    with open(os.path.join(imports.ROOT, path), encoding="utf-8") as stream:
        return '__name__ == "__main__"' in stream.read()


if __name__ == "__main__":
    with open(PATH, "w", encoding="utf-8") as stream:
        stream.write(content())
