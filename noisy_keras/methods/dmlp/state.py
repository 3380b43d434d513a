"""The state of a purification as a file."""

import json
import os
import zipfile

import numpy as np

from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError

_NAME = "purification.npz"


class OtherDataError(ConfigurationError):
    """A state of other labels or features, but of the same settings."""


class State:
    """Nested arrays in a folder, written whole or not at all.

    Args:
        directory: str or path, made if need be.
        config: dict that JSON can hold, all that the state depends on.
    """

    def __init__(self, directory, config):
        self.path = os.path.join(os.fspath(directory), _NAME)
        self._config = json.loads(json.dumps(config))
        os.makedirs(directory, exist_ok=True)

    def write(self, facts, arrays):
        """Writes the state, which replaces the one before.

        Args:
            facts: dict that JSON can hold.
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
            The arguments of `write`, a pair; None where there is none.

        Raises:
            ConfigurationError: the state of another configuration, or a file
                that is none.
        """
        if not os.path.exists(self.path):
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                config = json.loads(str(stored["config"]))
                facts = json.loads(str(stored["told"]))
                arrays = {}
                for key in stored.files:
                    group, _, name = key.partition(".")
                    if name:
                        arrays.setdefault(group, {})[name] = stored[key]
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigurationError(
                f"Expected the state of a purification in {self.path}. "
                f"Received: a file that cannot be read ({error}); delete it to "
                "start again."
            ) from error
        self._check(config)
        return facts, arrays

    def _check(self, before):
        if before == self._config:
            return
        now, then = self._config["settings"], before.get("settings", {})
        different = [
            f"{key} was {then.get(key)!r}, now {now.get(key)!r}"
            for key in sorted(set(now) | set(then))
            if now.get(key) != then.get(key)
        ]
        named = "; ".join(different[:4]) or "other labels or features"
        kind = ConfigurationError if different else OtherDataError
        raise kind(
            f"Expected a purification of the same settings and data in "
            f"{self.path}. Received: {named}. Choose another folder, or resume "
            "with the settings and data that it was started with."
        )
