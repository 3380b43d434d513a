"""Writes BUILD from the tree: a target per folder, its edges true imports.

    python -m tests.build_file

Each folder is one library; commands and tests are targets that depend on it.
Where libraries of whole folders would depend on each other in a circle, which
Bazel refuses, a folder is split into as few libraries as that takes.
`build_file_test` compares the file with the tree.
"""

import os
import textwrap

from tests import imports

PATH = os.path.join(imports.ROOT, "BUILD")
CONFTEST = "tests/conftest.py"
IMPORTS = "tests/imports.py"
RUNNER = "tests/run_folder.py"

# Folders without modules whose files tests read.
_OTHER_TOPS = (".ci", ".github", "constraints", "docs", "examples")

_HEADER = """\
# Bazel targets: a library per folder, with the imports between folders as
# edges, the commands and the tests. Written by `python -m tests.build_file`;
# third-party packages come from the environment that `pip install '.[test]'`
# makes.

package(default_visibility = ["//visibility:public"])

licenses(["notice"])

exports_files(["LICENSE"])
"""

_APART = """\
# Files that are no part of their folder's library: with them, libraries would
# depend on each other in a circle.
APART = {
ENTRIES
}
"""

_FOLDERS = """\
# Libraries whose names start otherwise are rooms of noisy_keras.
TOPS = TUPLE

# For each folder's library, the libraries that it imports from.
[py_library(
    name = folder,
    srcs = glob(
        [folder + "/*.py"],
        exclude = [
            folder + "/" + stem + ".py"
            for stem in APART.get(folder, [])
        ],
    ),
    data = glob(
        [folder + "/*"],
        allow_empty = True,
        exclude = [folder + "/*.py"],
    ),
    deps = [
        (":" if name.startswith(TOPS) else ":noisy_keras/") + name
        for name in names
    ],
) for folder, names in {
ENTRIES
}.items()]
"""

_PARTS = """\
# For each library of files apart, their folder and what they import from.
[py_library(
    name = part,
    srcs = [folder + "/" + stem + ".py" for stem in stems],
    deps = [
        (":" if name.startswith(TOPS) else ":noisy_keras/") + name
        for name in names
    ],
) for part, (folder, stems, names) in {
ENTRIES
}.items()]
"""

_COMMANDS = """\
# Folders of commands, with their files that are none.
[py_binary(
    name = path[:-3],
    srcs = [path],
    main = path,
    deps = [":" + folder],
) for folder, others in {
ENTRIES
}.items() for path in glob(
    [folder + "/*.py"],
    exclude = [folder + "/" + stem + ".py" for stem in others],
)]
"""

_MORE_COMMANDS = """\
# Commands in other folders, with their libraries.
[py_binary(
    name = command,
    srcs = [command + ".py"],
    main = command + ".py",
    deps = [":" + library],
) for command, library in {
ENTRIES
}.items()]
"""

_TESTS = """\
# Folders whose tests read all files, not only those that they import.
READERS = TREE

# What tests are in besides their folder's library and `tests`.
ALSO = {
ENTRIES
}

# The tests of each folder, without those in folders within it.
[py_test(
    name = folder + "/test",
    timeout = "eternal",
    srcs = ["RUNNER"],
    args = [folder],
    data = [":tree"] if folder in READERS else [":tests/files"],
    main = "RUNNER",
    deps = [":tests"] + [
        ":" + name
        for name in [folder] + ALSO.get(folder, [])
        if name != "tests"
    ],
) for folder in FOLDERS]
"""


def content():
    """Returns what BUILD should hold, as a string."""
    files = imports.python_files()
    edges = {path: imports.imports_of(path) for path in files}
    libraries = grouped(edges)
    home = {path: name for name, group in libraries.items() for path in group}
    names = between(home, edges)
    apart, whole, parts = {}, {}, {}
    for name, group in libraries.items():
        folder = os.path.dirname(group[0])
        if name == folder:
            whole[name] = _list(_short(names[name]))
            others = set(_beside(group[0], files)) - set(group)
            if others:
                apart[name] = _list(_stems(others))
        else:
            stems = _list(_stems(group))
            parts[name] = f'("{folder}", {stems}, {_list(_short(names[name]))})'
    tops = ", ".join(f'"{top}"' for top in sorted(imports.TOPS))
    blocks = [
        _HEADER,
        _files(),
        _filled(_APART, apart, always=True),
        _filled(_FOLDERS.replace("TUPLE", f"({tops})"), whole),
        _filled(_PARTS, parts),
        *_commands(files, home),
        _tests(files, edges, home),
    ]
    return "\n".join(block for block in blocks if block)


def grouped(edges):
    """Groups files into libraries that do not depend on each other in circles.

    Args:
        edges: dict, for each file's path the paths that it imports.

    Returns:
        dict, for each library's name the sorted paths of its files; sorted by
        name. A library is a whole folder and has the folder's name, unless
        that would close a circle. Then the largest part has it, and the others
        are named after their first file.

    Raises:
        ValueError: files import each other in a circle.
    """
    circle = find_cycle(edges)
    if circle:
        raise ValueError(
            "Expected files that do not import each other in a circle. "
            f"Received: {' -> '.join(circle)}"
        )
    groups = {path: (path,) for path in edges}
    folders = {}
    # Importers first: a new file that nothing imports joins those like it.
    for path in reversed(_importees_first(edges)):
        folders.setdefault(os.path.dirname(path), []).append(path)
    for _, paths in sorted(folders.items()):
        if _merge(paths, groups, edges):
            continue
        kept = []
        for path in paths:
            if not any(_merge([one, path], groups, edges) for one in kept):
                kept.append(path)
    found = {}
    for folder, paths in folders.items():
        parts = sorted(
            {groups[path] for path in paths},
            key=lambda part: (-len(part), part),
        )
        for number, part in enumerate(parts):
            stem = os.path.basename(part[0]).removesuffix(".py").strip("_")
            found[f"{folder}/{stem}_library" if number else folder] = [*part]
    return dict(sorted(found.items()))


def find_cycle(edges):
    """Finds a circle in a directed graph.

    Args:
        edges: dict, for each node the nodes that it points to.

    Returns:
        list of the nodes along one circle, its first node repeated at the end;
        empty if there is none.
    """
    done, active = set(), []

    def visit(node):
        if node in done:
            return []
        if node in active:
            return [*active[active.index(node) :], node]
        active.append(node)
        for other in edges.get(node, ()):
            circle = visit(other)
            if circle:
                return circle
        done.add(active.pop())
        return []

    for node in edges:
        circle = visit(node)
        if circle:
            return circle
    return []


def between(groups, edges):
    """The edges between groups of files.

    Args:
        groups: dict, for each file's path its group.
        edges: dict, for each file's path the paths that it imports.

    Returns:
        dict, for each group the set of other groups that it depends on.
    """
    found = {group: set() for group in groups.values()}
    for path, others in edges.items():
        for other in others:
            if groups[other] != groups[path]:
                found[groups[path]].add(groups[other])
    return found


def _merge(paths, groups, edges):
    """Merges the groups of paths in place, unless that closes a circle."""
    merged = tuple(sorted({one for path in paths for one in groups[path]}))
    tried = {**groups, **dict.fromkeys(merged, merged)}
    if find_cycle(between(tried, edges)):
        return False
    groups.update(tried)
    return True


def _importees_first(edges):
    found = {}

    def visit(path):
        if path not in found:
            for other in sorted(edges[path]):
                visit(other)
            found[path] = None

    for path in sorted(edges):
        visit(path)
    return [*found]


def _files():
    """The files that tests read: those of their own, or the whole tree."""
    packages = {os.path.dirname(path) for path in imports.python_files()}
    own = ["pyproject.toml"]
    for folder in sorted(packages):
        if folder.split("/")[0] == "tests":
            own += [f"{path}/**" for path in _folders(folder) - packages]
    tops = [f"{top}/**" for top in (*imports.TOPS, *_OTHER_TOPS)]
    tree = ["*.*", "BUILD", "LICENSE", *tops]
    return "\n".join(
        "filegroup(\n"
        f'    name = "{name}",\n'
        f"    srcs = glob({_list(patterns, 8)}, allow_empty = True),\n"
        ")\n"
        for name, patterns in (("tests/files", own), ("tree", tree))
    )


def _short(names):
    """Names of libraries, those of noisy_keras without its own."""
    short = {name: name.removeprefix("noisy_keras/") for name in names}
    for name, rest in short.items():
        if rest != name and rest.startswith(tuple(imports.TOPS)):
            short[name] = name
    return short.values()


def _commands(files, home):
    folders, single = {}, {}
    for folder in sorted({os.path.dirname(path) for path in files}):
        paths = [path for path in files if os.path.dirname(path) == folder]
        programs = [path for path in paths if _is_program(path)]
        others = sorted(set(paths) - set(programs))
        if len(programs) > len(others) and home[programs[0]] == folder:
            # All files but a few: a new command needs no new line.
            folders[folder] = _list(_stems(others))
        else:
            for path in programs:
                single[path.removesuffix(".py")] = f'"{home[path]}"'
    yield _filled(_COMMANDS, folders)
    yield _filled(_MORE_COMMANDS, single)


def _tests(files, edges, home):
    also, readers, folders = {}, [], []
    for path in files:
        folder = os.path.dirname(path)
        if not path.endswith("_test.py") or folder in folders:
            continue
        folders.append(folder)
        tests = [
            one for one in _beside(path, files) if one.endswith("_test.py")
        ]
        needed = {home[one] for one in (*tests, CONFTEST, RUNNER)}
        if needed - {folder, "tests"}:
            also[folder] = _list(needed - {folder, "tests"})
        if any(IMPORTS in edges[one] for one in tests):
            readers.append(folder)
    text = _TESTS.replace("RUNNER", RUNNER).replace("TREE", _list(readers, 4))
    text = text.replace("FOLDERS", _list(folders, 4))
    return _filled(text, also, always=True)


def _filled(text, entries, always=False):
    lines = [f'    "{name}": {entry},' for name, entry in entries.items()]
    return text.replace("ENTRIES", "\n".join(lines)) if lines or always else ""


def _list(items, indent=8):
    """A list of strings, in lines of at most 80 columns."""
    text = ", ".join(f'"{item}"' for item in sorted(items))
    if len(text) < 48:
        return f"[{text}]"
    space = " " * indent
    lines = textwrap.fill(
        f"{text},",
        80,
        initial_indent=space,
        subsequent_indent=space,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"[\n{lines}\n{space[4:]}]"


def _stems(paths):
    return [os.path.basename(path).removesuffix(".py") for path in paths]


def _beside(path, files):
    """The files of a path's folder."""
    folder = os.path.dirname(path)
    return [other for other in files if os.path.dirname(other) == folder]


def _folders(folder):
    """Paths of the folders in a folder."""
    with os.scandir(os.path.join(imports.ROOT, folder)) as entries:
        return {
            os.path.normpath(f"{folder}/{entry.name}")
            for entry in entries
            if entry.is_dir() and not entry.name.startswith((".", "__"))
        }


def _is_program(path):
    with open(os.path.join(imports.ROOT, path), encoding="utf-8") as stream:
        return '__name__ == "__main__"' in stream.read()


if __name__ == "__main__":
    text = content()
    with open(PATH, "w", encoding="utf-8") as stream:
        stream.write(text)
