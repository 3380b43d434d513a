"""The backend of Keras, which is checked when this file is imported.

Nothing else of the package must be imported before it: Keras loads the library
of its backend, which need not be installed.
"""

import json
import os
import sys

NEEDED = "tensorflow"


def chosen() -> str:
    """The backend that Keras uses, or will use once it is imported.

    Returns:
        str, such as `"tensorflow"` or `"jax"`.
    """
    if "keras" in sys.modules:
        loaded = getattr(sys.modules["keras"], "backend", None)
        if loaded is not None:
            return str(loaded.backend())
    named = os.environ.get("KERAS_BACKEND")
    if named:
        return named
    home = os.environ.get("KERAS_HOME") or os.path.join(
        os.path.expanduser("~"), ".keras"
    )
    try:
        with open(os.path.join(home, "keras.json"), encoding="utf-8") as stream:
            return str(json.load(stream).get("backend", NEEDED))
    except (OSError, ValueError, AttributeError):
        return NEEDED


def require() -> None:
    """Raises unless Keras uses TensorFlow.

    Raises:
        ImportError: it does not.
    """
    found = chosen()
    if found != NEEDED:
        raise ImportError(
            "Expected Keras on TensorFlow, which noisy_keras is written for: "
            "set the environment variable KERAS_BACKEND=tensorflow, or "
            '"backend" in ~/.keras/keras.json, before Keras is imported. '
            f"Received: the backend {found!r}"
        )


require()
