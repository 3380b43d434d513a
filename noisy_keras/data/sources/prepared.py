"""Data sets that TFDS has prepared, or can prepare."""

import os


def builder(name, data_dir=None):
    """The builder of a data set that is prepared.

    Args:
        name: of a data set of TFDS or of `noisy_keras.data.builders`, maybe
            with a configuration. What is not prepared is downloaded by TFDS.
        data_dir: TFDS folder; None is `~/tensorflow_datasets`.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        OSError: it is not there and could not be prepared.
    """
    # Imported here: only these data sets need it.
    import tensorflow_datasets as tfds

    if data_dir is not None:
        data_dir = os.path.expanduser(data_dir)
    try:
        found = _find(tfds, name, data_dir)
        found.download_and_prepare()
    except Exception as error:  # TFDS raises whatever its downloader does.
        told = (str(error).strip().splitlines() or [""])[0]
        raise OSError(
            f"{name} is not prepared in {data_dir or '~/tensorflow_datasets'} "
            f"and could not be downloaded ({type(error).__name__}: {told}). "
            "Pass the folder of a prepared copy as `data_dir`, or prepare one "
            f"with `tfds build {name}` where there is a network."
        ) from error
    return found


def _find(tfds, name, data_dir):
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        # Imported here: it takes seconds. Importing makes our names known.
        from noisy_keras.data import builders

        if name.partition("/")[0] not in builders.BY_NAME:
            raise
        return tfds.builder(name, data_dir=data_dir)
