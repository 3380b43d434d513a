"""Where computed features are kept: files named by what made them."""

import hashlib
import json
import os

import keras
import numpy as np

from noisy_keras.core import files

# Pictures whose pixels are looked at: ids alone are the same in many sets.
_LOOKED_AT = 256

# Keras counts in names, and nodes are made of names.
_NAMES = {
    "build_config",
    "inbound_nodes",
    "input_layers",
    "module",
    "name",
    "output_layers",
}


def key(encoder, preprocessing, source, options):
    """What features depend on, as the name of a file.

    Args:
        encoder: a `keras.Model`, or the path of one.
        preprocessing: a Keras layer, or None.
        source: a `Source`, of which ids and 256 pictures count; labels do not.
        options: more that they depend on; JSON can hold it.

    Returns:
        SHA-256, 64 hexadecimal digits; None where it cannot be known.
    """
    digest = hashlib.sha256()
    if isinstance(encoder, str):
        _add_path(digest, encoder)
    elif isinstance(encoder, keras.Model):
        _add_network(digest, encoder)
    else:
        return None
    if isinstance(preprocessing, keras.layers.Layer):
        _add_network(digest, preprocessing)
    elif preprocessing is not None:
        return None
    for text in source.ids:
        digest.update(str(text).encode("utf-8") + b"\0")
    count = min(_LOOKED_AT, source.num_samples)
    seen = np.linspace(0, source.num_samples - 1, count).astype(np.int64)
    digest.update(np.ascontiguousarray(source.fetch(seen)).tobytes())
    augmentation = vars(source.augmentation)
    told = [options, source.image_shape, source.pixel_scale, augmentation]
    digest.update(json.dumps(told, sort_keys=True).encode("utf-8"))
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
    try:
        config = keras.saving.serialize_keras_object(network)
        config = json.dumps(_nameless(config), sort_keys=True, default=str)
    except (NotImplementedError, TypeError, ValueError):
        config = type(network).__name__  # Of a class without configuration.
    digest.update(config.encode("utf-8"))
    for weight in network.weights:
        value = np.ascontiguousarray(weight.numpy())
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())


def _nameless(config):
    if isinstance(config, dict):
        return {
            name: _nameless(value)
            for name, value in config.items()
            if name not in _NAMES
        }
    if isinstance(config, (list, tuple)):
        return [_nameless(value) for value in config]
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
