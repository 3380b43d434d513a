"""Two-component mixtures that separate low losses from high ones."""

from noisy_keras.mixtures.beta import BetaMixture
from noisy_keras.mixtures.gaussian import GaussianMixture

__all__ = ["BetaMixture", "GaussianMixture"]
