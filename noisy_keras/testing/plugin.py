"""The pytest plug-in that `MethodTests` needs.

Name it in `conftest.py`, before TensorFlow has been used:

    pytest_plugins = ["noisy_keras.testing.plugin"]
"""

import pytest
import tensorflow as tf


def pytest_configure(config):
    config.addinivalue_line("markers", "large: takes long")
    # Two devices, so that a strategy has two replicas to train on. It must be
    # set before TensorFlow starts; other tests use the first device.
    try:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    except RuntimeError:
        pass  # `two_replicas` reports it.


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy of two replicas on the CPU.

    There is one for the session: TensorFlow numbers collective operations of
    each strategy from the same start, and those of a second one would clash.
    """
    if len(tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip(
            "TensorFlow has been used before the plug-in was loaded, so there "
            "is one CPU device"
        )
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks the tests that a subclass of `MethodTests` names in `large`."""
    for item in items:
        cls = getattr(item, "cls", None)
        name = getattr(item, "originalname", item.name)
        if name in getattr(cls, "large", ()):
            item.add_marker(pytest.mark.large)
