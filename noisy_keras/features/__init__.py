"""Features of images by any network, computed once and cached.

Usage: `nk.features.compute(source, encoder)`.
"""

from noisy_keras.features.extraction import FLIP
from noisy_keras.features.extraction import Extractor
from noisy_keras.features.extraction import checked
from noisy_keras.features.extraction import compute
from noisy_keras.features.extraction import is_path
from noisy_keras.features.extraction import load
from noisy_keras.features.writing import WrittenFeatures
from noisy_keras.features.writing import write

__all__ = [
    "FLIP",
    "Extractor",
    "WrittenFeatures",
    "checked",
    "compute",
    "is_path",
    "load",
    "write",
]
