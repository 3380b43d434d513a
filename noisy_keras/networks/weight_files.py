"""Weights from files that Keras has written, checked before they are read."""

import os
import tempfile

import h5py

from noisy_keras.networks import copies
from noisy_keras.utils.errors import ConfigurationError

_ENDINGS = (".weights.h5", ".h5")


def is_file(weights):
    """Whether `weights` is the path of a file of weights: bool."""
    return os.fspath(weights).endswith(_ENDINGS)


def load(path, make, num_classes):
    """A network with the weights of a file.

    Args:
        path: str, file of `save_weights` of a network, maybe with another
            number of classes, or of its backbone; of `keras.applications`, also
            an `.h5` file as Keras provides it.
        make: function of a number of classes to a pair of `keras.Model`, the
            network and its backbone, or None if it is not a model of its own.
        num_classes: int, number of classes K.

    Returns:
        The network. It has a new classifier if the file has none for as many
        classes.

    Raises:
        ConfigurationError: the file cannot be read, or has weights of another
            structure.
    """
    found = _shapes_in(path)
    network, backbone = make(num_classes)
    own = _shapes_of(network)
    if found == own:
        network.load_weights(path)
        return network
    others = [key for key in own if own[key] != found.get(key)]
    classes = {shape[-1:] for shape in map(found.get, others) if shape}
    if set(found) == set(own) and len(others) <= 2 and len(classes) == 1:
        [(count,)] = classes
        trained, _ = make(count)
        if _shapes_of(trained) == found:
            trained.load_weights(path)
            return copies.warm_started(trained, num_classes)
    if backbone is not None and backbone is not network:
        legacy = not path.endswith(_ENDINGS[0])
        if legacy or _shapes_of(backbone) == found:
            try:
                backbone.load_weights(path)
            except ValueError as error:
                raise _other(path, found, network, own) from error
            return network
    raise _other(path, found, network, own)


def _other(path, found, network, own):
    """The error about weights of another structure."""
    for key in [*own, *found]:
        if own.get(key) != found.get(key):
            break
    return ConfigurationError(
        f"Expected the weights of {network.name}: {len(own)} arrays of "
        f"{_count(own):,} numbers, {key} of shape {own.get(key)}. Received: "
        f"those of another network in {path}: {len(found)} arrays of "
        f"{_count(found):,} numbers, {key} of shape {found.get(key)}"
    )


def _count(shapes):
    total = 0
    for shape in shapes.values():
        size = 1
        for side in shape:
            size *= side
        total += size
    return total


def _shapes_of(network):
    """The shapes of a network's weights under their paths in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "own.weights.h5")
        network.save_weights(path)
        return _shapes_in(path)


def _shapes_in(path):
    """The shapes of all arrays in a file, by path: dict."""
    shapes = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            shapes[name] = tuple(item.shape)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(note)
    except OSError as error:
        state = "damaged" if os.path.exists(path) else "missing"
        raise ConfigurationError(
            f"Expected a file of weights that Keras has written, {path}. "
            f"Received: a {state} one ({error})"
        ) from error
    return shapes
