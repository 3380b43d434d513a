"""Features from a file, for the samples of a run."""

import numpy as np

from noisy_keras import features
from noisy_keras.data import overlap
from noisy_keras.utils.errors import ConfigurationError
from trainers import UsageError


def rows(path, sources):
    """Features of the training and of the trusted samples.

    Args:
        path: str, path of an `.npy` file with a row for each sample of the
            training split as it was loaded, in its order, before any was held
            out.
        sources: `data.Sources`.

    Returns:
        A pair of float32 arrays, `[N, D]` and `[V, D]`.

    Raises:
        UsageError: no such array, another number of rows, trusted samples
            that are not of the training split, or foreign pictures in it.
    """
    if sources.train.foreign is not None and sources.train.foreign.any():
        raise UsageError(
            "--features: expected an encoder where some training samples show "
            "other pictures than a file of features was made of; got "
            f"{sources.train.foreign.sum()} of them and {path}"
        )
    place = {key: row for row, key in enumerate(sources.keys)}
    try:
        found = features.load(path, len(place))
    except (ConfigurationError, OSError) as error:
        raise UsageError(
            f"--features: {error}. Rows are those of the whole training split "
            "in its order, with the samples that are trusted or held out. A "
            "validation split of the data set's own is not part of it; where "
            "it is cut from training (CIFAR), --validation=0 leaves it in"
        ) from error
    # Two folders may have pictures of the same name.
    keys = [overlap.keys(s) for s in (sources.train, sources.trusted)]
    other = [key for key in keys[1] if key not in place]
    if other:
        raise UsageError(
            "--features: expected an encoder, because trusted samples that are "
            f"not of the training split ({other[0]!r}) have no row in "
            f"{path}; got an .npy file"
        )
    return tuple(
        found[np.asarray([place[key] for key in each])] for each in keys
    )
