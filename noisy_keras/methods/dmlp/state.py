"""Saving and restoring the state of a purification."""

import json
import os
import zipfile

import numpy as np

from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError

_NAME = "purification.npz"


class OtherDataError(ConfigurationError):
    """A saved state has the same settings, but other labels or features."""


class State:
    """The state of a purification in a folder, replaced atomically.

    Args:
        directory: str or path, folder of the state; it is created if missing.
        config: dict that JSON can hold, everything that the state depends on.
    """

    def __init__(self, directory, config):
        self.path = os.path.join(os.fspath(directory), _NAME)
        self._config = json.loads(json.dumps(config))
        os.makedirs(directory, exist_ok=True)

    def write(self, facts, arrays):
        """Writes the state and replaces the previous one.

        Args:
            facts: dict that JSON can hold: epoch, history and the like.
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
                told=json.dumps(facts),
                **flat,
            )

    def read(self):
        """Reads the state that was written last.

        Returns:
            A pair of the arguments that were passed to `write`, or None if
            nothing has been written.

        Raises:
            ValueError: If the state belongs to another configuration, or the
                file cannot be read.
        """
        if not os.path.exists(self.path):
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                config = json.loads(str(stored["config"]))
                values = json.loads(str(stored["told"]))
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
        return values, arrays

    def _check(self, before):
        if before == self._config:
            return
        now, then = self._config["settings"], before.get("settings", {})
        different = [
            f"{key} was {then.get(key)!r}, now {now.get(key)!r}"
            for key in sorted(set(now) | set(then))
            if now.get(key) != then.get(key)
        ]
        received = "; ".join(different[:4]) or "other labels or features"
        kind = ValueError if different else OtherDataError
        raise kind(
            f"Expected a purification of these very settings and data in "
            f"{self.path}. Received: {received}. Name another folder, or go on "
            "with what it was begun with."
        )
