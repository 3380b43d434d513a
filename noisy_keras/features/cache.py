"""Where computed features are kept: files named by what made them."""

import hashlib
import json
import math
import os

import keras
import numpy as np

from noisy_keras.utils import files
from noisy_keras.version import __version__

# Pixels are looked at, for ids alone are the same in many sets: those of all
# pictures that need no decoding, up to so many bytes, and of a few of others.
_MOST_BYTES = 2**31
_FEW = 256
_AT_ONCE = 1024

# Also say what was done with a network, which its weights tell.
_LEFT_OUT = {"build_config", "compile_config"}

# Where a configuration names layers.
_REFERENCES = {"name", "keras_history", "input_layers", "output_layers"}

# Whose name is no layer's.
_NAMED_BY_KERAS = {"DTypePolicy", "FloatDTypePolicy"}


def key(encoder, preprocessing, source, options):
    """What features depend on, as the name of a file.

    Args:
        encoder: a `keras.Model`, or the path of one.
        preprocessing: a Keras layer, or None.
        source: a `Source`, of which ids and pictures count; labels do not. Of
            files it is their sizes, and the pixels of 256.
        options: more that they depend on; JSON can hold it.

    Returns:
        SHA-256, 64 hexadecimal digits; None where it cannot be known: of a
        function, or of a layer that cannot be serialised.
    """
    digest = hashlib.sha256()
    if isinstance(encoder, str):
        _add_path(digest, encoder)
    for network in (encoder, preprocessing):
        if isinstance(network, keras.layers.Layer):
            try:
                _add_network(digest, network)
            except (NotImplementedError, TypeError, ValueError):
                return None  # It does not say how it was made.
        elif network is not None and not isinstance(network, str):
            return None
    for text in source.ids:
        digest.update(str(text).encode("utf-8") + b"\0")
    _add_pictures(digest, source)
    told = [
        options,
        source.image_shape,
        source.pixel_scale,
        vars(source.augmentation),
        __version__,
    ]
    digest.update(json.dumps(told, sort_keys=True).encode("utf-8"))
    return digest.hexdigest()


def pictures_key(source):
    """A hash of a source's pictures; of files as in `key`.

    Args:
        source: a `Source`.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    _add_pictures(digest, source)
    return digest.hexdigest()


def weights_key(network):
    """A hash of a network's weights, where its configuration is not known.

    Args:
        network: a `keras.Model`, built.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    _add_weights(digest, network)
    return digest.hexdigest()


def read(folder, name, num_samples):
    """Features that were kept, or None.

    Args:
        folder: of the cache, which need not exist.
        name: of `key`.
        num_samples: N.

    Returns:
        float32 `[N, D]`; None where there are none, or they are broken.
    """
    try:
        features = np.load(_path(folder, name), allow_pickle=False)
    except (EOFError, OSError, ValueError):
        return None
    whole = features.ndim == 2 and len(features) == num_samples
    whole = whole and features.dtype == np.float32
    return features if whole and np.isfinite(features).all() else None


def write(folder, name, features):
    """Keeps features under the name that `key` gave, whole or not at all."""
    os.makedirs(folder, exist_ok=True)
    with files.replacing(_path(folder, name), "wb") as stream:
        np.save(stream, features)


def _path(folder, name):
    return os.path.join(os.fspath(folder), f"features-{name[:32]}.npy")


def _add_pictures(digest, source):
    count = source.num_samples
    if source.paths is not None or (
        count * math.prod(source.image_shape) > _MOST_BYTES
    ):
        count = min(_FEW, count)
    rows = np.linspace(0, source.num_samples - 1, count).astype(np.int64)
    for start in range(0, count, _AT_ONCE):
        pixels = source.fetch(rows[start : start + _AT_ONCE])
        digest.update(np.ascontiguousarray(pixels).tobytes())
    root = getattr(source, "root", None)
    if source.paths is None or root is None or "://" in str(root):
        return
    # Not when they were changed: a copy of a folder is the same pictures.
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
    """Numbers the names of layers, in which Keras counts, as they come."""
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
    """A configuration by those numbers, nodes between layers included.

    Args:
        config: what `keras.saving.serialize_keras_object` makes, or a part.
        names: of `_collect_names`.
        refers: whether strings of this part are names of layers; else they
            may be an activation, `"relu"`, as some layer is called.
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
    """The bytes of a file, or of all files in a folder."""
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
