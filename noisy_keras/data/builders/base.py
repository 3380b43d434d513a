"""What the TFDS builders of data sets with noisy labels share."""

import os
import warnings

import numpy as np
import tensorflow_datasets as tfds

from noisy_keras.utils.errors import ConfigurationError


class NoisyLabelsBuilder(
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """A TFDS builder that tells at once what is wrong with a user's files.

    Features of every data set:

    - `image`;
    - `id`: names the sample, the same on every machine;
    - `label`: as given, that is, what a training split is trained on;
    - `clean_label`: the right label, -1 where nobody knows it.

    `builder.info.metadata` holds what was found on the way: see
    `_note_labels`.

    Args:
        strict_counts: whether a split that has not the published number of
            samples is an error and not a warning. With `tfds.load`, pass
            `builder_kwargs={"strict_counts": True}`.
        **options: as of TFDS' builders: `data_dir`, `config`, `version`.

    Attributes:
        HOMEPAGE: address of the authors' page.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    HOMEPAGE = ""

    def __init__(self, *, strict_counts=False, **options):
        self.strict_counts = strict_counts
        super().__init__(**options)

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self._features()),
            # A pair would hide which label it holds.
            supervised_keys=None,
            homepage=self.HOMEPAGE,
            metadata=tfds.core.MetadataDict(),
        )

    def _features(self):
        """The features, a dict."""
        raise NotImplementedError

    def _own_folder(self, manual_dir):
        """Where the files are: a folder of the set's name, or all of it."""
        # TFDS' default folder is one for all data sets.
        own = os.path.join(manual_dir, self.name)
        return own if os.path.isdir(own) else os.fspath(manual_dir)

    def _check_counts(self, counts, published):
        """Compares numbers of samples with the published ones.

        Args:
            counts: dict from split to what is there.
            published: dict from split to what should be; others pass.

        Raises:
            ValueError: they differ and `strict_counts` is set.

        Warns:
            UserWarning: they differ.
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
        """Notes the share of labels that are right, where that is known.

        Args:
            split: name.
            labels: int `[N]`.
            clean_labels: int `[N]`, -1 where unknown.
        """
        known = np.flatnonzero(np.asarray(clean_labels) >= 0)
        right = int(np.sum(labels[known] == clean_labels[known]))
        entry = {"samples": len(labels), "known": len(known), "right": right}
        self.info.metadata.setdefault("labels", {})[split] = entry
