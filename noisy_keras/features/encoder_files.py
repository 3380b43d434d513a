"""Encoders that lie in files."""

import os

import keras
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.utils.errors import ConfigurationError


def load(path):
    """The encoder that a path names.

    Args:
        path: of a `.keras` file, of which code is refused, or of the folder of
            a SavedModel, whose default signature takes images alone.

    Returns:
        A `keras.Model`, or a function of images; a method's first network.

    Raises:
        ValueError: neither.
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
    # Keras' safe mode refuses code that such a file may hold.
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    if isinstance(model, NoisyLabelModel):
        return model.networks[0]
    return model


def _from_saved_model(path):
    """A function of images that calls a SavedModel's default signature."""
    loaded = tf.saved_model.load(path)
    if "serving_default" not in loaded.signatures:
        raise ConfigurationError(
            "Expected a SavedModel with the signature `serving_default`. "
            f"Received: {path} with {list(loaded.signatures)}"
        )
    signature = loaded.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1 or tf.string in (s.dtype for s in inputs.values()):
        told = {name: spec.dtype.name for name, spec in inputs.items()}
        raise ConfigurationError(
            "Expected a SavedModel whose only input is numbers, the images. "
            f"Received: {path} with {told}"
        )
    [(name, spec)] = inputs.items()

    def encode(images):
        return signature(**{name: tf.cast(images, spec.dtype)})

    encode.loaded = loaded  # Else its variables are gone.
    return encode
