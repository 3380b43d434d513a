"""What a trained model has learnt: features, attention and noisy labels.

The analyses of DRPL: at which depths a network that has memorised noisy labels
still has good features, where it looks to explain a noisy label, and how well
the loss separates clean from noisy labels. In addition, whether predictions are
calibrated.

Reference: Ortego et al., Towards Robust Learning with Different Label Noise
Distributions, ICPR 2020.
"""

from noisy_keras.analysis.class_maps import ClassMaps
from noisy_keras.analysis.class_maps import class_maps
from noisy_keras.analysis.class_maps import draw_class_maps
from noisy_keras.analysis.class_maps import mislabelled
from noisy_keras.analysis.depths import Depth
from noisy_keras.analysis.depths import feature_extractor
from noisy_keras.analysis.detection_quality import Quality
from noisy_keras.analysis.detection_quality import detection_quality
from noisy_keras.analysis.histogram import draw_histogram
from noisy_keras.analysis.probe_picture import draw_probes
from noisy_keras.analysis.probes import Probe
from noisy_keras.analysis.probes import Probes
from noisy_keras.analysis.probes import linear_probes
from noisy_keras.labels.scores import SampleScores
from noisy_keras.labels.scores import sample_scores
from noisy_keras.ops.reliability import Reliability
from noisy_keras.ops.reliability import expected_calibration_error
from noisy_keras.ops.reliability import reliability
from noisy_keras.ops.reliability import reliability_of_confidence

__all__ = [
    "ClassMaps",
    "Depth",
    "Probe",
    "Probes",
    "Quality",
    "Reliability",
    "SampleScores",
    "class_maps",
    "detection_quality",
    "draw_class_maps",
    "draw_histogram",
    "draw_probes",
    "feature_extractor",
    "expected_calibration_error",
    "linear_probes",
    "mislabelled",
    "reliability",
    "reliability_of_confidence",
    "sample_scores",
]
