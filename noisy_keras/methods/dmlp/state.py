"""The state of a purification as a file."""

import json
import os
import zipfile

import numpy as np

from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError

_NAME = "purification.npz"


class OtherDataError(ConfigurationError):
    """A state of other labels or features, and the same settings."""


class State:
    """Nested arrays in a folder, written whole or not at all.

    Args:
        directory: made if need be.
        config: dict that JSON can hold: all that the state depends on.
    """

    def __init__(self, directory, config):
        self.path = os.path.join(os.fspath(directory), _NAME)
        self._config = json.loads(json.dumps(config))
        os.makedirs(directory, exist_ok=True)

    def write(self, told, arrays):
        """Takes the place of what was written before.

        Args:
            told: dict that JSON can hold.
            arrays: dict of dicts of arrays.
        """
        flat = {
            f"{group}.{name}": array
            for group, named in arrays.items()
            for name, array in named.items()
        }
        with files.replacing(self.path, "wb") as stream:
            np.savez(
                stream,
                config=json.dumps(self._config),
                told=json.dumps(told),
                **flat,
            )

    def read(self):
        """What was written last.

        Returns:
            As given to `write`; None where nothing was.

        Raises:
            ValueError: the state of another configuration, or no state.
        """
        if not os.path.exists(self.path):
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                config = json.loads(str(stored["config"]))
                told = json.loads(str(stored["told"]))
                arrays = {}
                for key in stored.files:
                    group, _, name = key.partition(".")
                    if name:
                        arrays.setdefault(group, {})[name] = stored[key]
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigurationError(
                f"Expected the state of a purification in {self.path}. "
                f"Received: a file that cannot be read ({error}); delete it to "
                "begin anew."
            ) from error
        self._check(config)
        return told, arrays

    def _check(self, before):
        if before == self._config:
            return
        now, then = self._config["settings"], before.get("settings", {})
        different = [
            f"{key} was {then.get(key)!r}, now {now.get(key)!r}"
            for key in sorted(set(now) | set(then))
            if now.get(key) != then.get(key)
        ]
        told = "; ".join(different[:4]) or "other labels or features"
        kind = ValueError if different else OtherDataError
        raise kind(
            f"Expected a purification of these very settings and data in "
            f"{self.path}. Received: {told}. Name another folder, or go on "
            "with what it was begun with."
        )
