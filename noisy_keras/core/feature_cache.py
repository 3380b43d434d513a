"""Where computed features are kept: files named by what made them."""

import hashlib
import json
import os

import keras
import numpy as np

from noisy_keras.core import files
from noisy_keras.version import __version__

# Pictures whose pixels are looked at: ids alone are the same in many sets.
_LOOKED_AT = 256

# Also say what was done with a network, which its weights tell.
_LEFT_OUT = {"build_config", "compile_config"}


def key(encoder, preprocessing, source, options):
    """What features depend on, as the name of a file.

    Args:
        encoder: a `keras.Model`, or the path of one.
        preprocessing: a Keras layer, or None.
        source: a `Source`, of which ids and 256 pictures count; labels do not.
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
    count = min(_LOOKED_AT, source.num_samples)
    seen = np.linspace(0, source.num_samples - 1, count).astype(np.int64)
    digest.update(np.ascontiguousarray(source.fetch(seen)).tobytes())
    told = [
        options,
        source.image_shape,
        source.pixel_scale,
        vars(source.augmentation),
        __version__,
    ]
    digest.update(json.dumps(told, sort_keys=True).encode("utf-8"))
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
        if isinstance(config.get("name"), str):
            names.setdefault(config["name"], f"#{len(names)}")
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            _collect_names(value, names)


def _renamed(config, names):
    """A configuration by those numbers, nodes between layers included."""
    if isinstance(config, dict):
        return {
            key: _renamed(value, names)
            for key, value in config.items()
            if key not in _LEFT_OUT
        }
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


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
