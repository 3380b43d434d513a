"""The base class of TFDS builders of data sets with noisy labels."""

import os
import warnings
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from noisy_keras.utils.errors import ConfigurationError


class NoisyLabelsBuilder(  # type: ignore[call-arg]
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """A TFDS builder that reports problems with a user's files at the start.

    The features of every data set are

    - `image`: the image;
    - `id`: names the sample, the same on every machine;
    - `label`: the given label, on which a training split is trained;
    - `clean_label`: the true label, or -1 where it is unknown.

    `builder.info.metadata` holds what the builder found in the files, such as
    the counts of `_note_labels`.

    Args:
        strict_counts: bool, whether a split that does not have the published
            number of samples raises an error. Otherwise it causes a warning.
            With `tfds.load`, pass `builder_kwargs={"strict_counts": True}`.
        **options: options of TFDS' builders: `data_dir`, `config`, `version`.

    Attributes:
        HOMEPAGE: str, address of the authors' page.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    HOMEPAGE = ""

    def __init__(self, *, strict_counts: bool = False, **options: Any) -> None:
        self.strict_counts = strict_counts
        super().__init__(**options)

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self._features()),
            # An (image, label) pair would hide which of the labels it holds.
            supervised_keys=None,
            homepage=self.HOMEPAGE,
            metadata=tfds.core.MetadataDict(),
        )

    def _features(self):
        """Returns the features, a dict from name to TFDS feature."""
        raise NotImplementedError

    def _own_folder(self, manual_dir):
        """Returns `manual_dir`, or the folder of the data set's name in it."""
        # All data sets share TFDS' default folder.
        own = os.path.join(manual_dir, self.name)
        return own if os.path.isdir(own) else os.fspath(manual_dir)

    def _check_counts(self, counts, published):
        """Compares numbers of samples with the published ones.

        Args:
            counts: dict from split to int, the numbers of samples found.
            published: dict from split to int, the published numbers. Splits
                without one are not checked.

        Raises:
            ValueError: the numbers differ and `strict_counts` is set.

        Warns:
            UserWarning: the numbers differ and `strict_counts` is not set.
        """
        wrong = [
            f"{counts[split]:,} instead of {count:,} in {split!r}"
            for split, count in published.items()
            if split in counts and counts[split] != count
        ]
        if not wrong:
            return
        text = (
            f"Expected the published number of samples of {self.name}. "
            f"Received: {', '.join(wrong)}."
        )
        if self.strict_counts:
            raise ConfigurationError(
                f"{text} Unpack the archives again, or leave out "
                "`strict_counts`."
            )
        warnings.warn(text, stacklevel=2)

    def _note_labels(self, split, labels, clean_labels):
        """Stores how many labels are right, as far as that is known.

        Args:
            split: str, name of the split.
            labels: int array `[N]`, the given labels.
            clean_labels: int array `[N]`, the true labels, -1 where unknown.
        """
        known = np.flatnonzero(np.asarray(clean_labels) >= 0)
        right = int(np.sum(labels[known] == clean_labels[known]))
        entry = {"samples": len(labels), "known": len(known), "right": right}
        self.info.metadata.setdefault("labels", {})[split] = entry
