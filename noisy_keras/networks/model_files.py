"""Networks from `.keras` files and SavedModels.

No code is run that such a `.keras` file may contain: Keras' safe mode refuses
lambdas, and classes that are not registered. A SavedModel is a graph that
TensorFlow runs, so only folders that the user has named are loaded.
"""

import importlib
import json
import os
import zipfile

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.networks import copies
from noisy_keras.networks import head
from noisy_keras.utils.errors import ConfigurationError

# Libraries whose layers a file may have; they register them when imported.
_LIBRARIES = ("keras_cv", "keras_hub")
#: SavedModels that this process may load.
_NAMED: set[str] = set()


def load(path):
    """Loads the model of a `.keras` file, which may not contain code.

    Args:
        path: str.

    Returns:
        A `keras.Model`.

    Raises:
        ConfigurationError: the file cannot be loaded.
    """
    import_libraries(path)
    try:
        # In safe mode, Keras refuses to run code that such a file may contain.
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        cause = error
        while cause is not None:
            if isinstance(cause, ConfigurationError):
                # Keras puts it below an error of its own.
                raise ConfigurationError(f"{cause}: {path}") from error
            cause = cause.__cause__ or cause.__context__
        reason = str(error).strip().split("\n")[0]
        raise ConfigurationError(
            f"Expected a network that Keras can load in {path}. Received: a "
            f"file that it cannot ({type(error).__name__}: {reason})"
        ) from error


def network(path, image_shape, num_classes):
    """The network of a `.keras` file, for images and classes.

    Args:
        path: str, file of a network of this package, of a method, whose first
            network it is, or of any Keras model of images. Of a classifier, the
            part up to the last feature map is used.
        image_shape: tuple of ints `(H, W, C)`.
        num_classes: int, number of classes K. A classifier for another number
            is replaced by a new one.

    Returns:
        A `keras.Model` with the interface of a network, with the file's
        weights.

    Raises:
        ConfigurationError: the file cannot be loaded, or the model is not one
            of such images.
    """
    model = load(path)
    # A method: its class is of a higher room.
    model = getattr(model, "networks", [model])[0]
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ConfigurationError(
            f"Expected a functional model of images in {path}. "
            f"Received: {type(model).__name__}"
        )
    found = model.output
    if isinstance(found, dict) and not set(head.OUTPUTS) - set(found):
        own = tuple(model.input_shape[1:])
        if own != tuple(image_shape):
            height = own[0] if own[0] == own[1] else f"{own[0]},{own[1]}"
            raise ConfigurationError(
                f"Expected images of shape {own}, which the network in {path} "
                f"was built for (image_size={height}). "
                f"Received: image_shape={tuple(image_shape)}"
            )
        if found["logits"].shape[-1] == num_classes:
            return model
        return copies.warm_started(model, num_classes)
    return head.from_backbone(
        _without_top(model), num_classes, None, image_shape
    )


def _without_top(model):
    """The model up to its last feature map or tokens."""
    outputs = model.outputs[-1]
    if len(outputs.shape) > 2:
        return model
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 3 or (len(shape) == 4 and 1 not in shape[1:3]):
            return keras.Model(model.inputs, layer.output, name=model.name)
    raise ConfigurationError(
        "Expected a model with a feature map [B, h, w, D] or tokens [B, T, D]. "
        f"Received: {model.name} with output {outputs.shape} and neither"
    )


def image_size(path):
    """The size of the images of a `.keras` file's model, without loading it.

    Args:
        path: str.

    Returns:
        int, side of a square in pixels; None if the file does not say.
    """
    for shape in _values(_config(path), "batch_shape"):
        if isinstance(shape, list) and len(shape) == 4 and shape[1]:
            return shape[1] if shape[1] == shape[2] else None
    return None


def _config(path):
    """The configuration in a `.keras` file; empty if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return {}


def _values(config, key):
    """All values of a key, in depth."""
    if isinstance(config, dict):
        if key in config:
            yield config[key]
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _values(value, key)


def import_libraries(path):
    """Imports the libraries whose layers a file has, so that it can be loaded.

    Args:
        path: str, a `.keras` file.

    Raises:
        ConfigurationError: one is not installed.
    """
    modules = {
        str(value).partition(".")[0]
        for value in _values(_config(path), "module")
    }
    registered = {
        str(value).partition(">")[0].partition(".")[0]
        for value in _values(_config(path), "registered_name")
    }
    for library in _LIBRARIES:
        if library not in modules | registered:
            continue
        try:
            importlib.import_module(library)
        except ImportError as error:
            raise ConfigurationError(
                f"Expected {library} to be installed, whose layers {path} "
                f"has: `pip install {library.replace('_', '-')}`. "
                f"Received: {error}"
            ) from error


def trust(path):
    """Allows this process to load a SavedModel that the user has named.

    Args:
        path: str, its folder.
    """
    _NAMED.add(os.path.abspath(os.path.expanduser(path)))


@keras.saving.register_keras_serializable(package="noisy_keras")
class SavedModel(keras.layers.Layer):
    """The default signature of a SavedModel, frozen.

    A `.keras` file of a network with this layer has the path alone. It is
    loaded where the user has named the SavedModel, by
    `nk.networks.build("saved_model:DIR", ...)` or a run with that network.

    Args:
        folder: str, that of the SavedModel. Its signature `serving_default`
            takes images only.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ConfigurationError: it is not one, has another signature, or the user
            has not named it.
    """

    def __init__(self, folder, **kwargs):
        super().__init__(**{**kwargs, "trainable": False})
        self.folder = os.path.abspath(os.path.expanduser(folder))
        if self.folder not in _NAMED:
            raise ConfigurationError(
                "Expected a SavedModel that you have named, as it is a "
                f"program: `nk.networks.build('saved_model:{self.folder}', "
                "...)` allows it. Received: a file that asks for it"
            )
        self._signature, self._images, self.spec = signature(self.folder)
        # Its variables are exported with the network: see `loaded_in`.
        self.loaded = self._signature.loaded

    def call(self, images):
        images = tf.cast(images, self.spec.dtype)
        outputs = self._signature(**{self._images: images})
        *_, last = outputs.values()
        return tf.cast(last, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "folder": self.folder}


def loaded_in(networks):
    """The SavedModels within networks, which their exports need.

    Args:
        networks: list of `keras.Model`.

    Returns:
        A list of what `tf.saved_model.load` returned.
    """
    layers = [layer for n in networks for layer in n._flatten_layers()]
    return [one.loaded for one in layers if isinstance(one, SavedModel)]


def signature(path):
    """The default signature of a SavedModel, which must take images only.

    Args:
        path: str, its folder.

    Returns:
        Tuple of the signature, a function of named tensors, the name of its
        input, and the input's `TensorSpec`.

    Raises:
        ConfigurationError: it is no SavedModel, or has another signature.
    """
    if not os.path.isdir(path) or not tf.saved_model.contains_saved_model(path):
        raise ConfigurationError(
            "Expected the folder of a SavedModel, with saved_model.pb. "
            f"Received: {path}, which has none"
        )
    loaded = tf.saved_model.load(path)
    if "serving_default" not in loaded.signatures:
        raise ConfigurationError(
            "Expected a SavedModel with the signature `serving_default`. "
            f"Received: {path} with {list(loaded.signatures)}"
        )
    default = loaded.signatures["serving_default"]
    default.loaded = loaded  # Keeps the variables alive.
    inputs = default.structured_input_signature[1]
    if len(inputs) != 1 or tf.string in (s.dtype for s in inputs.values()):
        dtypes = {name: spec.dtype.name for name, spec in inputs.items()}
        raise ConfigurationError(
            "Expected a SavedModel whose only input is an array of pixels. "
            f"Received: {path} with {dtypes}"
        )
    [(name, spec)] = inputs.items()
    return default, name, spec


def saved_model(path, image_shape):
    """A SavedModel as a backbone.

    Args:
        path: str, its folder.
        image_shape: tuple of ints `(H, W, C)`, where it takes any size.

    Returns:
        A frozen `keras.Model` from bytes to a feature map or tokens; a vector
        per image becomes a map of one place.

    Raises:
        ConfigurationError: as of `SavedModel`.
    """
    trust(path)
    layer = SavedModel(path, name="saved_model")
    given = (*image_shape[:2], 3)
    own = layer.spec.shape
    own = given if own.rank is None else own[1:]
    shape = [s or g for s, g in zip(own, given, strict=True)]
    # Its own shape of features is known once it has run.
    features = layer(np.zeros((1, *shape), np.float32))
    inputs = keras.Input(shape, name="images")
    x = layer(inputs)
    if len(features.shape) == 2:
        x = keras.layers.Reshape((1, 1, features.shape[-1]))(x)
    name = os.path.basename(os.path.normpath(path))
    return keras.Model(inputs, x, name=f"saved_model_{name}")
