"""Exporting trained networks for serving."""

from noisy_keras.serving.calibration import Calibration
from noisy_keras.serving.calibration import calibrate
from noisy_keras.serving.exporting import FORMATS
from noisy_keras.serving.exporting import METADATA
from noisy_keras.serving.exporting import SAVED_MODEL
from noisy_keras.serving.exporting import Exported
from noisy_keras.serving.exporting import export
from noisy_keras.serving.graph import ServedClassifier

__all__ = [
    "FORMATS",
    "METADATA",
    "SAVED_MODEL",
    "Calibration",
    "Exported",
    "ServedClassifier",
    "calibrate",
    "export",
]
