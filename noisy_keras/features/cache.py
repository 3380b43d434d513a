"""Cache of computed features, in files named by a hash of their inputs."""

import hashlib
import json
import math
import os

import keras
import numpy as np

from noisy_keras.utils import files

# The version since which the same inputs give the same features: raised when
# features of an earlier one must be computed again.
_FORMAT = "0.1.0"

# The key depends on pixels, because many data sets have the same ids: on those
# of all images if these need no decoding and have at most so many bytes, else
# on those of a few images.
_MAX_BYTES = 2**31
_NUM_SAMPLED = 256
_BATCH_SIZE = 1024

# Parts of a configuration that depend on how a network was used. Its weights
# identify it already.
_LEFT_OUT = {"build_config", "compile_config"}

# Keys of a configuration whose values are names of layers.
_REFERENCES = {"name", "keras_history", "input_layers", "output_layers"}

# Classes whose `name` is not the name of a layer.
_NAMED_BY_KERAS = {"DTypePolicy", "FloatDTypePolicy"}


def key(encoder, preprocessing, source, options):
    """Hash of everything that features depend on, used as a file name.

    Args:
        encoder: `keras.Model`, or str, the path of one.
        preprocessing: `keras.layers.Layer` or None.
        source: `Source`. Its ids, pixels and geometry count, its labels do not.
            Of images in files, all sizes and the pixels of 256 images count.
        options: list of further values that the features depend on,
            serialisable as JSON.

    Returns:
        Str of 64 hexadecimal digits (SHA-256), or None if the dependencies are
        unknown, as with a function or a layer that cannot be serialised.
    """
    digest = hashlib.sha256()
    if isinstance(encoder, str):
        _add_path(digest, encoder)
    for network in (encoder, preprocessing):
        if isinstance(network, keras.layers.Layer):
            try:
                _add_network(digest, network)
            except (NotImplementedError, TypeError, ValueError):
                return None  # The configuration cannot be serialised.
        elif network is not None and not isinstance(network, str):
            return None
    for text in source.ids:
        digest.update(str(text).encode("utf-8") + b"\0")
    _add_pictures(digest, source)
    parts = [
        options,
        source.image_shape,
        source.pixel_scale,
        vars(source.augmentation),
        _FORMAT,
    ]
    digest.update(json.dumps(parts, sort_keys=True).encode("utf-8"))
    return digest.hexdigest()


def pictures_key(source):
    """Hash of the images of a source; of image files as in `key`.

    Args:
        source: `Source`.

    Returns:
        Str of 64 hexadecimal digits (SHA-256).
    """
    digest = hashlib.sha256()
    _add_pictures(digest, source)
    return digest.hexdigest()


def weights_key(network):
    """Hash of the weights of a network whose configuration is unknown.

    Args:
        network: `keras.Model`, built.

    Returns:
        Str of 64 hexadecimal digits (SHA-256).
    """
    digest = hashlib.sha256()
    _add_weights(digest, network)
    return digest.hexdigest()


def read(folder, name, num_samples):
    """Reads features from the cache.

    Args:
        folder: str or path-like, folder of the cache, which need not exist.
        name: str, as returned by `key`.
        num_samples: int, number of samples N.

    Returns:
        Float32 array `[N, D]`, or None if there is no valid file.
    """
    try:
        features = np.load(_path(folder, name), allow_pickle=False)
    except (EOFError, OSError, ValueError):
        return None
    valid = features.ndim == 2 and len(features) == num_samples
    valid = valid and features.dtype == np.float32
    return features if valid and np.isfinite(features).all() else None


def write(folder, name, features):
    """Writes features to the cache, atomically.

    Args:
        folder: str or path-like, folder of the cache, created if necessary.
        name: str, as returned by `key`.
        features: float32 array `[N, D]`.
    """
    os.makedirs(folder, exist_ok=True)
    with files.replacing(_path(folder, name), "wb") as stream:
        np.save(stream, features)


def _path(folder, name):
    return os.path.join(os.fspath(folder), f"features-{name[:32]}.npy")


def _add_pictures(digest, source):
    count = source.num_samples
    if source.paths is not None or (
        count * math.prod(source.image_shape) > _MAX_BYTES
    ):
        count = min(_NUM_SAMPLED, count)
    rows = np.linspace(0, source.num_samples - 1, count).astype(np.int64)
    for start in range(0, count, _BATCH_SIZE):
        pixels = source.fetch(rows[start : start + _BATCH_SIZE])
        digest.update(np.ascontiguousarray(pixels).tobytes())
    root = getattr(source, "root", None)
    if source.paths is None or root is None or "://" in str(root):
        return
    # Sizes rather than times of modification, so that a copy of a folder has
    # the same key.
    sizes = [os.path.getsize(os.path.join(root, p)) for p in source.paths]
    digest.update(np.asarray(sizes, np.int64).tobytes())


def _add_network(digest, network):
    config = keras.saving.serialize_keras_object(network)
    names = {}
    _collect_names(config, names)
    config = _renamed(config, names)
    digest.update(json.dumps(config, sort_keys=True).encode("utf-8"))
    _add_weights(digest, network)


def _add_weights(digest, network):
    for weight in network.weights:
        value = np.ascontiguousarray(weight.numpy())
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())


def _collect_names(config, names):
    """Numbers the layers of a configuration in order of occurrence.

    Keras numbers layers in the order of their creation, so that equal networks
    have layers of different names.
    """
    if isinstance(config, dict):
        if config.get("class_name") in _NAMED_BY_KERAS:
            return
        if isinstance(config.get("name"), str):
            names.setdefault(config["name"], f"#{len(names)}")
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            _collect_names(value, names)


def _renamed(config, names, refers=False):
    """Replaces names of layers by their numbers, including references to them.

    Args:
        config: configuration, or a part of one, as serialised by
            `keras.saving.serialize_keras_object`.
        names: dict as filled by `_collect_names`.
        refers: bool, whether strings in this part are names of layers.
            Elsewhere a string may be an activation, such as `"relu"`, that
            equals a layer's name.

    Returns:
        The configuration with replaced names.
    """
    if isinstance(config, dict):
        if config.get("class_name") in _NAMED_BY_KERAS:
            return config
        return {
            key: _renamed(value, names, refers or key in _REFERENCES)
            for key, value in config.items()
            if key not in _LEFT_OUT
        }
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names, refers) for value in config]
    if refers and isinstance(config, str):
        return names.get(config, config)
    return config


def _add_path(digest, path):
    """Adds the bytes of a file or of all files in a folder."""
    names = [path]
    if os.path.isdir(path):
        names = sorted(
            os.path.join(folder, name)
            for folder, _, found in os.walk(path)
            for name in found
        )
    for name in names:
        digest.update(os.path.relpath(name, path).encode("utf-8") + b"\0")
        with open(name, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
