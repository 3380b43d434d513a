"""Optimizers and learning-rate schedules as in the published codes."""

from noisy_keras.optimizers.adamw import AdamW
from noisy_keras.optimizers.lars import LARS
from noisy_keras.optimizers.schedules import constant_rate
from noisy_keras.optimizers.schedules import stepwise
from noisy_keras.optimizers.schedules import warmed_up_cosine
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.optimizers.sgd import fresh
from noisy_keras.optimizers.sgd import prepared

__all__ = [
    "AdamW",
    "LARS",
    "MomentumSGD",
    "constant_rate",
    "fresh",
    "prepared",
    "stepwise",
    "warmed_up_cosine",
]
