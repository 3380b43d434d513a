"""Sources whose images are replaced by the features of a frozen encoder.

Each image is read and encoded once. Training on the features then costs next to
nothing, and the model that comes out is joined with the encoder, so that it
takes images: see `noisy_keras.features.joining`.
"""

import os

from noisy_keras.data.io import feature_tables
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.features import writing
from noisy_keras.utils.errors import ConfigurationError

# What sources know of each sample beside the labels.
_KEPT = ("soft_labels", "foreign", "texts", "sample_weights")


class EncodedSource(FeatureSource):
    """The samples of a source of images, as vectors of features.

    Args:
        images: `Source` of N samples.
        features: array `[N, D]` of finite numbers.

    Attributes:
        images: the `Source` of the images.
    """

    def __init__(self, images, features):
        super().__init__(
            features,
            images.labels,
            images.class_names,
            true_labels=images.true_labels,
            ids=images.ids,
            paths=images.paths,
            noise=images.noise,
            name=images.name,
        )
        for name in (*_KEPT, "look_alikes", "reading"):
            setattr(self, name, getattr(images, name))
        self.images = images

    @property
    def unreadable_samples(self):
        """Bool `[N]`, samples whose image could not be read, or None."""
        return getattr(self.images, "unreadable_samples", None)

    def _select(self, index):
        super()._select(index)
        self.images = self.images.subset(index)


def encoded(
    sources,
    encoder,
    path,
    *,
    batch_size=64,
    part_size=writing.PART_SIZE,
    report=None,
):
    """Replaces images by the features of a frozen encoder.

    The features are written into a file, in 16 bits, and mapped from there into
    memory. If the file is there already, it is used. If the process is stopped,
    the same call goes on where it was.

    Args:
        sources: dict from `"train"`, `"validation"`, `"test"` or `"trusted"` to
            a `Source` of images of the same classes, or to None.
        encoder: as of `nk.features.compute`, except files of features.
        path: str or path-like, an `.npz` file; its folder must exist.
        batch_size: int, number of images in memory.
        part_size: int, number of samples after which what is done is kept.
        report: function of the numbers of samples that are done and of all,
            called after each part; or None.

    Returns:
        A dict from the same names to `EncodedSource`s, or to None.

    Raises:
        ConfigurationError: the encoder does not fit the sources, or the file
            has other features than those.
        OSError: the file cannot be written.

    Example:
        >>> source = nk.data.load("digits", split="test")
        >>> encoder = nk.networks.build("tiny", source)
        >>> found = encoded({"test": source}, encoder, "features.npz")
        >>> found["test"]
        <EncodedSource 'digits (test)': 270 vectors (64,), 10 classes>
    """
    path = os.path.abspath(os.fspath(path))
    given = {name: s for name, s in sources.items() if s is not None}
    if not os.path.exists(path):
        writing.write(
            given,
            encoder,
            path,
            batch_size=batch_size,
            part_size=part_size,
            report=report,
        )
    elif not writing.is_made_of(path, given, encoder):
        raise ConfigurationError(
            f"Expected the features of these samples by this encoder in {path}."
            " Received: a file of others; remove it, and they are made anew"
        )
    table = feature_tables.read(path, labels_needed=False)
    found, first = dict.fromkeys(sources), 0
    for name, source in given.items():
        rows = table.arrays["features"][first : first + len(source)]
        found[name] = EncodedSource(source, rows)
        first += len(source)
    return found
