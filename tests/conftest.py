"""Settings of the test session."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import pytest

pytest_plugins = ["noisy_keras.testing.plugin"]


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def cifar_dir():
    """Folder of prepared CIFAR-10, or a skipped test."""
    folder = os.environ.get("NOISY_KERAS_DATA")
    if not folder:
        pytest.skip("NOISY_KERAS_DATA is not a folder of prepared CIFAR-10")
    return folder
