"""Networks by name, and the interface that any backbone can be given."""

from noisy_keras.networks.build import NAMES
from noisy_keras.networks.build import as_networks
from noisy_keras.networks.build import build
from noisy_keras.networks.copies import copied
from noisy_keras.networks.copies import reinitialized
from noisy_keras.networks.copies import warm_started
from noisy_keras.networks.decoders import build_decoder
from noisy_keras.networks.head import from_backbone
from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.networks.projection import build_projection
from noisy_keras.networks.providers import default_image_size

__all__ = [
    "NAMES",
    "FusedBatchNormalization",
    "PixelNormalization",
    "as_networks",
    "build",
    "build_decoder",
    "build_projection",
    "copied",
    "default_image_size",
    "from_backbone",
    "reinitialized",
    "warm_started",
]
