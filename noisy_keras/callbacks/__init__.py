"""Callbacks that report on a run, save it and measure label quality.

No method depends on one of them.
"""

from noisy_keras.callbacks.checkpoint import ResumableCheckpoint
from noisy_keras.callbacks.class_recall import BalancedAccuracy
from noisy_keras.callbacks.freeze_backbone import FreezeBackbone
from noisy_keras.callbacks.keep_best import KeepBest
from noisy_keras.callbacks.label_quality import LabelQuality
from noisy_keras.callbacks.loss_histograms import LossHistograms
from noisy_keras.callbacks.loss_overlap import LossOverlap
from noisy_keras.callbacks.mask_pictures import MaskPictures
from noisy_keras.callbacks.metrics_log import MetricsLog
from noisy_keras.callbacks.nearest_neighbors import NearestNeighbors
from noisy_keras.callbacks.noise_estimate import EstimateNoise
from noisy_keras.callbacks.summaries import Summaries

__all__ = [
    "BalancedAccuracy",
    "EstimateNoise",
    "FreezeBackbone",
    "KeepBest",
    "LabelQuality",
    "LossHistograms",
    "LossOverlap",
    "MaskPictures",
    "MetricsLog",
    "NearestNeighbors",
    "ResumableCheckpoint",
    "Summaries",
]
