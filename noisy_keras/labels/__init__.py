"""Judging labels: audits, and the strategies that they are based on."""

from noisy_keras.labels.audit import EVIDENCE
from noisy_keras.labels.audit import VERDICTS
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.labels.cross_epoch import CrossEpochDetection
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.labels.detection import Detection
from noisy_keras.labels.detection import detect
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.held_out import HeldOutJudgement
from noisy_keras.labels.held_out import judge_held_out
from noisy_keras.labels.measuring import Measurement
from noisy_keras.labels.noise_rate import RateEstimate
from noisy_keras.labels.noise_rate import estimate_from_history
from noisy_keras.labels.noise_rate import estimate_rate
from noisy_keras.labels.out_of_fold import OutOfFoldJudgement
from noisy_keras.labels.out_of_fold import judge as judge_out_of_fold
from noisy_keras.labels.quality import label_quality
from noisy_keras.labels.strategies import AuditStrategy
from noisy_keras.labels.strategies import EarlierPhase
from noisy_keras.labels.strategies import LastPredictions
from noisy_keras.labels.strategies import PeerNetworks

__all__ = [
    "EVIDENCE",
    "VERDICTS",
    "AuditStrategy",
    "CrossEpochDetection",
    "CrossEpochHistory",
    "Detection",
    "EarlierPhase",
    "HeldOutJudgement",
    "LabelAudit",
    "LastPredictions",
    "LossDivision",
    "Measurement",
    "OutOfFoldJudgement",
    "PeerNetworks",
    "RateEstimate",
    "detect",
    "estimate_from_history",
    "estimate_rate",
    "judge_held_out",
    "judge_out_of_fold",
    "label_quality",
]
