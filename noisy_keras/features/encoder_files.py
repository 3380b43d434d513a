"""Loading encoders from files."""

import os
import zipfile

import keras
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
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
        if not tf.saved_model.contains_saved_model(path):
            raise ConfigurationError(
                "Expected the folder of a SavedModel, with saved_model.pb. "
                f"Received: {path}, which has none"
            )
        return _from_saved_model(path)
    if not path.endswith(".keras"):
        raise ConfigurationError(
            "Expected a `.keras` file, an `.npy` file or the folder of a "
            f"SavedModel. Received: {path}"
        )
    try:
        # In safe mode, Keras refuses to run code that such a file may contain.
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        reason = str(error).strip().split("\n")[0]
        raise ConfigurationError(
            f"Expected a network that Keras can load in {path}. Received: a "
            f"file that it cannot ({type(error).__name__}: {reason})"
        ) from error
    if isinstance(model, NoisyLabelModel):
        return model.networks[0]
    return model


def _from_saved_model(path):
    """Wraps the default signature of a SavedModel as a callable of images."""
    loaded = tf.saved_model.load(path)
    if "serving_default" not in loaded.signatures:
        raise ConfigurationError(
            "Expected a SavedModel with the signature `serving_default`. "
            f"Received: {path} with {list(loaded.signatures)}"
        )
    signature = loaded.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1 or tf.string in (s.dtype for s in inputs.values()):
        dtypes = {name: spec.dtype.name for name, spec in inputs.items()}
        raise ConfigurationError(
            "Expected a SavedModel whose only input is an array of pixels. "
            f"Received: {path} with {dtypes}"
        )
    [(name, spec)] = inputs.items()

    def encode(images):
        return signature(**{name: tf.cast(images, spec.dtype)})

    encode.loaded = loaded  # Keeps the variables alive.
    return encode
