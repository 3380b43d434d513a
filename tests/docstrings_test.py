"""Examples in docstrings work."""

import doctest
import importlib
import os
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from tests import imports
from tests import shortened

METHODS = "noisy_keras.methods."
NAMES = {"nk": nk, "np": np, "keras": keras, "tf": tf}


def modules_with_examples():
    for path in imports.python_files():
        if path.startswith("noisy_keras/"):
            with open(os.path.join(imports.ROOT, path)) as stream:
                text = stream.read()
            if ">>>" in text:
                name = path.removesuffix(".py").replace("/", ".")
                # Those that train take long.
                trains = re.search(r">>> .*\.fit\(", text)
                trains = trains and not name.startswith(METHODS)
                marks = [pytest.mark.large] if trains else []
                yield pytest.param(name, marks=marks, id=name)


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_give_what_they_show(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # Tests of all methods train each of them.
    epochs = 0 if name.startswith(METHODS) else 2
    shortened.shorten_fit(monkeypatch, epochs=epochs)
    module = importlib.import_module(name)
    results = doctest.testmod(
        module, extraglobs=NAMES, optionflags=doctest.ELLIPSIS
    )
    assert results.attempted > 0
    assert results.failed == 0, capsys.readouterr().out
