"""Features of images by any network, computed once and cached.

Usage: `nk.features.compute(source, encoder)`.
"""

from noisy_keras.features.encoding import EncodedSource
from noisy_keras.features.encoding import encoded
from noisy_keras.features.extraction import FLIP
from noisy_keras.features.extraction import Extractor
from noisy_keras.features.extraction import checked
from noisy_keras.features.extraction import compute
from noisy_keras.features.extraction import is_path
from noisy_keras.features.extraction import load
from noisy_keras.features.joining import joined_network
from noisy_keras.features.joining import with_encoder
from noisy_keras.features.writing import WrittenFeatures
from noisy_keras.features.writing import write

__all__ = [
    "FLIP",
    "EncodedSource",
    "Extractor",
    "WrittenFeatures",
    "checked",
    "compute",
    "encoded",
    "is_path",
    "joined_network",
    "load",
    "with_encoder",
    "write",
]
