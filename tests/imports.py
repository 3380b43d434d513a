"""The project's files and what they import from each other."""

import ast
import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOPS = ("noisy_keras", "trainers", "export", "tests", "benchmarks")


def python_files():
    """Paths of all Python files below the top level, with "/", sorted."""
    found = []
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                if name.endswith(".py"):
                    path = os.path.relpath(os.path.join(folder, name), ROOT)
                    found.append(path.replace(os.sep, "/"))
    return sorted(found)


def imports_of(path):
    """Files of the project that a file imports, itself left out.

    Importing a name from a package counts as importing the module of that
    name where there is one, else the package's `__init__.py`. Imports under
    `if TYPE_CHECKING:` do not count, because they are never executed.
    """
    with open(os.path.join(ROOT, path), encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    found = set()
    folder = os.path.dirname(path)
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.add(_file_of(alias.name, folder))
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                module = _file_of(f"{node.module}.{alias.name}", folder)
                found.add(module or _file_of(node.module, folder))
    return sorted(found - {None, path})


def _executed(node):
    """Yields the nodes below a node, except those for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and (
            ast.unparse(child.test) == "TYPE_CHECKING"
        ):
            continue
        yield child
        yield from _executed(child)


def _file_of(module, folder):
    base = module.replace(".", "/")
    candidates = [f"{base}.py", f"{base}/__init__.py"]
    if folder == "benchmarks":  # Scripts, which import each other by name.
        candidates.append(f"benchmarks/{base}.py")
    for candidate in candidates:
        if os.path.exists(os.path.join(ROOT, candidate)):
            return candidate
    return None
