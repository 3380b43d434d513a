"""The toy problem of `noisy_keras.testing`, under its name in older tests."""

from noisy_keras.testing.toy import CLASSES
from noisy_keras.testing.toy import network
from noisy_keras.testing.toy import pictures
from noisy_keras.testing.toy import source

__all__ = ["CLASSES", "network", "pictures", "source"]
