"""Who may import whom: five floors, each standing on lower ones."""

from tests import imports

# A folder may import from folders of lower floors, and from those named here
# on its own. The package's own __init__ publishes names from everywhere.
FLOORS = [
    {"noisy_keras/ops", "noisy_keras/mixtures", "noisy_keras/networks"},
    {"noisy_keras/data", "noisy_keras/core", "noisy_keras/serving"},
    {
        "noisy_keras/methods",
        "noisy_keras/plugins",
        "noisy_keras/callbacks",
    },
    {"noisy_keras/recipes", "noisy_keras/analysis", "noisy_keras/reporting"},
    {"trainers", "export"},
]
BESIDE = {
    # A layer is a kernel with weights.
    "noisy_keras/networks/layers.py": {"noisy_keras/ops"},
    "noisy_keras/core": {"noisy_keras/data", "noisy_keras/serving"},
    # Pictures are served as they were read; a model exports itself.
    "noisy_keras/serving": {"noisy_keras/data"},
    # A run is read back by those who know its folder.
    "export": {"trainers"},
    # SANM by its paper's name is its plug-in on a host.
    "noisy_keras/methods/sanm.py": {"noisy_keras/plugins"},
    # Pictures of what the plug-in does.
    "noisy_keras/callbacks/mask_pictures.py": {"noisy_keras/plugins"},
}


def folder_of(path):
    return "/".join(path.split("/")[:-1][:2])


def floor_of(path):
    for number, folders in enumerate(FLOORS):
        if folder_of(path) in folders or path.split("/")[0] in folders:
            return number
    return None


def test_files_import_from_lower_floors_alone():
    wrong = []
    for path in imports.python_files():
        if not path.startswith(("noisy_keras/", "trainers/", "export/")):
            continue
        own = floor_of(path)
        if own is None:
            continue
        for other in imports.imports_of(path):
            if folder_of(other) == folder_of(path):
                continue
            if other == "noisy_keras/version.py":
                continue
            allowed = BESIDE.get(folder_of(path), set()) | BESIDE.get(
                path, set()
            )
            floor = floor_of(other)
            top = other == "noisy_keras/__init__.py"
            higher = own < 4 if top else floor is None or floor >= own
            if higher and folder_of(other) not in allowed:
                wrong.append(f"{path} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_methods_import_no_other_method_and_plugins_no_method():
    for path in imports.python_files():
        for other in imports.imports_of(path):
            if path.startswith("noisy_keras/plugins/"):
                assert not other.startswith("noisy_keras/methods/")


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
    for path in imports.python_files():
        if path.startswith("noisy_keras/"):
            with open(f"{imports.ROOT}/{path}", encoding="utf-8") as stream:
                assert "absl" not in stream.read(), path


def test_library_files_fit_one_room():
    for path in imports.python_files():
        if path.startswith(("noisy_keras/", "trainers/", "export/")):
            with open(f"{imports.ROOT}/{path}", encoding="utf-8") as stream:
                lines = len(stream.readlines())
            assert lines <= 330, f"{path} has {lines} lines"
