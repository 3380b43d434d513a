"""noisy_keras: training image classifiers on noisy labels, on Keras 3.

Usage: `import noisy_keras as nk`.
"""

from noisy_keras import callbacks
from noisy_keras import data
from noisy_keras import mixtures
from noisy_keras import networks
from noisy_keras import ops
from noisy_keras.core.audit import LabelAudit
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.optimizers import MomentumSGD
from noisy_keras.core.plugin import StepPlugin
from noisy_keras.core.plugin import Views
from noisy_keras.core.sample_table import SampleTable
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.methods.dividemix import DivideMix
from noisy_keras.methods.sanm import SANM
from noisy_keras.plugins.sanm import AdversarialNoisyMasking
from noisy_keras.version import __version__

__all__ = [
    "SANM",
    "AdversarialNoisyMasking",
    "CrossEntropy",
    "DivideMix",
    "LabelAudit",
    "MomentumSGD",
    "NoisyLabelModel",
    "SampleTable",
    "StepPlugin",
    "Views",
    "__version__",
    "callbacks",
    "data",
    "mixtures",
    "networks",
    "ops",
]
