"""What the README shows works, and it stays short.

Its links, pictures and command lines are tested with those of the
documentation, in `docs_test.py`.
"""

import os
import re

import keras
import pytest

from noisy_keras.data import example
from tests import pages
from tests import shortened


@pytest.mark.large
def test_python_blocks_run_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example.write("pictures")
    shortened.shorten_fit(monkeypatch)
    names = {}
    for block in pages.blocks(pages.README, "python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["probabilities"].shape == (5, 10)
    assert isinstance(names["model"], keras.Model)
    assert os.path.exists("label_audit.csv")
    assert len(names["train"]) + len(names["validation"]) == 1797


def test_it_is_short_and_has_one_picture():
    assert os.path.getsize(pages.README) <= 8192
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", pages.read(pages.README))
    assert len(pictures) == 1
    folder = os.path.dirname(pages.README)
    assert os.path.getsize(os.path.join(folder, pictures[0])) > 1000


def test_the_two_commands_are_there():
    lines = "".join(pages.blocks(pages.README, "bash")).splitlines()
    assert "pip install . && python -m trainers.sanm" in lines
    assert "pip install '.[test]' && pytest" in lines


def test_every_guide_is_linked():
    linked = {target for target, _ in pages.links(pages.README)}
    for path in pages.of_docs():
        if pages.name_of(path).startswith("docs/guides/"):
            assert path in linked, path
    # Which lists the methods.
    assert os.path.join(pages.DOCS, "methods", "index.md") in linked
