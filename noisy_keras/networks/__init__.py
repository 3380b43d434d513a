"""Networks by name, and the interface that any backbone can be given."""

from noisy_keras.networks.build import NAMES
from noisy_keras.networks.build import as_networks
from noisy_keras.networks.build import build
from noisy_keras.networks.build import reinitialized
from noisy_keras.networks.build import warm_started
from noisy_keras.networks.decoders import build_decoder
from noisy_keras.networks.head import from_backbone
from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.networks.projection import build_projection

__all__ = [
    "NAMES",
    "FusedBatchNormalization",
    "PixelNormalization",
    "as_networks",
    "build",
    "build_decoder",
    "build_projection",
    "from_backbone",
    "reinitialized",
    "warm_started",
]
