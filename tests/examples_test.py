"""The notebooks of `examples/`: complete as they are, and they still run."""

import os
import re

import nbclient
import nbformat
import pytest

import noisy_keras as nk
from tests import imports
from tests import notebooks
from tests import pages

PATHS = notebooks.paths()
PAGE = os.path.join(pages.DOCS, "examples.md")

# Bytes of a file, so that a checkout stays small.
_LARGEST = 300_000
# What paths of the machine that executed a notebook begin with.
_MACHINES = ("/root", "/home", "/Users", "/opt", "/work", "/tmp", "C:\\")


def read(path):
    return nbformat.read(path, as_version=4)


def texts(notebook):
    """All that a notebook holds except for pictures, as one string."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("image/png", None)
    return nbformat.writes(notebook)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def name_of(path):
    return os.path.basename(path)


def test_there_are_five():
    assert [name_of(path)[:3] for path in PATHS] == [
        f"0{number}_" for number in range(1, 6)
    ]


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_outputs_are_those_of_one_run_from_the_top(path):
    notebook = read(path)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1))
    kinds = {
        (output.output_type, output.get("name"))
        for cell in cells
        for output in cell.outputs
    }
    # Neither errors nor warnings.
    assert kinds == {("stream", "stdout"), ("display_data", None)}
    assert notebooks.pictures(notebook)


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_nothing_in_it_is_of_one_machine(path):
    notebook = read(path)
    assert notebook.metadata == notebooks.METADATA
    text = texts(notebook)
    for start in _MACHINES:
        assert start not in text
        for picture in notebooks.pictures(notebook):
            assert start.encode() + b"/" not in picture
    assert os.path.getsize(path) < _LARGEST


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_names_in_the_text_exist(path):
    text = texts(read(path))
    names = re.findall(r"`nk\.([\w.]+)", text)
    assert names
    for name in names:
        value = nk
        for part in name.split("."):
            assert hasattr(value, part), f"nk.{name}"
            value = getattr(value, part)
    for module in re.findall(r"python -m ([\w.]+)", text):
        file = os.path.join(imports.ROOT, *module.split("."))
        programs = f"{file}.py", os.path.join(file, "__main__.py")
        assert any(os.path.exists(program) for program in programs), module
    for other in re.findall(r"`(\w+\.ipynb)`", text):
        assert os.path.join(notebooks.EXAMPLES, other) in PATHS


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_the_documentation_shows_its_picture(path):
    [picture] = notebooks.pictures(read(path), notebooks.COVER)
    with open(notebooks.cover(path), "rb") as stream:
        assert stream.read() == picture
    linked = {target for target, _ in pages.links(PAGE)}
    assert {path, notebooks.cover(path)} <= linked


def test_notebooks_have_no_network(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=9)"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        notebooks.execute(notebook, tmp_path)
    assert "Expected no use of the network" in str(caught.value)


@pytest.mark.large
@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_they_run(path, tmp_path):
    notebook = read(path)
    shown = len(notebooks.pictures(notebook))
    notebooks.execute(notebook, tmp_path)
    assert len(notebooks.pictures(notebook)) == shown
