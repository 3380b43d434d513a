"""The sources of a run: training, validation, test."""

import noisy_keras as nk
from trainers.settings import UsageError

# CIFAR: pictures that make a validation split when none is asked for.
_HELD_OUT = 5000


def sources(data, data_dir):
    """Loads what a run trains on and is judged on.

    Noise goes into training labels only. Validation and test labels are as
    published.

    Args:
        data: the `data` part of `Settings`.
        data_dir: TFDS folder, or None.

    Returns:
        training `Source`, validation `Source` or None, test `Source`.

    Raises:
        UsageError: a validation share where the data set has its own split.
    """
    name = data["dataset"]
    options = {"data_dir": data_dir, "image_size": data["image_size"]}
    share = data["validation"]
    validation = None
    if name == "digits":
        if share:
            raise UsageError(
                "--validation: digits has a validation split of its own; leave "
                "the flag out, or give 0 to go without."
            )
        train = nk.data.load(name, "train", **options)
        if share is None:
            validation = nk.data.load(name, "validation", **options)
    elif share is None:
        train = nk.data.load(name, "fit", **options)
        validation = nk.data.load(name, "validation", **options)
    else:
        train = nk.data.load(name, "train", **options)
        if share:
            train, validation = train.hold_out(share)
    most = data["max_train_samples"]
    if most is not None and most < train.num_samples:
        train = train.subset(range(most))
    return (
        train.with_noise(_noise(name, data)),
        validation,
        nk.data.load(name, "test", **options),
    )


def _noise(dataset, data):
    if data["noise_type"] == "none":
        return None
    options = {}
    if data["noise_type"] == "asymmetric" and dataset == "digits":
        options["mapping"] = "digits"
    make = nk.data.noise.BY_NAME[data["noise_type"]]
    return make(
        data["noise_rate"],
        seed=data["noise_seed"],
        convention=data["noise_convention"],
        **options,
    )
