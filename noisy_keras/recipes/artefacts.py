"""Results of a recipe's phases that later phases start from, as files."""

import json
import os
import zipfile

import numpy as np

from noisy_keras.utils import files
from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError

_CONFIG = "recipe.json"


class ArtefactError(ConfigurationError):
    """A folder of artefacts that a recipe cannot resume from."""


class PhaseError(ConfigurationError):
    """A phase that cannot work with its data."""


class Artefacts:
    """Named sets of arrays, in a folder or in memory.

    A file is written whole or not at all, so a file that exists is complete.

    Args:
        directory: str or path, folder that is made if need be; None keeps
            everything in memory.
        config: dict that JSON can hold, all that the artefacts depend on.
        names: strings, the names of all artefacts in the order in which they
            are made.

    Raises:
        ArtefactError: the folder holds artefacts of another configuration, or
            lacks one that later ones were made from.
    """

    def __init__(self, directory, config, names):
        self.directory = None if directory is None else os.fspath(directory)
        self.names = tuple(names)
        self._kept = {}
        if self.directory is None:
            return
        os.makedirs(self.directory, exist_ok=True)
        # Views and losses of a user's own are held by their configuration.
        text = json.dumps(config, default=serialization.identity)
        self._check_config(json.loads(text))
        there = [self.has(name) for name in self.names]
        if False in there and True in there[there.index(False) :]:
            missing = there.index(False)
            later = missing + there[missing:].index(True)
            raise ArtefactError(
                f"Expected {self._path(self.names[missing])}, from which "
                f"{self.names[later]}.npz beside it was made. Received: no "
                "such file; bring it back, or delete those of the later "
                f"phases, {', '.join(self.names[missing + 1 :])}, to make them "
                "again."
            )

    def has(self, name):
        """Whether an artefact exists.

        Args:
            name: str.
        """
        if self.directory is None:
            return name in self._kept
        return os.path.exists(self._path(name))

    def save(self, name, **arrays):
        """Stores arrays under a name.

        Args:
            name: str.
            **arrays: arrays, scalars or strings by name.
        """
        if self.directory is None:
            self._kept[name] = arrays
            return
        with files.replacing(self._path(name), "wb") as stream:
            np.savez(stream, **arrays)

    def load(self, name):
        """The arrays of an artefact.

        Args:
            name: str.

        Returns:
            dict of arrays by name.

        Raises:
            ArtefactError: a file that is no artefact.
        """
        if self.directory is None:
            return self._kept[name]
        path = self._path(name)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
            raise ArtefactError(
                f"Expected the arrays of a finished phase in {path}. Received: "
                f"a file that cannot be read ({error}); delete it and those of "
                "later phases to make them again."
            ) from error

    def _path(self, name):
        return os.path.join(self.directory, f"{name}.npz")

    def _check_config(self, config):
        path = os.path.join(self.directory, _CONFIG)
        if not os.path.exists(path):
            with files.replacing(path) as stream:
                json.dump(config, stream, indent=1)
                stream.write("\n")
            return
        with open(path, encoding="utf-8") as stream:
            try:
                before = json.load(stream)
            except ValueError as error:
                raise ArtefactError(
                    f"Expected the configuration of a recipe in {path}. "
                    f"Received: a file that cannot be read ({error}); delete "
                    f"{self.directory} to start again."
                ) from error
        differences = [
            f"{key} was {before.get(key)!r}, now {config.get(key)!r}"
            for key in sorted(set(before) | set(config))
            if _without_modules(before.get(key))
            != _without_modules(config.get(key))
        ]
        if differences:
            raise ArtefactError(
                f"Expected phases of the same configuration in "
                f"{self.directory}. Received: {'; '.join(differences[:4])}. "
                "Choose another folder, or resume with the arguments that they "
                "were made with."
            )


def weights(network):
    """A network's weights as arrays by name.

    Args:
        network: `keras.Model`.

    Returns:
        dict of arrays.
    """
    return {f"weight_{i:04d}": w for i, w in enumerate(network.get_weights())}


def set_weights(network, arrays):
    """Sets a network's weights from the arrays of `weights`.

    Args:
        network: `keras.Model`.
        arrays: dict of arrays; others than weights are ignored.
    """
    names = sorted(name for name in arrays if name.startswith("weight_"))
    network.set_weights([arrays[name] for name in names])


def _without_modules(config):
    """A configuration without the modules that classes are defined in.

    Keras serialises them, but a class keeps its registered name when its
    module moves.
    """
    if isinstance(config, dict):
        return {
            key: _without_modules(value)
            for key, value in config.items()
            if key != "module"
        }
    if isinstance(config, list):
        return [_without_modules(value) for value in config]
    return config
