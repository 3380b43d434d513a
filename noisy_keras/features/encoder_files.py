"""Loading encoders from files."""

import os

import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.networks import model_files
from noisy_keras.utils.errors import ConfigurationError


def load(path):
    """Loads an encoder.

    Args:
        path: str, a `.keras` file, which may not contain code, or the folder of
            a SavedModel, whose default signature must take images only.

    Returns:
        A `keras.Model`, or a callable of images for a SavedModel. Of a method,
        its first network.

    Raises:
        ValueError: If the path is neither, the file cannot be loaded, or the
            SavedModel has another signature.
    """
    if os.path.isdir(path):
        return _from_saved_model(path)
    if not path.endswith(".keras"):
        raise ConfigurationError(
            "Expected a `.keras` file, an `.npy` file or the folder of a "
            f"SavedModel. Received: {path}"
        )
    model = model_files.load(path)
    if isinstance(model, NoisyLabelModel):
        return model.networks[0]
    return model


def _from_saved_model(path):
    """Wraps the default signature of a SavedModel as a callable of images."""
    signature, name, spec = model_files.signature(path)

    def encode(images):
        return signature(**{name: tf.cast(images, spec.dtype)})

    return encode
