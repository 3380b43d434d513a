"""Tests that every method must pass, for methods of your own, too.

`MethodTests` is a class of pytest tests. Subclass it in a test file, implement
`build`, and let a `conftest.py` load the plug-in of this package:

    pytest_plugins = ["noisy_keras.testing.plugin"]

It needs pytest, which `pip install 'noisy_keras[test]'` installs.
"""

import pytest

# Before they are imported, so that failed assertions show their values.
pytest.register_assert_rewrite(
    "noisy_keras.testing.methods",
    "noisy_keras.testing.self_supervised",
    "noisy_keras.testing.trusted",
)

from noisy_keras.testing import toy  # noqa: E402
from noisy_keras.testing.interruption import KillAfter  # noqa: E402
from noisy_keras.testing.interruption import Killed  # noqa: E402
from noisy_keras.testing.methods import MethodTests  # noqa: E402
from noisy_keras.testing.self_supervised import SelfSupervisedMethodTests  # noqa: E402
from noisy_keras.testing.trusted import TrustedMethodTests  # noqa: E402

__all__ = [
    "KillAfter",
    "Killed",
    "MethodTests",
    "SelfSupervisedMethodTests",
    "TrustedMethodTests",
    "toy",
]
