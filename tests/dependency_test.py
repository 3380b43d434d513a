"""Who may import whom: rooms on floors, each standing on lower ones."""

from tests import imports

#: The rooms of the library from the ground up. A room may import from rooms of
#: lower floors, and from no other. Folders below a room belong to it, unless
#: they are rooms of their own.
FLOORS = [
    {"noisy_keras/utils"},
    {"noisy_keras/ops"},
    {"noisy_keras/mixtures", "noisy_keras/networks"},
    {"noisy_keras/optimizers"},
    {"noisy_keras/data/io"},
    {"noisy_keras/data/layouts", "noisy_keras/data/augment"},
    {"noisy_keras/data/selection"},
    {"noisy_keras/data/sources"},
    {"noisy_keras/data/noise", "noisy_keras/data/builders"},
    {"noisy_keras/data"},
    {"noisy_keras/tables", "noisy_keras/serving"},
    {"noisy_keras/labels"},
    {"noisy_keras/core"},
    {"noisy_keras/features"},
    {"noisy_keras/plugins"},
    {"noisy_keras/methods/bases", "noisy_keras/callbacks"},
    {"noisy_keras/methods"},
    {
        "noisy_keras/recipes",
        "noisy_keras/analysis",
        "noisy_keras/reporting",
        "noisy_keras/testing",
    },
    {"trainers/presets"},
    {"trainers/flags"},
    {"trainers/run"},
    {"trainers/inspection"},
    {"trainers", "export"},
]
#: Imports upwards, each made within a function, when it is needed.
UPWARDS = {
    # TFDS finds our builders once they are registered.
    "noisy_keras/data/sources/prepared.py": {"noisy_keras/data/builders"},
}
#: Files that every room of their tree may import.
GROUND = {"noisy_keras/version.py", "trainers/__init__.py"}


def room_of(path):
    """The innermost folder of a file that is a room, or None."""
    folder = path.rpartition("/")[0]
    rooms = set().union(*FLOORS)
    while folder and folder not in rooms:
        folder = folder.rpartition("/")[0]
    return folder or None


def floor_of(room):
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"{room} is on no floor")


def files(*tops):
    return [p for p in imports.python_files() if p.startswith(tops)]


def test_every_folder_is_in_a_room():
    for path in files("noisy_keras/", "trainers/", "export/"):
        if path not in ("noisy_keras/__init__.py", *GROUND):
            assert room_of(path), path


def test_every_room_is_there():
    for room in set().union(*FLOORS):
        assert files(f"{room}/"), room


def test_files_import_from_lower_floors_alone():
    wrong = []
    for path in files("noisy_keras/", "trainers/", "export/"):
        # A package's own file publishes names from the rooms below it.
        publishes = path in (
            "noisy_keras/__init__.py",
            "noisy_keras/data/__init__.py",
        )
        if publishes or path in GROUND:
            continue
        room = room_of(path)
        for other in imports.imports_of(path):
            if other in GROUND or room_of(other) == room:
                continue
            if other == "noisy_keras/__init__.py":
                allowed = room.startswith(("trainers", "export"))
            else:
                lower = floor_of(room_of(other)) < floor_of(room)
                allowed = lower or room_of(other) in UPWARDS.get(path, ())
            if not allowed:
                wrong.append(f"{path} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_methods_import_no_other_method_and_plugins_no_method():
    methods = [
        path
        for path in files("noisy_keras/methods/")
        if room_of(path) == "noisy_keras/methods"
    ]
    for path in methods:
        for other in imports.imports_of(path):
            if path == "noisy_keras/methods/sanm.py":
                continue  # SANM by its paper's name: its plug-in on a host.
            same_folder = path.split("/")[2] == other.split("/")[2]
            assert other not in methods or same_folder, (path, other)
    for path in files("noisy_keras/plugins/"):
        for other in imports.imports_of(path):
            assert not other.startswith("noisy_keras/methods/"), (path, other)


def test_imports_have_no_cycle():
    graph = {path: imports.imports_of(path) for path in imports.python_files()}
    done, active = set(), []

    def visit(path):
        if path in done:
            return
        assert path not in active, " -> ".join([*active, path])
        active.append(path)
        for other in graph[path]:
            visit(other)
        done.add(active.pop())

    for path in graph:
        visit(path)


def test_flags_exist_in_trainers_and_export_alone():
    for path in files("noisy_keras/"):
        with open(f"{imports.ROOT}/{path}", encoding="utf-8") as stream:
            assert "absl" not in stream.read(), path
