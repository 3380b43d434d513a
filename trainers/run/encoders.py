"""The sources and the encoder of which features are made."""

import os

import keras

from noisy_keras import features
from noisy_keras import networks
from noisy_keras.data.sources import origin
from noisy_keras.features import encoder_files
from noisy_keras.networks import copies
from noisy_keras.networks import providers
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.flags import networks as network_flags


def prepare(values, splits=None):
    """Loads images and the encoder of their features.

    Args:
        values: dict of all flags by name; None where left out.
        splits: as of `sources`.

    Returns:
        A dict from split to `Source`, the encoder, and what it is in words.

    Raises:
        UsageError: features of features, or an encoder that cannot be had.
    """
    dataset = values["dataset"]
    if data_flags.split_name(dataset)[0] == "features":
        raise UsageError(
            f"--dataset: expected images; got {dataset}, which are features "
            "already"
        )
    name = network_flags.network(values["network"])
    weights = network_flags.weights(values["weights"])
    encoder, size = None, values["image_size"]
    if weights is None and features.is_path(name) and _exists(name):
        encoder = encoder_files.load(os.path.expanduser(name))
        size = size or _size_of(encoder)
    elif name not in networks.NAMES and providers.split_name(name)[0] is None:
        raise UsageError(
            "--network: expected a .keras file or a folder that exists, "
            "PROVIDER:NAME, or one of "
            f"{', '.join(networks.NAMES)}; got {name!r}"
        )
    if data_flags.split_name(dataset)[0] in ("csv", "folder"):
        size = size or network_flags.image_size(name)
    found = sources(values, size, splits)
    if encoder is not None:
        return found, encoder, name
    keras.utils.set_random_seed(values["seed"])
    first = next(iter(found.values()))
    encoder = networks.build(
        name, first, width=values["width"], weights=weights or "auto"
    )
    if copies.is_drawn(encoder):
        return (
            found,
            encoder,
            f"{name} with random weights, which know nothing",
        )
    return found, encoder, f"{name}, weights: {weights or 'of its provider'}"


def _exists(path):
    return os.path.exists(os.path.expanduser(path))


def _size_of(encoder):
    shape = getattr(encoder, "input_shape", None)
    return shape[1] if isinstance(shape, tuple) and len(shape) == 4 else None


def sources(values, size=None, splits=None):
    """Loads the data set of a command that trains nothing.

    Args:
        values: dict of all flags by name; None where left out.
        size: int, side of the images in pixels; None for the usual one.
        splits: list of str, the splits to load; None for all that there are.

    Returns:
        A dict from split to `Source`.

    Raises:
        UsageError: there is no such split.
    """
    dataset = values["dataset"]
    reading = data_flags.reading(dataset, values)
    if reading["folder_layout"] is not None:
        reading["layout"] = reading["folder_layout"]
    del reading["folder_layout"]
    found = origin.find(dataset, values["data_dir"], **reading)
    options = {}
    if values["max_unreadable"] is not None:
        options["max_unreadable"] = values["max_unreadable"]
    known = ["train", *sorted(found.splits & {"validation", "test"})]
    if found.fit != "train" and "validation" in known:
        known.remove("validation")  # It is a part of training.
    for split in splits or ():
        if split not in known:
            raise UsageError(
                f"--split: expected a split of {dataset}, one of "
                f"{', '.join(known)}; got {split}"
            )
    loaded = {
        split: found.load(split, image_size=size, **options)
        for split in splits or known
    }
    most = values["max_train_samples"]
    if "train" in loaded and most is not None and most < len(loaded["train"]):
        loaded["train"] = loaded["train"].hold_out(most)[1]
    return loaded
