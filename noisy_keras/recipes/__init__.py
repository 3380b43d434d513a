"""Methods of several trainings: what one leaves, the next begins with."""

from noisy_keras.recipes.artefacts import ArtefactError
from noisy_keras.recipes.artefacts import PhaseError
from noisy_keras.recipes.auto import Auto
from noisy_keras.recipes.c2d import C2D
from noisy_keras.recipes.candidates import CANDIDATES
from noisy_keras.recipes.dmlp import DMLP
from noisy_keras.recipes.drpl import DRPL
from noisy_keras.recipes.hosts import HOSTS
from noisy_keras.recipes.phases import Phase
from noisy_keras.recipes.recipe import Recipe

__all__ = [
    "C2D",
    "CANDIDATES",
    "DMLP",
    "DRPL",
    "HOSTS",
    "ArtefactError",
    "Auto",
    "Phase",
    "PhaseError",
    "Recipe",
]
