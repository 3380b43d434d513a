"""Keras on another backend than TensorFlow is refused at once."""

import json
import os
import subprocess
import sys

import pytest

from noisy_keras.utils import backend


def test_an_import_on_another_backend_ends_in_one_line():
    result = subprocess.run(
        [sys.executable, "-c", "import noisy_keras"],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: Expected Keras on TensorFlow")
    assert "KERAS_BACKEND=tensorflow" in last and "'jax'" in last


def test_what_keras_will_use_is_known_before_it_loads(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backend.chosen() == "tensorflow"
    path = tmp_path / "keras.json"
    path.write_text("no JSON")
    assert backend.chosen() == "tensorflow"
    path.write_text(json.dumps({"backend": "torch"}))
    assert backend.chosen() == "torch"
    with pytest.raises(ImportError, match="Received: the backend 'torch'"):
        backend.require()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert backend.chosen() == "tensorflow"
