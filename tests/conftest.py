"""Settings of the test session."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import pytest
import tensorflow as tf

# Two devices, so that a strategy can have two replicas. They must be configured
# before TensorFlow starts; tests without a strategy run on the first.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy of two replicas.

    One for the whole session, because TensorFlow numbers collective operations
    per strategy from the same start, so that those of a second one would clash.
    """
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks tests that a subclass of a harness declares as large."""
    for item in items:
        if item.originalname in getattr(item.cls, "large", ()):
            item.add_marker(pytest.mark.large)


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
