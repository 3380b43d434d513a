"""Data sets that TFDS has prepared or can prepare."""

import os
from typing import Any


def builder(name: str, data_dir: str | os.PathLike | None = None) -> Any:
    """Returns the builder of a prepared data set.

    A data set that is not prepared is downloaded by TFDS.

    Args:
        name: str, name of a data set of TFDS or of
            `noisy_keras.data.builders`, optionally with a configuration.
        data_dir: str, TFDS' data folder. Defaults to `~/tensorflow_datasets`.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        OSError: the data set does not exist and could not be prepared.
    """
    # Imported here because only these data sets need it.
    import tensorflow_datasets as tfds

    if data_dir is not None:
        data_dir = os.path.expanduser(data_dir)
    try:
        found = _find(tfds, name, data_dir)
        found.download_and_prepare()
    except Exception as error:  # TFDS passes on the errors of its downloader.
        reason = (str(error).strip().splitlines() or [""])[0]
        raise OSError(
            f"{name} is not prepared in {data_dir or '~/tensorflow_datasets'} "
            f"and could not be downloaded ({type(error).__name__}: {reason}). "
            "Pass the folder of a prepared copy as `data_dir`, or prepare one "
            f"with `tfds build {name}` where there is a network."
        ) from error
    return found


def _find(tfds, name, data_dir):
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        # Imported here because it takes seconds; registers our builders.
        from noisy_keras.data import builders

        if name.partition("/")[0] not in builders.BY_NAME:
            raise
        return tfds.builder(name, data_dir=data_dir)
