"""Networks of other libraries and from files, as `--network` and `--weights`.

It is loaded where one of these is given; it loads no TensorFlow.
"""

import json
import os
import zipfile

from trainers import UsageError

#: Words before the colon of networks of other libraries.
PROVIDERS = ("keras", "keras_hub", "keras_cv", "saved_model")
#: Values of `--weights` beside files.
WEIGHTS = ("imagenet", "none")

_ENDINGS = (".weights.h5", ".h5")
# As in `noisy_keras.networks.providers`, which a test compares. Names of
# `keras.applications` whose images of ImageNet did not have 224 pixels.
_SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2L": 480,
    "EfficientNetV2M": 480,
    "EfficientNetV2S": 384,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}


def network(name, flag="network"):
    """The value of `--network`, checked.

        Args:
            name: str, such as `tiny`, `keras:EfficientNetV2B0` or `FILE.keras`.
    <<<<<<< HEAD
            flag: str, name of the flag that has it.
    =======
            flag: str, name of the flag, where it is another one.

        Returns:
            str, with the absolute path of a file or folder.

        Raises:
            UsageError: a provider without a name, or a file that is not there.
    """
    provider, colon, rest = name.partition(":")
    if colon and provider in PROVIDERS:
        if not rest:
            raise UsageError(
                f"--{flag}: expected a name behind {provider}:; got {name!r}"
            )
        if provider == "saved_model":
            return f"{provider}:{_there(flag, rest, 'saved_model.pb')}"
        if provider == "keras_hub" and os.path.isdir(os.path.expanduser(rest)):
            return f"{provider}:{_there(flag, rest)}"
        return name
    return _there(flag, name) if name.endswith(".keras") else name


def mask_network(name):
    """The value of SANM's `--mask_network`, checked.

    Args:
        name: str.

    Returns:
        str, with the absolute path of a file.

    Raises:
        UsageError: a network whose classifier is not trained, or a file that is
            not there.
    """
    trained = name == "efficientnet_lite0" or name.endswith(".keras")
    if not trained and not name.startswith("keras:"):
        raise UsageError(
            "--mask_network: expected a network with a trained classifier: "
            f"efficientnet_lite0, keras:NAME or FILE.keras; got {name!r}"
        )
    return network(name, "mask_network")


def weights(value):
    """The value of `--weights`, checked.

    Args:
        value: str, or None.

    Returns:
        str, with the absolute path of a file; or None.

    Raises:
        UsageError: another word, or a file that is not there.
    """
    if value is None or value in WEIGHTS:
        return value
    if not value.endswith(_ENDINGS):
        raise UsageError(
            "--weights: expected imagenet, none or a FILE.weights.h5; "
            f"got {value!r}"
        )
    return _there("weights", value)


def image_size(name):
    """The size of the images that a network was trained on.

    Args:
        name: str, value of `--network`, checked.

    Returns:
        int, side of a square in pixels; None for the networks of this package,
        which are trained from random weights.
    """
    provider, colon, rest = name.partition(":")
    if name.endswith(".keras"):
        return _of_file(name)
    if name == "efficientnet_lite0":
        return 224
    if not colon or provider not in PROVIDERS:
        return None
    return _SIZES.get(rest, 224) if provider == "keras" else 224


def _there(flag, path, inside=""):
    full = os.path.abspath(os.path.expanduser(path))
    wanted = os.path.join(full, inside) if inside else full
    if not os.path.exists(wanted):
        what = f"a folder with {inside}" if inside else "a file that is there"
        raise UsageError(f"--{flag}: expected {what}; got {path!r}")
    return full


def _of_file(path):
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return 224  # What is wrong with it is said when it is loaded.
    for shape in _values(config, "batch_shape"):
        if isinstance(shape, list) and len(shape) == 4 and shape[1]:
            return shape[1] if shape[1] == shape[2] else None
    return 224


def _values(config, key):
    """All values of a key, in depth."""
    if isinstance(config, dict):
        if key in config:
            yield config[key]
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _values(value, key)
