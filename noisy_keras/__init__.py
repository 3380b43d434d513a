"""noisy_keras: training image classifiers on noisy labels, on Keras 3.

Usage: `import noisy_keras as nk`.
"""

import importlib

from noisy_keras.utils import backend as _backend  # noqa: F401 (it checks)

# isort: split

from noisy_keras import analysis
from noisy_keras import callbacks
from noisy_keras import data
from noisy_keras import features
from noisy_keras import labels
from noisy_keras import methods as _methods
from noisy_keras import mixtures
from noisy_keras import networks
from noisy_keras import ops
from noisy_keras import recipes
from noisy_keras import reporting
from noisy_keras import serving
from noisy_keras.core.epoch_plan import EpochPlan
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.plugin import StepPlugin
from noisy_keras.core.plugin import Views
from noisy_keras.core.prediction import FilePredictions
from noisy_keras.core.prediction import predict_files
from noisy_keras.data.batches import Round
from noisy_keras.features.auditing import audit
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.labels.strategies import AuditStrategy
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.methods.dividemix import DivideMix
from noisy_keras.methods.dmlp.purifier import LabelPurifier
from noisy_keras.methods.dmlp.result import PurifiedLabels
from noisy_keras.methods.eg import EG
from noisy_keras.methods.ieg import IEG
from noisy_keras.methods.joint_optim import JointOptim
from noisy_keras.methods.l2r import L2R
from noisy_keras.methods.meta_weight_net import MetaWeightNet
from noisy_keras.methods.mlc import MLC
from noisy_keras.methods.moco import MoCo
from noisy_keras.methods.mslc import MSLC
from noisy_keras.methods.pseudo_labeling import PseudoLabeling
from noisy_keras.methods.sanm import SANM
from noisy_keras.methods.simclr import SimCLR
from noisy_keras.optimizers.adamw import AdamW
from noisy_keras.optimizers.lars import LARS
from noisy_keras.optimizers.schedules import warmed_up_cosine
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.plugins.sanm import AdversarialNoisyMasking
from noisy_keras.recipes.auto import Auto
from noisy_keras.recipes.c2d import C2D
from noisy_keras.recipes.dmlp import DMLP
from noisy_keras.recipes.drpl import DRPL
from noisy_keras.recipes.one_call import AutoResult
from noisy_keras.recipes.one_call import auto
from noisy_keras.serving.exporting import export
from noisy_keras.tables.feature_queue import FeatureQueue
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.version import __version__

__all__ = [
    "C2D",
    "DMLP",
    "DRPL",
    "EG",
    "IEG",
    "L2R",
    "LARS",
    "MLC",
    "MSLC",
    "SANM",
    "AdamW",
    "AdversarialNoisyMasking",
    "AuditStrategy",
    "Auto",
    "AutoResult",
    "ConfigurationError",
    "CrossEntropy",
    "DivideMix",
    "EpochPlan",
    "FeatureQueue",
    "FilePredictions",
    "JointOptim",
    "LabelAudit",
    "LabelHistory",
    "LabelPurifier",
    "LikelyHistory",
    "MetaWeightNet",
    "MoCo",
    "MomentumSGD",
    "NoisyLabelModel",
    "OneRoundPlan",
    "PredictionHistory",
    "PseudoLabeling",
    "PurifiedLabels",
    "Round",
    "SampleTable",
    "SimCLR",
    "StepPlugin",
    "Views",
    "__version__",
    "analysis",
    "audit",
    "auto",
    "callbacks",
    "data",
    "export",
    "features",
    "labels",
    "mixtures",
    "networks",
    "ops",
    "predict_files",
    "recipes",
    "reporting",
    "serving",
    "warmed_up_cosine",
]
# A method is public by its file in `methods/`. Those named above are there for
# readers and type checkers.
globals().update(_methods.classes())
__all__ += sorted(set(_methods.classes()) - set(__all__))


def __getattr__(name):
    # Loaded when it is used: it needs pytest, which only tests have.
    if name == "testing":
        return importlib.import_module("noisy_keras.testing")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
