"""Sources of labelled images, label noise, views and batches."""

from noisy_keras.data.augment import VIEWS
from noisy_keras.data.augment import Augmentation
from noisy_keras.data.augment import FeatureAugmentation
from noisy_keras.data.duplicates import Duplicates
from noisy_keras.data.duplicates import find_duplicates
from noisy_keras.data.estimate import NoiseEstimate
from noisy_keras.data.estimate import estimate_noise
from noisy_keras.data.noise import AsymmetricNoise
from noisy_keras.data.noise import ConfusionNoise
from noisy_keras.data.noise import InstanceNoise
from noisy_keras.data.noise import LabelNoise
from noisy_keras.data.noise import OpenSetNoise
from noisy_keras.data.noise import PairFlipNoise
from noisy_keras.data.noise import PolynomialMarginNoise
from noisy_keras.data.noise import PredictedNoise
from noisy_keras.data.noise import SymmetricNoise
from noisy_keras.data.selection.corrections import read_audit
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.data.sources.array_source import from_dataset
from noisy_keras.data.sources.csv_labels import from_csv
from noisy_keras.data.sources.feature_files import from_feature_file
from noisy_keras.data.sources.feature_source import from_features
from noisy_keras.data.sources.folder import from_folder
from noisy_keras.data.sources.load import NAMES
from noisy_keras.data.sources.load import load
from noisy_keras.data.sources.reading import Reading
from noisy_keras.data.sources.record_source import from_tfrecord
from noisy_keras.data.sources.records.writer import write_tfrecord
from noisy_keras.data.sources.source import Source
from noisy_keras.data.sources.tfds_source import from_tfds

__all__ = [
    "NAMES",
    "VIEWS",
    "AsymmetricNoise",
    "Augmentation",
    "ConfusionNoise",
    "Duplicates",
    "FeatureAugmentation",
    "InstanceNoise",
    "LabelNoise",
    "NoiseEstimate",
    "OpenSetNoise",
    "PairFlipNoise",
    "PolynomialMarginNoise",
    "PredictedNoise",
    "Reading",
    "Source",
    "SymmetricNoise",
    "estimate_noise",
    "find_duplicates",
    "from_arrays",
    "from_csv",
    "from_dataset",
    "from_feature_file",
    "from_features",
    "from_folder",
    "from_tfds",
    "from_tfrecord",
    "load",
    "read_audit",
    "write_tfrecord",
]
