"""The end of a process, under its name in older tests."""

from noisy_keras.testing.interruption import KillAfter
from noisy_keras.testing.interruption import Killed

__all__ = ["KillAfter", "Killed"]
