"""Models of vectors: the checks of features, and methods that need pixels."""

import numpy as np

from noisy_keras.data.io import feature_arrays
from noisy_keras.utils.errors import ConfigurationError

#: Names of the methods and recipes that train on features.
METHODS = (
    "CrossEntropy",
    "ELR",
    "GCE",
    "JointOptim",
    "DivideMix",
    "PseudoLabeling",
    "IEG",
    "EG",
    "L2R",
    "MetaWeightNet",
    "MLC",
    "MSLC",
    "DMLP",
    "DRPL",
    "Auto",
)


def are_taken(model) -> bool:
    """Whether a model takes vectors and no pictures.

    Args:
        model: `NoisyLabelModel`.
    """
    return len(model.image_shape) == 1


def refused(name, shape):
    """The error for a method that needs pixels where there are features.

    Args:
        name: str, name of the method.
        shape: `(D,)`, shape of a sample.

    Returns:
        `ConfigurationError`.
    """
    return ConfigurationError(
        f"Expected pictures, because {name} needs pixels. Received: features "
        f"of {shape[0]} columns; methods that train on features: "
        f"{', '.join(METHODS)}"
    )


def check_pixels(name, networks, plugins, needs_pixels):
    """Raises if a method that needs pixels has networks of vectors.

    Args:
        name: str, name of the method.
        networks: list of networks.
        plugins: list of `StepPlugin`s.
        needs_pixels: bool, whether the method itself needs pixels.

    Raises:
        ConfigurationError: it has.
    """
    shape = tuple(networks[0].input_shape[1:])
    if len(shape) != 1:
        return
    if needs_pixels:
        raise refused(name, shape)
    for plugin in plugins:
        if plugin.needs_pixels:
            raise refused(type(plugin).__name__, shape)


def checked(model, features):
    """Features in memory, to be predicted.

    Args:
        model: `NoisyLabelModel` of vectors.
        features: array-like `[N, D]`.

    Returns:
        float32 array `[N, D]`.

    Raises:
        ConfigurationError: another number of columns, or values that are not
            finite.
    """
    if np.shape(features) == model.image_shape:
        raise ConfigurationError(
            "Expected a batch of features, [N, D], such as `features[None]`. "
            f"Received: one vector of shape {np.shape(features)}"
        )
    array = feature_arrays.read(features)
    if array.shape[1:] != model.image_shape:
        raise ConfigurationError(
            f"Expected features of {model.image_shape[0]} columns, as the "
            f"model was built for. Received: shape {array.shape}"
        )
    feature_arrays.scan(array)
    return np.asarray(array, np.float32)
