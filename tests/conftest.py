"""Settings of the test session."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import pytest

from tests import release_only

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


def pytest_collection_modifyitems(items):
    """Marks the tests of `release_only`, in place of `large`."""
    for item in items:
        if release_only.applies(item.nodeid):
            item.own_markers[:] = [
                mark for mark in item.own_markers if mark.name != "large"
            ]
            item.add_marker(pytest.mark.release)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ShownAtOnce(config))


class _ShownAtOnce:
    """Shows a failure when it happens: a run that is cut off has no summary."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line(f"\n{report.nodeid}\n{report.longreprtext}")
